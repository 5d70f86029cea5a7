#ifndef PAGEMAPD_DAEMON_QUERY_TARGET_ERROR_H_
#define PAGEMAPD_DAEMON_QUERY_TARGET_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace pagemapd {

// Why a target could not be answered. The numbers are those of the API (ErrorReason).
enum class TargetErrorReason {
  kInvalidTarget = 1,
  kNoSuchProcess = 2,
  kProcessReplaced = 3,
  kNoAddressSpace = 4,
  kProcessExited = 5,
  kProcessExeced = 6,
  kPermissionDenied = 7,
  kInternal = 9,
};

// A status that carries the reason.
absl::Status TargetError(TargetErrorReason reason, absl::string_view message);

// The reason of an error; for one that TargetError did not make, by its code: kPermissionDenied
// or kInternal.
TargetErrorReason ReasonOf(const absl::Status& error);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_QUERY_TARGET_ERROR_H_
