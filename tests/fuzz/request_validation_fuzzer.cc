// ValidateQuery, ValidateSummary and ValidateRevalidation, on requests as they come over the wire.
// The first byte says which.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "daemon/page/page_range.h"
#include "daemon/service/request_validation.h"
#include "pagemapd/v1/pagemap_service.pb.h"
#include "tests/fuzz/require.h"

namespace pagemapd {
namespace {

const Limits kLimits = [] {
  Limits limits;
  limits.max_targets = 8;
  limits.max_ranges = 16;
  return limits;
}();

void RequireInvalid(const absl::Status& status) {
  REQUIRE(status.code() == absl::StatusCode::kInvalidArgument);
  REQUIRE(!status.message().empty());
  REQUIRE(status.message().size() < 1024);
}

void CheckSpec(const ScanSpec& spec) {
  REQUIRE(spec.view == View::kProcess || spec.view == View::kObject);
  REQUIRE(spec.states != 0);
  REQUIRE((spec.fields & PageRecord::kStateMask) == 0);
  REQUIRE(!spec.frame_flags || (spec.fields & PageRecord::kFlagMask) != 0);
}

void CheckScan(const absl::StatusOr<ScanRequest>& scan) {
  if (!scan.ok()) return RequireInvalid(scan.status());
  CheckSpec(scan->spec);
  REQUIRE(!scan->targets.empty() && scan->targets.size() <= kLimits.max_targets);
  size_t ranges = 0;
  for (const TargetQuery& target : scan->targets) ranges += target.ranges.size();
  REQUIRE(ranges <= kLimits.max_ranges);
}

void CheckRevalidation(const absl::StatusOr<RevalidationRequest>& request, size_t asked) {
  if (!request.ok()) return RequireInvalid(request.status());
  CheckSpec(request->spec);
  REQUIRE(request->extents.size() == asked && asked <= kLimits.max_ranges);
  REQUIRE(request->target.ranges.size() == asked);
  std::vector<bool> seen(asked);
  for (size_t i = 0; i < asked; ++i) {
    const ExpectedExtent& expected = request->extents[i];
    const PageRange range = {expected.extent.start, expected.extent.End()};
    REQUIRE(ValidateRange(range).ok());
    REQUIRE(range.Pages() == expected.extent.pages);
    REQUIRE(request->target.ranges[i] == range);
    if (i > 0) REQUIRE(request->extents[i - 1].extent.End() <= range.start);
    REQUIRE(!seen[expected.index]);
    seen[expected.index] = true;
  }
}

void CheckPageOut(const absl::StatusOr<PageOutRequest>& request) {
  if (!request.ok()) return RequireInvalid(request.status());
  REQUIRE(!request->ranges.empty() && request->ranges.size() <= kLimits.max_ranges);
  for (size_t i = 0; i < request->ranges.size(); ++i) {
    REQUIRE(ValidateRange(request->ranges[i].range).ok());
    if (i > 0) REQUIRE(request->ranges[i - 1].range.end <= request->ranges[i].range.start);
  }
}

}  // namespace
}  // namespace pagemapd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pagemapd;
  if (size == 0) return 0;
  const int bytes = static_cast<int>(size - 1);
  switch (data[0] % 4) {
    case 0: {
      v1::QueryPagesRequest request;
      if (request.ParseFromArray(data + 1, bytes)) CheckScan(ValidateQuery(request, kLimits));
      break;
    }
    case 1: {
      v1::SummarizePagesRequest request;
      if (request.ParseFromArray(data + 1, bytes)) CheckScan(ValidateSummary(request, kLimits));
      break;
    }
    case 2: {
      v1::RevalidatePagesRequest request;
      if (!request.ParseFromArray(data + 1, bytes)) break;
      CheckRevalidation(ValidateRevalidation(request, kLimits), request.extents_size());
      break;
    }
    default: {
      v1::PageOutRequest request;
      if (request.ParseFromArray(data + 1, bytes)) CheckPageOut(ValidatePageOut(request, kLimits));
      break;
    }
  }
  return 0;
}
