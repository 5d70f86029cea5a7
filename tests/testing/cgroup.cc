#include "tests/testing/cgroup.h"

#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

struct Hierarchy {
  std::string mount;
  // Of this process, below the mount: "/" or "/a/b".
  std::string own;
  bool v2 = false;
};

bool HasOption(absl::string_view options, absl::string_view wanted) {
  for (absl::string_view option : absl::StrSplit(options, ',')) {
    if (option == wanted) return true;
  }
  return false;
}

// Where the memory controller is: a v1 hierarchy of its own, or the v2 one.
absl::StatusOr<Hierarchy> FindMemoryController() {
  Hierarchy found;
  found.v2 = true;
  absl::StatusOr<std::string> own = ReadText("/proc/self/cgroup");
  if (!own.ok()) return own.status();
  // "4:memory:/path" or "0::/path".
  for (absl::string_view line : absl::StrSplit(*own, '\n', absl::SkipEmpty())) {
    std::vector<absl::string_view> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    if (HasOption(fields[1], "memory")) {
      found.v2 = false;
      found.own = std::string(fields[2]);
      break;
    }
    if (fields[1].empty()) found.own = std::string(fields[2]);
  }
  absl::StatusOr<std::string> mounts = ReadText("/proc/self/mounts");
  if (!mounts.ok()) return mounts.status();
  for (absl::string_view line : absl::StrSplit(*mounts, '\n', absl::SkipEmpty())) {
    std::vector<absl::string_view> fields = absl::StrSplit(line, ' ');
    if (fields.size() < 4) continue;
    bool right =
        found.v2 ? fields[2] == "cgroup2" : fields[2] == "cgroup" && HasOption(fields[3], "memory");
    if (!right) continue;
    found.mount = std::string(fields[1]);
    return found;
  }
  return absl::NotFoundError("no memory cgroups are mounted");
}

absl::Status CreateBelow(const Hierarchy& hierarchy, const std::string& parent,
                         const std::string& path) {
  if (hierarchy.v2) {
    absl::Status enabled = WriteText(parent + "/cgroup.subtree_control", "+memory");
    if (!enabled.ok()) return enabled;
  }
  if (mkdir(path.c_str(), 0755) != 0) return ErrnoError("mkdir " + path);
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> ReadNumber(const std::string& path) {
  absl::StatusOr<std::string> text = ReadText(path);
  if (!text.ok()) return text.status();
  uint64_t value;
  if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(*text), &value)) {
    return absl::DataLossError(absl::StrCat(path, " reads ", *text));
  }
  return value;
}

}  // namespace

absl::StatusOr<Cgroup> Cgroup::Create() {
  absl::StatusOr<Hierarchy> hierarchy = FindMemoryController();
  if (!hierarchy.ok()) return hierarchy.status();
  static int created = 0;
  std::string name = absl::StrCat("/pagemapd-test-", getpid(), "-", ++created);
  absl::Status last;
  // v2 allows no children below a group with processes of its own, so the root comes second.
  for (const std::string& below : {hierarchy->own, std::string("/")}) {
    std::string parent = hierarchy->mount + (below == "/" ? "" : below);
    std::string path = parent + name;
    absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"rmcgroup", path});
    if (!undo.ok()) return undo.status();
    last = CreateBelow(*hierarchy, parent, path);
    if (last.ok()) return Cgroup(path, hierarchy->v2, *std::move(undo));
  }
  return last;
}

absl::Status Cgroup::Add(pid_t pid) const {
  return WriteText(path_ + "/cgroup.procs", absl::StrCat(pid));
}

absl::StatusOr<uint64_t> Cgroup::UsedBytes() const {
  return ReadNumber(path_ + (v2_ ? "/memory.current" : "/memory.usage_in_bytes"));
}

absl::Status Cgroup::Reclaim(uint64_t bytes) const {
  if (v2_) {
    absl::Status reclaimed = WriteText(path_ + "/memory.reclaim", absl::StrCat(bytes));
    // EAGAIN: less than asked.
    return absl::IsUnavailable(reclaimed) ? absl::OkStatus() : reclaimed;
  }
  // v1 reclaims to get below a new limit, and refuses a limit that it cannot get below.
  std::string limit = path_ + "/memory.limit_in_bytes";
  absl::StatusOr<uint64_t> used = UsedBytes();
  if (!used.ok()) return used.status();
  uint64_t target = *used > bytes ? *used - bytes : 0;
  absl::Status reclaimed = WriteText(limit, absl::StrCat(target));
  // EBUSY.
  if (!reclaimed.ok() && !absl::IsFailedPrecondition(reclaimed)) return reclaimed;
  return WriteText(limit, "-1");
}

absl::Status Cgroup::ReclaimAll() const {
  if (!v2_) return WriteText(path_ + "/memory.force_empty", "0");
  absl::StatusOr<uint64_t> used = UsedBytes();
  if (!used.ok()) return used.status();
  return Reclaim(*used);
}

}  // namespace pagemapd
