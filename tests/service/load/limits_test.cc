// What one caller may have at once: connections, calls, bytes of a request. One that is at its
// limit keeps nobody else out.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/service/load/crowd_fixture.h"
#include "tests/testing/page_client.h"

namespace pagemapd {
namespace {

class LimitsTest : public CrowdTest {
 protected:
  using Stubs = std::vector<std::unique_ptr<v1::PagemapService::Stub>>;

  // Opens connections of a user until one is not served: the number that were.
  int Fill(int user, int at_most, Stubs* stubs) {
    for (int i = 0; i < at_most; ++i) {
      auto stub = StubOfUser(user);
      const grpc::Status status = Ask(*stub);
      if (!status.ok()) {
        EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
        return i;
      }
      stubs->push_back(std::move(stub));
    }
    return at_most;
  }

  // Whether a user is served on a new connection, at once or in a while.
  bool IsServedSoon(int user) {
    for (int i = 0; i < 600; ++i) {
      if (Ask(*StubOfUser(user)).ok()) return true;
      absl::SleepFor(absl::Milliseconds(50));
    }
    return false;
  }
};

TEST_F(LimitsTest, ConnectionsOfAUser) {
  StartDaemon({"--max-connections-per-user", "10"});
  Stubs stubs;
  EXPECT_EQ(Fill(1, 20, &stubs), 10);
  EXPECT_EQ(Fill(2, 5, &stubs), 5);
  EXPECT_TRUE(Ask(*stub_).ok());
  // Those that he has are served still.
  for (const auto& stub : stubs) EXPECT_TRUE(Ask(*stub).ok());
  EXPECT_GT(Statistics().refused_connections(), 0u);
  stubs.clear();
  EXPECT_TRUE(IsServedSoon(1));
}

TEST_F(LimitsTest, ConnectionsInAll) {
  StartDaemon({"--max-connections", "30", "--max-connections-per-user", "20"});
  Stubs stubs;
  EXPECT_EQ(Fill(1, 25, &stubs), 20);
  EXPECT_EQ(Fill(2, 25, &stubs), 10);
  EXPECT_EQ(Fill(3, 5, &stubs), 0);
  // Root's do not count.
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Ask(*NewStub(daemon_->address())).ok());
  stubs.clear();
  EXPECT_TRUE(IsServedSoon(3));
}

TEST_F(LimitsTest, Users) {
  StartDaemon({"--max-users", "8"});
  Stubs stubs;
  int served = 0;
  while (served < 20 && Fill(served, 1, &stubs) == 1) ++served;
  // Root's connection may count as one.
  EXPECT_GE(served, 7);
  EXPECT_LE(served, 8);
  EXPECT_TRUE(Ask(*NewStub(daemon_->address())).ok());
  // One that nobody uses any more makes room.
  stubs.clear();
  for (int user = 30; user < 50; ++user) EXPECT_TRUE(IsServedSoon(user)) << user;
}

TEST_F(LimitsTest, CallsOfACaller) {
  StartDaemon({"--max-calls-per-caller", "4"});
  const v1::QueryPagesRequest request = LongQuery(64);
  Stubs stubs;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::QueryPagesResponse>>> streams;
  // Two connections of one user are one caller.
  for (int i = 0; i < 2; ++i) stubs.push_back(StubOfUser(1));
  for (int i = 0; i < 4; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    streams.push_back(stubs[i % 2]->QueryPages(contexts.back().get(), request));
    v1::QueryPagesResponse first;
    ASSERT_TRUE(streams.back()->Read(&first));
  }
  for (const auto& stub : stubs) {
    const grpc::Status status = Ask(*stub);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
    EXPECT_NE(status.error_message(), "");
  }
  EXPECT_TRUE(Ask(*StubOfUser(2)).ok());
  EXPECT_TRUE(Ask(*stub_).ok());
  for (auto& context : contexts) context->TryCancel();
  for (auto& stream : streams) static_cast<void>(stream->Finish());
  // A call keeps its place until the worker that scans for it lets go.
  bool served = false;
  for (int i = 0; i < 1500 && !served; ++i) {
    absl::SleepFor(absl::Milliseconds(20));
    served = Ask(*stubs[0]).ok();
  }
  EXPECT_TRUE(served);
}

TEST_F(LimitsTest, BytesOfARequest) {
  StartDaemon({});
  const auto stub = StubOfUser(1);
  v1::QueryPagesRequest large;
  large.set_view(v1::VIEW_PROCESS);
  large.set_format(v1::FORMAT_EXTENTS);
  v1::Target* target = large.add_targets();
  target->mutable_process()->set_pid(target_->pid());
  // Some 20 bytes each.
  for (uint64_t i = 0; i < 1000000; ++i) {
    v1::AddressRange* range = target->add_ranges();
    range->set_start(i << 30);
    range->set_end((i << 30) + 4096);
  }
  constexpr int kRounds = 10;
  for (int i = 0; i < kRounds; ++i) {
    const PagesAnswer answer = QueryAll(*stub, large);
    EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED)
        << answer.status.error_message();
  }
  printf("[ figure ] %d requests of %zu MiB refused: RSS %lu MiB, %lu MiB before\n", kRounds,
         large.ByteSizeLong() >> 20, *daemon_->RssBytes() >> 20, rss_before_ >> 20);
  EXPECT_TRUE(Ask(*stub).ok());
}

}  // namespace
}  // namespace pagemapd
