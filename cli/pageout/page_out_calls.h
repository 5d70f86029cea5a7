#ifndef PAGEMAPD_CLI_PAGEOUT_PAGE_OUT_CALLS_H_
#define PAGEMAPD_CLI_PAGEOUT_PAGE_OUT_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "pagemapd/v1/pagemap_service.grpc.pb.h"

namespace pagemapd {

// How to page out; as in PageOutRequest.
struct PageOutSwitches {
  bool dry_run = false;
  bool only_idle = false;
  // 0: no limit.
  uint64_t max_pages_per_second = 0;
};

// What all calls together came to.
struct PageOutTotal {
  // The last call's; OK also when the process failed, and when `on_answer` wanted no more.
  grpc::Status status;
  // Set when the process failed.
  std::optional<v1::TargetError> error;
  // Of any call.
  bool mappings_changed = false;
  // As the daemon found it, with its start time; unset while it found none.
  std::optional<v1::ProcessRef> process;
  v1::PageOutCounts counts;

  bool failed() const { return !status.ok() || error.has_value(); }
  // 0 if the outcome has none.
  uint64_t PagesOf(v1::PageOutOutcome outcome) const;
};

// Called with each message: its extents, and what all calls came to so far, the message included.
// False ends the page-out.
using OnPageOutAnswer =
    std::function<bool(const PageOutTotal& so_far, const v1::PageOutResponse& response)>;

// Pages memory of one process out, in as many calls as the limits make necessary, all of the same
// process: the first answer's start time is asked for by the calls after it. Holds the ranges of
// one call, no more. Not thread-safe.
//
// Pages of several ranges are done once in a call; of ranges in two calls they are done, and
// counted, twice.
class PageOutCalls {
 public:
  // Ranges a call, whatever the daemon allows.
  static constexpr size_t kMaxRanges = 65536;
  // Bytes of the ranges of a call: half of what gRPC takes at once where it is not told otherwise.
  static constexpr size_t kMaxRangeBytes = 2 << 20;

  // `max_ranges` is Limits.max_ranges; 0: not known. `service` must outlive this object.
  PageOutCalls(v1::PagemapService::StubInterface& service, const v1::ProcessRef& process,
               const PageOutSwitches& switches, uint32_t max_ranges, OnPageOutAnswer on_answer);

  // Adds a range; makes a call first if one more would be too many. False once there is no point
  // in adding more.
  bool Add(const v1::PageOutRange& range);

  // Makes the call for what was added since the last one. False as Add.
  bool Flush();

  // Forgets what no call was made for.
  void Drop();

  const PageOutTotal& total() const { return total_; }

 private:
  void Call();

  v1::PagemapService::StubInterface& service_;
  const OnPageOutAnswer on_answer_;
  const size_t max_ranges_;
  // The next call's.
  v1::PageOutRequest request_;
  size_t range_bytes_ = 0;
  bool ended_ = false;
  PageOutTotal total_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PAGEOUT_PAGE_OUT_CALLS_H_
