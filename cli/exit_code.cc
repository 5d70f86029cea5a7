#include "cli/exit_code.h"

namespace pagemapd {

ExitCode ExitCodeOf(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return ExitCode::kDone;
    case grpc::StatusCode::PERMISSION_DENIED:
    // A certificate that no grant of the policy names.
    case grpc::StatusCode::UNAUTHENTICATED:
      return ExitCode::kPermissionDenied;
    case grpc::StatusCode::UNAVAILABLE:
      return ExitCode::kUnreachable;
    default:
      return ExitCode::kFailed;
  }
}

ExitCode ExitCodeOf(v1::ErrorReason reason) {
  return reason == v1::ERROR_REASON_PERMISSION_DENIED ? ExitCode::kPermissionDenied
                                                      : ExitCode::kFailed;
}

void ExitTally::Failed(ExitCode code) {
  if (failure_ == ExitCode::kDone) {
    failure_ = code;
  } else if (failure_ != code) {
    failure_ = ExitCode::kFailed;
  }
}

ExitCode ExitTally::code() const {
  if (failure_ == ExitCode::kDone) return ExitCode::kDone;
  return answered_ ? ExitCode::kPartlyDone : failure_;
}

}  // namespace pagemapd
