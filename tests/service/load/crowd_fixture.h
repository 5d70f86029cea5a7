#ifndef PAGEMAPD_TESTS_SERVICE_LOAD_CROWD_FIXTURE_H_
#define PAGEMAPD_TESTS_SERVICE_LOAD_CROWD_FIXTURE_H_

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/fd.h"
#include "tests/testing/identity.h"
#include "tests/testing/policy_file.h"
#include "tests/testing/target_process.h"

namespace pagemapd {

// A daemon that everybody may connect to, and whose policy lets the users from kFirstUser on
// inspect all. Each test ends by checking that it answers, and has no more files open and hardly
// more memory than before.
class CrowdTest : public ::testing::Test {
 protected:
  // As many as one daemon takes by default.
  static constexpr uid_t kFirstUser = 61100;
  static constexpr int kUsers = 64;
  static Identity User(int number) {
    const uid_t id = kFirstUser + number;
    return {id, id};
  }

  // It logs errors only, where `flags` do not say otherwise.
  void StartDaemon(std::vector<std::string> flags);
  void TearDown() override;

  // A connection as user `number`, and a stub on one.
  Fd ConnectUser(int number);
  std::unique_ptr<v1::PagemapService::Stub> StubOfUser(int number);

  // A short call: its status.
  static grpc::Status Ask(v1::PagemapService::Stub& stub);
  v1::GetStatisticsResponse Statistics();
  // As much answer as `targets` times 8 bytes of 65536 pages that all differ.
  v1::QueryPagesRequest LongQuery(int targets);

  // Whether the daemon has so many connections, at once or within half a minute.
  bool AwaitConnections(uint32_t wanted);
  // Descriptors of the daemon, and its RSS, once they are `wanted` or less, or after half a minute.
  size_t SettledFiles(size_t wanted);
  uint64_t SettledRss(uint64_t wanted);
  size_t Threads();

  // Waits until the other end has closed: how long that took since `begin`.
  static absl::StatusOr<absl::Duration> AwaitEnd(const Fd& connection, absl::Time begin,
                                                 absl::Duration patience);

  std::optional<PolicyFile> policy_;
  std::optional<DaemonProcess> daemon_;
  std::optional<TargetProcess> target_;
  // Root's.
  std::unique_ptr<v1::PagemapService::Stub> stub_;
  size_t files_before_ = 0;
  uint64_t rss_before_ = 0;

 private:
  uint64_t long_memory_ = 0;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_SERVICE_LOAD_CROWD_FIXTURE_H_
