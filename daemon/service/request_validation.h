#ifndef PAGEMAPD_DAEMON_SERVICE_REQUEST_VALIDATION_H_
#define PAGEMAPD_DAEMON_SERVICE_REQUEST_VALIDATION_H_

#include <vector>

#include "absl/status/statusor.h"
#include "daemon/query/scan_pipeline.h"
#include "daemon/query/scan_spec.h"
#include "daemon/reclaim/page_out_request.h"
#include "daemon/service/limits.h"
#include "pagemapd/v1/pagemap_service.pb.h"

// Requests as they come over the wire, turned into what query/ works with. An error here is one of
// the request as a whole, INVALID_ARGUMENT, and names the value; what is wrong with one target, a
// range say, is found when that target's turn comes, and fails that target alone. Pure.

namespace pagemapd {

struct ScanRequest {
  ScanSpec spec;
  std::vector<TargetQuery> targets;
};

absl::StatusOr<ScanRequest> ValidateQuery(const v1::QueryPagesRequest& request,
                                          const Limits& limits);

absl::StatusOr<ScanRequest> ValidateSummary(const v1::SummarizePagesRequest& request,
                                            const Limits& limits);

// One extent that is to be looked at again.
struct ExpectedExtent {
  // Place in the request.
  uint32_t index = 0;
  // State, and location where the request gives one.
  Extent extent;
};

struct RevalidationRequest {
  ScanSpec spec;
  TargetQuery target;
  // By address; none overlap.
  std::vector<ExpectedExtent> extents;
};

absl::StatusOr<RevalidationRequest> ValidateRevalidation(const v1::RevalidatePagesRequest& request,
                                                         const Limits& limits);

// Ranges are checked here, since there is but one process, and come normalized.
absl::StatusOr<PageOutRequest> ValidatePageOut(const v1::PageOutRequest& request,
                                               const Limits& limits);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_REQUEST_VALIDATION_H_
