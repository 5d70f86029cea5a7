#ifndef PAGEMAPD_DAEMON_RECLAIM_PAGE_OUT_H_
#define PAGEMAPD_DAEMON_RECLAIM_PAGE_OUT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/page/page_range.h"
#include "daemon/page/page_record.h"
#include "daemon/procfs/locked_mappings.h"
#include "daemon/query/chunk_scanner.h"
#include "daemon/query/segment.h"
#include "daemon/query/target_scan.h"
#include "daemon/reclaim/advised_pages.h"
#include "daemon/reclaim/idle_filter.h"
#include "daemon/reclaim/mapping_watch.h"
#include "daemon/reclaim/object_page_out.h"
#include "daemon/reclaim/page_out_extents.h"
#include "daemon/reclaim/page_out_outcome.h"
#include "daemon/reclaim/page_out_request.h"

namespace pagemapd {

// Pages out memory of one process, and finds out what became of each page:
//
//   asked ── before ──▶ settled: in swap, hole, locked, ...
//                 └───▶ candidate ── MADV_PAGEOUT ── after ──▶ paged out, or why not
//
// "before" and "after" are looks at the page by the same scanner that answers queries. What
// process_madvise(2) returns counts for nothing: it succeeds where it did nothing.
//
// Errors are TargetErrors, or CANCELLED. One thread at a time.
class PageOut {
 public:
  // `environment` must outlive this, and have idle_pages for only_idle.
  static absl::StatusOr<std::unique_ptr<PageOut>> Open(const ScanEnvironment& environment,
                                                       PageOutRequest request);

  // Deals with the next pages, at most `max_pages` and ChunkScanner::kBlockPages of them. False at
  // the end.
  absl::StatusOr<bool> Step(ChunkScanner& scanner, uint64_t max_pages,
                            const std::function<bool()>& is_cancelled);

  // After the last step: whether the mappings are no longer those that were worked on. An error if
  // the process has exited or called exec.
  absl::StatusOr<bool> MappingsChanged() const { return scan_->MappingsChanged(); }

  const Process& process() const { return scan_->process(); }
  // What is done so far.
  const PageOutCounts& counts() const { return counts_; }
  // The same page by page, to be taken from there.
  PageOutExtents& extents() { return extents_; }

 private:
  PageOut(const ScanEnvironment& environment, PageOutRequest request);

  // Settles what is asked of [position_, end), which no mapping covers.
  void PassOverUnmapped(uint64_t end);
  // Takes up the next chunk; false at the end.
  absl::StatusOr<bool> NextChunk(ChunkScanner& scanner);
  absl::Status EnterSegment();
  // The part of chunk_ to deal with next, from its first asked page to its last; empty if no more
  // of it is asked for.
  PageRange NextBlock(uint64_t max_pages);
  absl::Status DealWith(ChunkScanner& scanner, PageRange block,
                        const std::function<bool()>& is_cancelled);
  // Sets outcomes_ from before_: kCandidate for what is to be attempted.
  void Judge(PageRange block);
  absl::Status LeaveOutUsed(PageRange block);
  void ForetellCandidates(PageRange block);
  absl::Status Attempt(PageRange block, const std::function<bool()>& is_cancelled);
  // Into advised_ and cached_.
  void CollectCandidates(PageRange block);
  // Gives the kernel what was collected.
  absl::Status Advise(PageRange block, const std::function<bool()>& is_cancelled);
  // Those the kernel was given, whatever came then.
  void CountAttempted(PageRange block);
  absl::Status LookAgain(ChunkScanner& scanner, PageRange block);
  // Learns into obstacles_ what is worth asking only about pages that are in RAM.
  void LearnObstacles();
  absl::Status LookAtMapping(PageRange block);
  // Whether it is the kernel's page of zeros, which many map and nobody can page out.
  bool IsZeroPage(PageRecord page);
  void Report(PageRange block);
  void Count(uint64_t start, uint64_t pages, PageOutOutcome outcome);

  // Calls `visit(part, asked)` for each asked part of [start, end), in order.
  template <typename Visit>
  void ForEachAsked(uint64_t start, uint64_t end, Visit visit) const;
  // Calls `visit(address, place)` for each candidate of `block`, in order.
  template <typename Visit>
  void ForEachCandidate(PageRange block, Visit visit) const;
  bool IsAsExpected(const PageOutRange& asked, uint64_t address) const;

  const ScanEnvironment& environment_;
  const PageOutRequest request_;
  IdleFilter idle_;
  std::shared_ptr<TargetScan> scan_;
  std::optional<LockedMappings> locked_;
  Chunk chunk_;
  // Everything asked for below this is dealt with; and the first range that is not wholly.
  uint64_t position_ = 0;
  size_t next_asked_ = 0;

  // Of the segment of chunk_.
  std::shared_ptr<const Segment> segment_;
  PageOutObstacles obstacles_;
  bool knows_ownership_ = false;
  MappingWatch mapping_;

  // Of the block that is dealt with, a place a page.
  std::vector<PageRecord> before_;
  std::vector<PageOutOutcome> outcomes_;
  std::vector<uint32_t> candidates_;
  AdvisedPages advised_;
  ObjectPageOut cached_;
  // The frame of zeros that was met last.
  uint64_t zero_pfn_ = 0;

  PageOutCounts counts_;
  PageOutExtents extents_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_RECLAIM_PAGE_OUT_H_
