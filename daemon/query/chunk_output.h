#ifndef PAGEMAPD_DAEMON_QUERY_CHUNK_OUTPUT_H_
#define PAGEMAPD_DAEMON_QUERY_CHUNK_OUTPUT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "daemon/page/folio_counts.h"
#include "daemon/page/page_counts.h"
#include "daemon/query/extent_builder.h"
#include "daemon/query/scan_spec.h"

namespace pagemapd {

// What a scan has to tell of one chunk, in the asked format. Reused from chunk to chunk: Reset
// keeps the storage.
struct ChunkOutput {
  PageCounts counts;
  // kCounts only. Without ScanSpec::names_swap_types all in the last place.
  SwapTypeCounts swap_types{};
  // With ScanSpec::folios; filled by the scanner.
  FolioCounts folios;
  // kExtents.
  std::vector<Extent> extents;
  // kPacked: a u64 a page; kBitmap: a bit a page. Empty if `uniform` is set, and if no page of the
  // chunk is wanted.
  std::string bytes;
  // kPacked: the record of every page; kBitmap: 1.
  std::optional<uint64_t> uniform;

  void Reset();
};

// Fills a ChunkOutput from records that come in address order, block by block. Every block but the
// last must be a multiple of 64 pages. Not thread-safe.
class ChunkOutputWriter {
 public:
  // Both must outlive the writer; `output` must be reset.
  ChunkOutputWriter(const ScanSpec& spec, ChunkOutput* output)
      : spec_(spec), output_(output), extents_(spec, &output->extents) {}

  void Append(uint64_t address, absl::Span<const PageRecord> records);
  // The whole chunk in one: every page has `record`, which has no location.
  void AppendAll(uint64_t address, uint64_t pages, PageRecord record);
  // Call once after the last block.
  void Finish();

 private:
  void AppendPacked(absl::Span<const PageRecord> records);
  void AppendBitmap(absl::Span<const PageRecord> records);

  const ScanSpec& spec_;
  ChunkOutput* output_;
  ExtentBuilder extents_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_QUERY_CHUNK_OUTPUT_H_
