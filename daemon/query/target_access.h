#ifndef PAGEMAPD_DAEMON_QUERY_TARGET_ACCESS_H_
#define PAGEMAPD_DAEMON_QUERY_TARGET_ACCESS_H_

#include <sys/types.h>

#include <functional>
#include <optional>

#include "absl/status/statusor.h"
#include "daemon/procfs/process.h"

namespace pagemapd {

// What of a process may be told to the one who asks.
struct TargetAccess {
  // PFNs, swap entries, and what /proc/kpageflags says of frames.
  bool locations = false;
  // If set: of an object that another user owns, only what the process's own page table shows, of
  // swapped pages not in which area they are, and of folios not their size. The kernel gives no
  // more either (can_do_mincore in mm/mincore.c): who has read a file when is seen in the page
  // cache.
  std::optional<uid_t> objects_of;
};

// Decides on a process that is held, between two looks at which it was the same. An error is a
// TargetError, kPermissionDenied, that names the missing right. Called twice a target, by any
// thread: before and after its files are opened.
using AccessCheck = std::function<absl::StatusOr<TargetAccess>(const Process&)>;

// For those below service/ who ask for themselves.
inline absl::StatusOr<TargetAccess> AllowAll(const Process&) {
  return TargetAccess{/*locations=*/true, /*objects_of=*/std::nullopt};
}

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_QUERY_TARGET_ACCESS_H_
