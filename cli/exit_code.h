#ifndef PAGEMAPD_CLI_EXIT_CODE_H_
#define PAGEMAPD_CLI_EXIT_CODE_H_

#include <grpcpp/support/status.h>

#include "pagemapd/v1/pages.pb.h"

namespace pagemapd {

// What the process returns.
enum class ExitCode {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  // Something was answered, but not all that was asked for.
  kPartlyDone = 3,
  kPermissionDenied = 4,
  kUnreachable = 5,
};

// For a call that failed before it answered anything.
ExitCode ExitCodeOf(const grpc::Status& status);

// For a target that failed before it answered anything.
ExitCode ExitCodeOf(v1::ErrorReason reason);

// What became of a command's targets, as one exit code.
class ExitTally {
 public:
  void Answered() { answered_ = true; }
  // `code` is not kDone.
  void Failed(ExitCode code);

  // kDone without failures, kPartlyDone with some; else what all failures have in common, or
  // kFailed.
  ExitCode code() const;

 private:
  bool answered_ = false;
  ExitCode failure_ = ExitCode::kDone;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_EXIT_CODE_H_
