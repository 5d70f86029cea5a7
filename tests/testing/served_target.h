#ifndef PAGEMAPD_TESTS_TESTING_SERVED_TARGET_H_
#define PAGEMAPD_TESTS_TESTING_SERVED_TARGET_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/target_process.h"

namespace pagemapd {

// Starts a daemon with these flags, a connection to it, and a process for it to look at. What was
// there before is gone first.
absl::Status StartWithTarget(const std::vector<std::string>& flags,
                             std::optional<DaemonProcess>* daemon,
                             std::unique_ptr<v1::PagemapService::Stub>* stub,
                             std::optional<TargetProcess>* target);

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_SERVED_TARGET_H_
