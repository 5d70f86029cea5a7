#include "daemon/service/access/access_policy.h"

#include <errno.h>
#include <fcntl.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <cstdint>
#include <limits>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "daemon/sys/bounded_read.h"
#include "daemon/sys/errno_status.h"
#include "daemon/sys/unique_fd.h"
#include "pagemapd/policy/policy.pb.h"

namespace pagemapd {
namespace {

// Keeps the first error of the parser: those that follow are often its consequences.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  explicit FirstError(absl::string_view shown) : shown_(shown) {}
  // Lines and columns count from 0.
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (!text_.empty()) return;
    text_ =
        absl::StrCat(shown_, ":", line + 1, ":", column + 1, ": ", absl::Utf8SafeCEscape(message));
  }
  const std::string& text() const { return text_; }

 private:
  const absl::string_view shown_;
  std::string text_;
};

// Enough for any entry; one that is larger is not found.
constexpr size_t kMaxEntryBytes = 1 << 20;

// Looks `name` up by `find`, getpwnam_r or getgrnam_r. NOT_FOUND if there is none.
template <typename Entry>
absl::Status LookUp(int (*find)(const char*, Entry*, char*, size_t, Entry**),
                    const std::string& name, Entry* entry, std::vector<char>* storage) {
  for (size_t size = 4096; size <= kMaxEntryBytes; size *= 4) {
    storage->resize(size);
    Entry* found = nullptr;
    const int error = find(name.c_str(), entry, storage->data(), storage->size(), &found);
    if (error == ERANGE) continue;
    // Some databases say "none" by one of these (getpwnam(3)).
    if (error == ENOENT || error == ESRCH || (error == 0 && found == nullptr)) break;
    if (error != 0) return ErrnoStatus(error, absl::StrCat("look-up of \"", name, "\""));
    return absl::OkStatus();
  }
  return absl::NotFoundError("none has this name");
}

// A decimal id, or a name that `look_up` turns into one.
template <typename NameLookUp>
absl::StatusOr<uint32_t> IdOf(const std::string& text, NameLookUp look_up) {
  if (text.empty()) return absl::InvalidArgumentError("it is empty");
  if (!absl::c_all_of(text, absl::ascii_isdigit)) return look_up();
  uint32_t id;
  // The largest means "no id" (chown(2)).
  if (!absl::SimpleAtoi(text, &id) || id == std::numeric_limits<uint32_t>::max()) {
    return absl::InvalidArgumentError("no id is that large");
  }
  return id;
}

absl::StatusOr<uint32_t> UidOf(const std::string& text) {
  return IdOf(text, [&text]() -> absl::StatusOr<uint32_t> {
    struct passwd entry;
    std::vector<char> storage;
    if (absl::Status status = LookUp(getpwnam_r, text, &entry, &storage); !status.ok()) {
      return status;
    }
    return entry.pw_uid;
  });
}

absl::StatusOr<uint32_t> GidOf(const std::string& text) {
  return IdOf(text, [&text]() -> absl::StatusOr<uint32_t> {
    struct group entry;
    std::vector<char> storage;
    if (absl::Status status = LookUp(getgrnam_r, text, &entry, &storage); !status.ok()) {
      return status;
    }
    return entry.gr_gid;
  });
}

}  // namespace

bool AccessPolicy::Grant::Covers(const Caller& caller) const {
  return (caller.uid.has_value() && absl::c_linear_search(users, *caller.uid)) ||
         absl::c_any_of(groups, [&](gid_t group) { return caller.IsInGroup(group); }) ||
         absl::c_any_of(certificate_names, [&](const std::string& name) {
           return absl::c_linear_search(caller.certificate_names, name);
         });
}

absl::StatusOr<AccessPolicy> AccessPolicy::Parse(const std::string& text, absl::string_view shown) {
  FirstError error(shown);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  policy::Policy parsed;
  if (!parser.ParseFromString(text, &parsed)) return absl::InvalidArgumentError(error.text());

  AccessPolicy result;
  for (const policy::Grant& in : parsed.grant()) {
    const auto wrong = [&](absl::string_view what) {
      return absl::InvalidArgumentError(
          absl::StrCat(shown, ": grant ", result.grants_.size() + 1, ": ", what));
    };
    // Turns names into ids; an error names the field and the value.
    absl::Status failed;
    const auto add_ids = [&](absl::string_view field, const auto& names, auto id_of, auto* ids) {
      for (const std::string& name : names) {
        absl::StatusOr<uint32_t> id = id_of(name);
        if (id.ok()) {
          ids->push_back(*id);
        } else if (failed.ok()) {
          failed = wrong(absl::StrCat(field, " \"", absl::Utf8SafeCEscape(name),
                                      "\": ", id.status().message()));
        }
      }
    };
    Grant grant;
    add_ids("user", in.user(), UidOf, &grant.users);
    add_ids("group", in.group(), GidOf, &grant.groups);
    add_ids("of_user", in.of_user(), UidOf, &grant.scope.users);
    if (!failed.ok()) return failed;
    for (const std::string& name : in.certificate_name()) {
      if (name.empty()) return wrong("certificate_name \"\": it is empty");
      grant.certificate_names.push_back(name);
    }
    for (const int right : in.right()) {
      if (right < policy::Grant::INSPECT || right > policy::Grant::PAGEOUT) {
        return wrong(absl::StrCat("right ", right, " is none: INSPECT, LOCATIONS or PAGEOUT"));
      }
      grant.rights.push_back(static_cast<Right>(right));
    }
    grant.scope.all = in.all();
    grant.scope.own = in.own();
    if (grant.users.empty() && grant.groups.empty() && grant.certificate_names.empty()) {
      return wrong("to nobody: it takes user, group or certificate_name");
    }
    if (grant.rights.empty()) return wrong("of nothing: it takes right");
    if (!grant.scope.all && !grant.scope.own && grant.scope.users.empty()) {
      return wrong("about no process: it takes all, of_user or own");
    }
    result.grants_.push_back(std::move(grant));
  }
  return result;
}

absl::StatusOr<AccessPolicy> AccessPolicy::Read(const std::string& path) {
  // Of a FIFO, open would wait for a writer.
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return ErrnoStatus(errno, absl::StrCat("open ", path));
  struct stat st;
  if (fstat(fd.get(), &st) != 0) return ErrnoStatus(errno, absl::StrCat("fstat ", path));
  if (!S_ISREG(st.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is no regular file"));
  }
  if ((st.st_mode & S_IWOTH) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": everyone may write it"));
  }
  absl::StatusOr<std::string> text = ReadUpTo(fd, kMaxBytes + 1, absl::StrCat("read ", path));
  if (!text.ok()) return text.status();
  if (text->size() > kMaxBytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is longer than ", kMaxBytes, " bytes"));
  }
  return Parse(*text, path);
}

CallerRights AccessPolicy::RightsOf(const Caller& caller) const {
  CallerRights rights(caller);
  for (const Grant& grant : grants_) {
    if (!grant.Covers(caller)) continue;
    for (const Right right : grant.rights) rights.Add(right, grant.scope);
  }
  return rights;
}

}  // namespace pagemapd
