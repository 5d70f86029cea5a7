#ifndef PAGEMAPD_DAEMON_PROCFS_LOCKED_MAPPINGS_H_
#define PAGEMAPD_DAEMON_PROCFS_LOCKED_MAPPINGS_H_

#include <optional>

#include "absl/status/statusor.h"
#include "daemon/page/page_range.h"
#include "daemon/procfs/maps.h"
#include "daemon/procfs/process.h"

namespace pagemapd {

// Which memory of a process mlock(2) or mlockall(2) keeps in RAM, asked about in address order and
// in constant memory. Not thread-safe.
//
// smaps alone tells, at the price of a walk of the page tables; it is read only if "VmLck" of
// /proc/PID/status (proc(5)) says that there is any.
class LockedMappings {
 public:
  // NOT_FOUND when the process is gone; DATA_LOSS if status has no such line.
  static absl::StatusOr<LockedMappings> Open(const Process& process);

  // Whether any of `range` is in a locked mapping. Ranges must not descend.
  absl::StatusOr<bool> AnyIn(const PageRange& range);

 private:
  explicit LockedMappings(std::optional<MapsReader> reader) : reader_(std::move(reader)) {}

  // Absent: there is none, or no more.
  std::optional<MapsReader> reader_;
  Vma vma_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PROCFS_LOCKED_MAPPINGS_H_
