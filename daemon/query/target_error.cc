#include "daemon/query/target_error.h"

#include <string>

#include "absl/strings/cord.h"

namespace pagemapd {
namespace {

constexpr char kPayload[] = "pagemapd/target_error_reason";

absl::StatusCode CodeOf(TargetErrorReason reason) {
  switch (reason) {
    case TargetErrorReason::kInvalidTarget:
      return absl::StatusCode::kInvalidArgument;
    case TargetErrorReason::kNoSuchProcess:
      return absl::StatusCode::kNotFound;
    case TargetErrorReason::kProcessReplaced:
    case TargetErrorReason::kNoAddressSpace:
      return absl::StatusCode::kFailedPrecondition;
    case TargetErrorReason::kProcessExited:
    case TargetErrorReason::kProcessExeced:
      return absl::StatusCode::kAborted;
    case TargetErrorReason::kPermissionDenied:
      return absl::StatusCode::kPermissionDenied;
    case TargetErrorReason::kInternal:
      break;
  }
  return absl::StatusCode::kInternal;
}

}  // namespace

absl::Status TargetError(TargetErrorReason reason, absl::string_view message) {
  absl::Status status(CodeOf(reason), message);
  status.SetPayload(kPayload, absl::Cord(std::string(1, static_cast<char>(reason))));
  return status;
}

TargetErrorReason ReasonOf(const absl::Status& error) {
  if (absl::optional<absl::Cord> payload = error.GetPayload(kPayload); payload.has_value()) {
    return static_cast<TargetErrorReason>((*payload)[0]);
  }
  return error.code() == absl::StatusCode::kPermissionDenied ? TargetErrorReason::kPermissionDenied
                                                             : TargetErrorReason::kInternal;
}

}  // namespace pagemapd
