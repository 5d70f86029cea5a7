#ifndef PAGEMAPD_DAEMON_QUERY_CHUNK_SCANNER_H_
#define PAGEMAPD_DAEMON_QUERY_CHUNK_SCANNER_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "daemon/page/page_range.h"
#include "daemon/page/page_record.h"
#include "daemon/query/chunk_output.h"
#include "daemon/query/target_scan.h"
#include "daemon/shmem/object_resolver.h"
#include "daemon/sys/pagemap_scan.h"

namespace pagemapd {

// Finds the state of every page of a chunk. Holds one worker's buffers, about 300 KiB, so that
// scanning allocates nothing. One scanner a thread.
class ChunkScanner {
 public:
  explicit ChunkScanner(ObjectResolver resolver);

  // Scans `chunk` of `scan`, one that is not known, and fills `output`, which must be reset. Errors
  // are TargetErrors.
  absl::Status Scan(const TargetScan& scan, const Chunk& chunk, ChunkOutput* output);

  // The same for one block of at most kBlockPages pages, as records, all settled, with every field
  // that the scan's spec needs and perhaps more. The span is valid until the next call.
  absl::StatusOr<absl::Span<const PageRecord>> ScanBlock(const TargetScan& scan,
                                                         const Segment& segment, PageRange block);

  // Records of a block stay in the second-level cache from the read to the output.
  static constexpr uint64_t kBlockPages = 16 << 10;

  ObjectResolver& resolver() { return resolver_; }

 private:
  // What the page cache says; what the page table says, completed by the page cache.
  absl::Status ReadObject(const Segment& segment, PageRange block, absl::Span<PageRecord> records);
  absl::Status ReadProcess(const TargetScan& scan, const Segment& segment, PageRange block,
                           absl::Span<PageRecord> records);
  // `not_swapped`: no unsettled page was in swap when it was looked at.
  absl::Status Resolve(const TargetScan& scan, const Segment& segment, PageRange block,
                       bool not_swapped, absl::Span<PageRecord> records);
  absl::Status ReadEntries(const TargetScan& scan, PageRange block, absl::Span<PageRecord> records);
  absl::Status ScanRegions(const TargetScan& scan, const Segment& segment, PageRange block,
                           absl::Span<PageRecord> records);
  absl::StatusOr<bool> StillMapped(const TargetScan& scan, PageRange block,
                                   absl::Span<const PageRecord> records);
  void AddFrameFlags(const TargetScan& scan, absl::Span<PageRecord> records);

  ObjectResolver resolver_;
  std::vector<PageRecord> records_;
  std::vector<PageRegion> regions_;
  std::vector<uint64_t> words_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_QUERY_CHUNK_SCANNER_H_
