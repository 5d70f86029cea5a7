#ifndef PAGEMAPD_DAEMON_QUERY_MAPPED_RANGES_H_
#define PAGEMAPD_DAEMON_QUERY_MAPPED_RANGES_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "daemon/page/page_range.h"
#include "daemon/procfs/maps.h"
#include "daemon/procfs/process.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// A process's mappings, cut to the asked ranges, in address order and in constant memory. Not
// thread-safe.
class MappedRanges {
 public:
  // `ranges` must be normalized (page_range.h) and outlive this; none: the whole address space.
  static absl::StatusOr<MappedRanges> Open(const Process& process,
                                           absl::Span<const PageRange> ranges);

  // The same of a file /proc/PID/maps that was opened before: of the address space of that moment.
  static MappedRanges Over(UniqueFd maps, const Process& process,
                           absl::Span<const PageRange> ranges);

  // The next mapping, and in `cut` a part of it that was asked for; false at the end. A mapping
  // that several ranges touch comes once for each.
  absl::StatusOr<bool> Next(Vma* vma, PageRange* cut);

  // A hash of everything Next has returned so far, path excepted. Comparable within a process only.
  size_t fingerprint() const { return fingerprint_; }

 private:
  MappedRanges(MapsReader reader, absl::Span<const PageRange> ranges)
      : reader_(std::move(reader)), ranges_(ranges) {}

  MapsReader reader_;
  const absl::Span<const PageRange> ranges_;
  size_t next_range_ = 0;
  Vma vma_;
  // What of vma_ is still to be matched with ranges; empty before the first.
  PageRange rest_;
  size_t fingerprint_ = 0;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_QUERY_MAPPED_RANGES_H_
