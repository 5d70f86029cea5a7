// Readers that stop reading: what they cost, and that nobody waits for them, the daemon's own end
// included.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "tests/service/load/crowd_fixture.h"
#include "tests/testing/page_client.h"

namespace pagemapd {
namespace {

// A call that has had its first message, and is read no further.
struct StalledReader {
  std::unique_ptr<v1::PagemapService::Stub> stub;
  std::unique_ptr<grpc::ClientContext> context;
  std::unique_ptr<grpc::ClientReader<v1::QueryPagesResponse>> stream;
};

class StalledTest : public CrowdTest {
 protected:
  void Stall(int readers, int users) {
    // 64 MiB of answer each.
    const v1::QueryPagesRequest request = LongQuery(128);
    for (int i = 0; i < readers; ++i) {
      StalledReader reader;
      reader.stub = StubOfUser(i % users);
      reader.context = std::make_unique<grpc::ClientContext>();
      reader.stream = reader.stub->QueryPages(reader.context.get(), request);
      v1::QueryPagesResponse first;
      ASSERT_TRUE(reader.stream->Read(&first)) << reader.stream->Finish().error_message();
      readers_.push_back(std::move(reader));
    }
  }

  std::vector<StalledReader> readers_;
};

TEST_F(StalledTest, SixtyFourOfThem) {
  // Room for each, and for some more.
  StartDaemon({"--max-bytes-in-flight", "268435456"});
  constexpr int kReaders = 64;
  Stall(kReaders, 8);
  if (HasFatalFailure()) return;
  uint64_t rss = *daemon_->RssBytes();
  const auto other = StubOfUser(20);
  absl::Duration slowest = absl::ZeroDuration();
  for (int round = 0; round < 20; ++round) {
    const absl::Time begin = absl::Now();
    const PagesAnswer answer = QueryAll(*other, LongQuery(1));
    ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
    slowest = std::max(slowest, absl::Now() - begin);
    rss = std::max(rss, *daemon_->RssBytes());
    absl::SleepFor(absl::Milliseconds(20));
  }
  printf(
      "[ figure ] %d stalled readers: RSS %lu MiB, %lu MiB before; another caller's 65536 pages in "
      "%.1f ms at most, of 20 times\n",
      kReaders, rss >> 20, rss_before_ >> 20, absl::ToDoubleMilliseconds(slowest));
  EXPECT_LT(rss, DaemonProcess::RssBound(uint64_t{128} << 20));
  for (StalledReader& reader : readers_) reader.context->TryCancel();
  for (StalledReader& reader : readers_) {
    EXPECT_EQ(reader.stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  readers_.clear();
}

TEST_F(StalledTest, AreGivenUp) {
  constexpr absl::Duration kLimit = absl::Seconds(10);
  StartDaemon({"--max-stall-seconds", "10", "--max-calls-per-caller", "2"});
  const absl::Time begin = absl::Now();
  Stall(2, 1);
  if (HasFatalFailure()) return;
  const auto same = StubOfUser(0);
  EXPECT_EQ(Ask(*same).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  // One that reads, however slowly, has as long as it takes.
  const v1::QueryPagesRequest request = LongQuery(128);
  std::thread slow([&, stub = StubOfUser(1)] {
    const absl::Time begin = absl::Now();
    grpc::ClientContext context;
    const auto stream = stub->QueryPages(&context, request);
    v1::QueryPagesResponse message;
    uint64_t slowly = 0, bytes = 0;
    while (stream->Read(&message)) {
      bytes += message.ByteSizeLong();
      if (absl::Now() - begin > kLimit * 5 / 4) continue;
      slowly = bytes;
      absl::SleepFor(absl::Milliseconds(500));
    }
    const grpc::Status status = stream->Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_GT(absl::Now() - begin, kLimit * 5 / 4);
    // Most of it, and so more than any buffer holds, was to come still.
    EXPECT_EQ(bytes >> 20, 64u);
    EXPECT_LT(slowly, bytes / 2);
  });
  // Their places are free again then.
  const absl::Time limit = begin + absl::Seconds(60);
  while (!Ask(*same).ok() && absl::Now() < limit) absl::SleepFor(absl::Milliseconds(10));
  printf("[ figure ] 2 readers that read nothing, with a limit of 10 s: given up after %.2f s\n",
         absl::ToDoubleSeconds(absl::Now() - begin));
  slow.join();
  EXPECT_TRUE(Ask(*same).ok());
  for (StalledReader& reader : readers_) {
    v1::QueryPagesResponse rest;
    while (reader.stream->Read(&rest)) {
    }
    EXPECT_EQ(reader.stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  readers_.clear();
}

TEST_F(StalledTest, TheDaemonEndsAllTheSame) {
  StartDaemon({});
  constexpr int kReaders = 16;
  Stall(kReaders, 8);
  if (HasFatalFailure()) return;
  // Others that have nothing under way, and one that says nothing.
  std::vector<std::unique_ptr<v1::PagemapService::Stub>> idle;
  for (int i = 0; i < 20; ++i) {
    idle.push_back(StubOfUser(i));
    ASSERT_TRUE(Ask(*idle.back()).ok());
  }
  const Fd silent = ConnectUser(3);
  const absl::Time begin = absl::Now();
  ASSERT_TRUE(daemon_->Signal(SIGTERM).ok());
  const absl::StatusOr<int> status = daemon_->Wait(absl::Seconds(30));
  const absl::Duration took = absl::Now() - begin;
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(*status, 0) << daemon_->Log();
  printf("[ figure ] SIGTERM with %d stalled readers: gone after %.2f s\n", kReaders,
         absl::ToDoubleSeconds(took));
  // What is promised.
  EXPECT_LT(took, absl::Seconds(5));
  for (StalledReader& reader : readers_) {
    v1::QueryPagesResponse rest;
    while (reader.stream->Read(&rest)) {
    }
    EXPECT_FALSE(reader.stream->Finish().ok());
  }
  readers_.clear();
  stub_.reset();
}

TEST_F(StalledTest, NobodyWaitsForIdleConnections) {
  StartDaemon({"--log-level", "info"});
  std::vector<std::unique_ptr<v1::PagemapService::Stub>> idle;
  for (int i = 0; i < 20; ++i) {
    idle.push_back(NewStub(daemon_->address()));
    ASSERT_TRUE(Ask(*idle.back()).ok());
  }
  const absl::Time begin = absl::Now();
  ASSERT_TRUE(daemon_->Signal(SIGTERM).ok());
  const absl::StatusOr<int> status = daemon_->Wait(absl::Seconds(30));
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(*status, 0) << daemon_->Log();
  printf("[ figure ] SIGTERM with 20 idle connections: gone after %.2f s\n",
         absl::ToDoubleSeconds(absl::Now() - begin));
  // Of its own accord: what ends it in time whatever still hangs exits with 0 as well.
  EXPECT_TRUE(absl::StrContains(daemon_->Log(), " stopped\n")) << daemon_->Log();
  EXPECT_FALSE(absl::StrContains(daemon_->Log(), "stopped without waiting")) << daemon_->Log();
  stub_.reset();
}

}  // namespace
}  // namespace pagemapd
