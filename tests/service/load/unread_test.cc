// Answers of one message that their clients do not read: they count for as long as they are held,
// keep root out of nothing, and are given up.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/service/load/crowd_fixture.h"

namespace pagemapd {
namespace {

constexpr int kMappings = 4000;

// A call of whose answer only the beginning is asked for.
struct UnreadCall {
  explicit UnreadCall(v1::PagemapService::Stub& stub) {
    v1::ListMappingsRequest request;
    request.mutable_process()->set_pid(getpid());
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Minutes(2)));
    reader = stub.AsyncListMappings(&context, request, &queue);
    reader->ReadInitialMetadata(this);
    EXPECT_TRUE(AwaitNext());
  }
  ~UnreadCall() {
    context.TryCancel();
    queue.Shutdown();
    while (AwaitNext()) {
    }
  }
  bool AwaitNext() {
    void* tag;
    bool ok;
    return queue.Next(&tag, &ok);
  }
  grpc::Status Finish() {
    v1::ListMappingsResponse response;
    grpc::Status status;
    reader->Finish(&response, &status, this);
    EXPECT_TRUE(AwaitNext());
    return status;
  }

  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::ListMappingsResponse>> reader;
};

class UnreadTest : public CrowdTest {
 protected:
  // This process gets more mappings than fit into a window.
  void SetUp() override {
    memory_ = mmap(nullptr, kMappings * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory_, MAP_FAILED);
    for (int page = 0; page < kMappings; page += 2) {
      ASSERT_EQ(mprotect(static_cast<char*>(memory_) + page * 4096, 4096, PROT_READ), 0);
    }
  }
  void TearDown() override {
    calls_.clear();
    CrowdTest::TearDown();
    munmap(memory_, kMappings * 4096);
  }

  // Of user 0: of an answer that is not asked for, no more than 16 KiB is taken.
  std::unique_ptr<v1::PagemapService::Stub> StubOfSmallWindow() {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 16 << 10);
    return v1::PagemapService::NewStub(
        grpc::CreateCustomInsecureChannelFromFd("daemon", ConnectUser(0).Release(), arguments));
  }

  // What the daemon holds once it is nothing but answers, and as wanted; or after a minute.
  uint64_t AwaitHeldBytes(const std::function<bool(uint64_t)>& as_wanted) {
    const absl::Time limit = absl::Now() + absl::Minutes(1);
    while (true) {
      const v1::GetStatisticsResponse now = Statistics();
      const bool settled = now.calls_under_way() == 0 && as_wanted(now.bytes_in_flight());
      if (settled || absl::Now() > limit) return now.bytes_in_flight();
      absl::SleepFor(absl::Milliseconds(10));
    }
  }
  uint64_t AwaitNothingHeld() {
    return AwaitHeldBytes([](uint64_t bytes) { return bytes == 0; });
  }

  void* memory_ = nullptr;
  std::vector<std::unique_ptr<UnreadCall>> calls_;
};

TEST_F(UnreadTest, AnswersCountUntilTheyAreRead) {
  // Of which others than root have six; a listing may take one of them.
  constexpr uint64_t kMiB = 1 << 20;
  StartDaemon({"--max-bytes-in-flight", absl::StrCat(8 * kMiB)});
  const auto stub = StubOfSmallWindow();
  uint64_t held = 0;
  while (held + kMiB <= 6 * kMiB) {
    calls_.push_back(std::make_unique<UnreadCall>(*stub));
    const uint64_t before = held;
    held = AwaitHeldBytes([before](uint64_t bytes) { return bytes > before; });
    // Much more than fits into its window, and no more than was reserved.
    ASSERT_GT(held, before + kMiB / 4);
    ASSERT_LE(held, before + kMiB);
  }
  EXPECT_GE(calls_.size(), 6u);
  const grpc::Status refused = Ask(*StubOfUser(1));
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_NE(refused.error_message().find("not read yet"), std::string::npos)
      << refused.error_message();
  EXPECT_TRUE(Ask(*stub_).ok());
  // Those who read them get them whole.
  for (const auto& call : calls_) EXPECT_TRUE(call->Finish().ok());
  EXPECT_EQ(AwaitNothingHeld(), 0u);
  EXPECT_TRUE(Ask(*StubOfUser(1)).ok());
}

TEST_F(UnreadTest, OneCallersKeepNobodyElseOut) {
  StartDaemon({"--max-calls-per-caller", "1"});
  // Room for one scan and half as much, 3 MiB: of these answers three.
  for (int i = 0; i < 3; ++i) {
    // A connection takes two calls at once.
    calls_.push_back(std::make_unique<UnreadCall>(*StubOfSmallWindow()));
    AwaitHeldBytes([](uint64_t) { return true; });
  }
  const grpc::Status refused = Ask(*StubOfUser(0));
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_NE(refused.error_message().find("answers that it has not read yet"), std::string::npos)
      << refused.error_message();
  EXPECT_TRUE(Ask(*StubOfUser(1)).ok());
  for (const auto& call : calls_) EXPECT_TRUE(call->Finish().ok());
  EXPECT_EQ(AwaitNothingHeld(), 0u);
  EXPECT_TRUE(Ask(*StubOfUser(0)).ok());
}

TEST_F(UnreadTest, AreGivenUp) {
  StartDaemon({"--max-stall-seconds", "3"});
  const auto stub = StubOfSmallWindow();
  const absl::Time begin = absl::Now();
  for (int i = 0; i < 4; ++i) calls_.push_back(std::make_unique<UnreadCall>(*stub));
  ASSERT_EQ(AwaitNothingHeld(), 0u);
  printf("[ figure ] 4 answers that nobody reads, with a limit of 3 s: given up after %.2f s\n",
         absl::ToDoubleSeconds(absl::Now() - begin));
  for (const auto& call : calls_) {
    EXPECT_EQ(call->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
}

}  // namespace
}  // namespace pagemapd
