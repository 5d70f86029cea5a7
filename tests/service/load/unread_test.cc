// Answers of one message that their clients do not read: they count for as long as they are held,
// keep root out of nothing, and are given up.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

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

  // Waits until the daemon holds `bytes` for nothing but answers.
  bool AwaitHeldBytes(uint64_t bytes) {
    const absl::Time limit = absl::Now() + absl::Seconds(60);
    while (absl::Now() < limit) {
      const v1::GetStatisticsResponse now = Statistics();
      if (now.calls_under_way() == 0 && now.bytes_in_flight() == bytes) return true;
      absl::SleepFor(absl::Milliseconds(10));
    }
    return false;
  }

  void* memory_ = nullptr;
  std::vector<std::unique_ptr<UnreadCall>> calls_;
};

TEST_F(UnreadTest, AnswersCountUntilTheyAreRead) {
  // Six for others than root, who has eight; of 1 MiB each.
  StartDaemon({"--max-bytes-in-flight", "8388608"});
  const auto stub = StubOfSmallWindow();
  constexpr uint64_t kAnswers = 6;
  for (uint64_t i = 1; i <= kAnswers; ++i) {
    calls_.push_back(std::make_unique<UnreadCall>(*stub));
    ASSERT_TRUE(AwaitHeldBytes(i << 20)) << Statistics().bytes_in_flight();
  }
  const grpc::Status refused = Ask(*StubOfUser(1));
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_NE(refused.error_message().find("not read yet"), std::string::npos)
      << refused.error_message();
  EXPECT_TRUE(Ask(*stub_).ok());
  // Those who read them get them whole.
  for (const auto& call : calls_) EXPECT_TRUE(call->Finish().ok());
  EXPECT_TRUE(AwaitHeldBytes(0)) << Statistics().bytes_in_flight();
  EXPECT_TRUE(Ask(*StubOfUser(1)).ok());
}

TEST_F(UnreadTest, AreGivenUp) {
  StartDaemon({"--max-stall-seconds", "3"});
  const auto stub = StubOfSmallWindow();
  const absl::Time begin = absl::Now();
  for (int i = 0; i < 4; ++i) calls_.push_back(std::make_unique<UnreadCall>(*stub));
  ASSERT_TRUE(AwaitHeldBytes(0)) << Statistics().bytes_in_flight();
  printf("[ figure ] 4 answers that nobody reads, with a limit of 3 s: given up after %.2f s\n",
         absl::ToDoubleSeconds(absl::Now() - begin));
  for (const auto& call : calls_) {
    EXPECT_EQ(call->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
}

}  // namespace
}  // namespace pagemapd
