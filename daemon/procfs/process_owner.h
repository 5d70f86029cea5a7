#ifndef PAGEMAPD_DAEMON_PROCFS_PROCESS_OWNER_H_
#define PAGEMAPD_DAEMON_PROCFS_PROCESS_OWNER_H_

#include <sys/types.h>

#include <array>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/procfs/process.h"

namespace pagemapd {

// Whose a process is, as far as the kernel goes by it when another process wants to look
// (__ptrace_may_access in kernel/ptrace.c). Ids are those of the daemon's user namespace.
struct ProcessOwner {
  // Real, effective, saved, filesystem: "Uid" and "Gid" of /proc/PID/status.
  std::array<uid_t, 4> uids{};
  std::array<gid_t, 4> gids{};
  // It has capabilities, in whatever user namespace: "CapPrm".
  bool has_capabilities = false;
  // Who owns /proc/PID/pagemap: the effective user, but root if the process is not dumpable
  // (task_dump_owner in fs/proc/base.c).
  uid_t file_owner = 0;
  // Its user namespace is not the daemon's.
  bool in_other_user_namespace = false;

  // All four are `uid`.
  bool IsOfUser(uid_t uid) const { return uids == std::array<uid_t, 4>{uid, uid, uid, uid}; }
  bool IsOfGroup(gid_t gid) const { return gids == std::array<gid_t, 4>{gid, gid, gid, gid}; }
};

// The fields of `status`, the text of /proc/PID/status, that there are above. DATA_LOSS if one is
// missing or malformed. The first line is the process's own to choose, but the kernel escapes what
// would end it.
absl::StatusOr<ProcessOwner> ParseProcessStatus(absl::string_view status);

// A namespace, by its file (namespaces(7)).
struct NamespaceId {
  dev_t device = 0;
  ino_t inode = 0;
};

// The user namespace of a process; all 0 where the kernel has none. NOT_FOUND when the process is
// gone, PERMISSION_DENIED without ptrace access.
absl::StatusOr<NamespaceId> UserNamespaceOf(const Process& process);

// `self` is the daemon's own user namespace. Errors as of UserNamespaceOf.
absl::StatusOr<ProcessOwner> ReadProcessOwner(const Process& process, const NamespaceId& self);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PROCFS_PROCESS_OWNER_H_
