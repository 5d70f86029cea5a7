#include "tests/testing/served_target.h"

#include <utility>

#include "absl/status/statusor.h"
#include "tests/testing/page_client.h"

namespace pagemapd {

absl::Status StartWithTarget(const std::vector<std::string>& flags,
                             std::optional<DaemonProcess>* daemon,
                             std::unique_ptr<v1::PagemapService::Stub>* stub,
                             std::optional<TargetProcess>* target) {
  target->reset();
  stub->reset();
  daemon->reset();
  absl::StatusOr<DaemonProcess> started = DaemonProcess::Start(flags);
  if (!started.ok()) return started.status();
  daemon->emplace(*std::move(started));
  *stub = NewStub((*daemon)->address());
  absl::StatusOr<TargetProcess> process = TargetProcess::Start();
  if (!process.ok()) return process.status();
  target->emplace(*std::move(process));
  return absl::OkStatus();
}

}  // namespace pagemapd
