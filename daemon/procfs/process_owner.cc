#include "daemon/procfs/process_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "daemon/procfs/field_scanner.h"
#include "daemon/sys/bounded_read.h"
#include "daemon/sys/errno_status.h"
#include "daemon/sys/pidfd.h"

namespace pagemapd {
namespace {

// All of a status file: some 1.5 KiB, and what 65536 supplementary groups take.
constexpr size_t kMaxStatusBytes = 1 << 20;

template <typename Id>
bool ParseIds(absl::string_view value, std::array<Id, 4>* ids) {
  FieldScanner fields(value);
  for (Id& id : *ids) {
    if (!fields.Blanks() || !fields.Decimal(&id)) return false;
  }
  return fields.rest().empty();
}

bool ParseCapabilities(absl::string_view value, bool* has_any) {
  FieldScanner fields(value);
  uint64_t set;
  if (!fields.Blanks() || !fields.Hex(&set) || !fields.rest().empty()) return false;
  *has_any = set != 0;
  return true;
}

absl::StatusOr<struct stat> StatOf(const Process& process, const char* name) {
  struct stat st;
  if (fstatat(process.directory().get(), name, &st, 0) != 0) {
    return ErrnoStatus(errno, absl::StrCat("stat /proc/", process.pid(), "/", name));
  }
  return st;
}

}  // namespace

absl::StatusOr<ProcessOwner> ParseProcessStatus(absl::string_view status) {
  ProcessOwner owner;
  bool has_uids = false;
  bool has_gids = false;
  bool has_capabilities = false;
  for (absl::string_view line : absl::StrSplit(status, '\n')) {
    absl::string_view value = line;
    bool ok = true;
    if (absl::ConsumePrefix(&value, "Uid:")) {
      ok = !std::exchange(has_uids, true) && ParseIds(value, &owner.uids);
    } else if (absl::ConsumePrefix(&value, "Gid:")) {
      ok = !std::exchange(has_gids, true) && ParseIds(value, &owner.gids);
    } else if (absl::ConsumePrefix(&value, "CapPrm:")) {
      ok = !std::exchange(has_capabilities, true) &&
           ParseCapabilities(value, &owner.has_capabilities);
    }
    if (!ok) return MalformedLine("/proc/PID/status", line);
  }
  if (!has_uids || !has_gids || !has_capabilities) {
    return absl::DataLossError("/proc/PID/status: no line \"Uid:\", \"Gid:\" or \"CapPrm:\"");
  }
  return owner;
}

absl::StatusOr<NamespaceId> UserNamespaceOf(const Process& process) {
  absl::StatusOr<struct stat> st = StatOf(process, "ns/user");
  // A kernel without user namespaces (CONFIG_USER_NS) has no such file.
  if (absl::IsNotFound(st.status()) && IsAlive(process.pidfd())) return NamespaceId();
  if (!st.ok()) return st.status();
  return NamespaceId{st->st_dev, st->st_ino};
}

absl::StatusOr<ProcessOwner> ReadProcessOwner(const Process& process, const NamespaceId& self) {
  absl::StatusOr<UniqueFd> fd = process.Open("status");
  if (!fd.ok()) return fd.status();
  absl::StatusOr<std::string> text =
      ReadUpTo(*fd, kMaxStatusBytes, absl::StrCat("read /proc/", process.pid(), "/status"));
  if (!text.ok()) return text.status();
  // At the end of an exited process the kernel gives an empty file.
  if (text->empty()) {
    return absl::NotFoundError(absl::StrCat("process ", process.pid(), " is gone"));
  }
  absl::StatusOr<ProcessOwner> owner = ParseProcessStatus(*text);
  if (!owner.ok()) return owner.status();
  // After the ids: one that gives privileges up stops being dumpable before its ids change
  // (commit_creds in kernel/cred.c).
  absl::StatusOr<struct stat> pagemap = StatOf(process, "pagemap");
  if (!pagemap.ok()) return pagemap.status();
  owner->file_owner = pagemap->st_uid;
  absl::StatusOr<NamespaceId> user_namespace = UserNamespaceOf(process);
  if (!user_namespace.ok()) {
    // Of one that is gone the kernel says EACCES (proc_ns_get_link in fs/proc/namespaces.c).
    if (IsAlive(process.pidfd())) return user_namespace.status();
    return absl::NotFoundError(absl::StrCat("process ", process.pid(), " is gone"));
  }
  owner->in_other_user_namespace =
      user_namespace->device != self.device || user_namespace->inode != self.inode;
  return owner;
}

}  // namespace pagemapd
