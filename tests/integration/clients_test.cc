// Clients that stop reading, cancel, run out of time or are killed.

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>

#include <chrono>
#include <memory>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/integration/edges_fixture.h"
#include "tests/integration/page_report.h"
#include "tests/testing/runfile.h"
#include "tests/testing/subprocess.h"

namespace pagemapd {
namespace {

// A scan of more than the daemon may hold in flight: of `targets` times `pages` pages that all
// differ, a record each.
class StalledTest : public EdgesTest {
 protected:
  void SetUp() override {
    EdgesTest::SetUp();
    if (HasFatalFailure()) return;
    absl::StatusOr<uint64_t> at =
        target_->Map(kPages * kPageBytes, kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS);
    ASSERT_TRUE(at.ok()) << at.status();
    std::vector<PageRun> some;
    for (uint64_t i = 0; i < kPages; i += 2) some.push_back({i, 1});
    ASSERT_TRUE(target_->Write(*at, some).ok());
    request_.set_view(v1::VIEW_PROCESS);
    request_.set_format(v1::FORMAT_PACKED);
    request_.add_fields(v1::PAGE_FIELD_LOCATION);
    for (int i = 0; i < 256; ++i) AddTarget(target_->pid(), {{*at, kPages}}, &request_);
  }

  // 128 MiB of answer in all.
  static constexpr uint64_t kPages = 65536;
  v1::QueryPagesRequest request_;
};

TEST_F(StalledTest, AClientThatStopsReadingStallsItselfAlone) {
  constexpr int kStalled = 8;
  std::vector<std::unique_ptr<v1::PagemapService::Stub>> stubs;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::QueryPagesResponse>>> streams;
  for (int i = 0; i < kStalled; ++i) {
    stubs.push_back(NewStub(daemon_->address()));
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    streams.push_back(stubs.back()->QueryPages(contexts.back().get(), request_));
    v1::QueryPagesResponse first;
    ASSERT_TRUE(streams.back()->Read(&first));
  }
  absl::SleepFor(absl::Seconds(2));
  uint64_t rss = *daemon_->RssBytes();
  for (int round = 0; round < 20; ++round) {
    absl::Time begin = absl::Now();
    ASSERT_EQ(ErrorOf(Query(target_->pid())).reason(), v1::ERROR_REASON_UNSPECIFIED);
    EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
  }
  rss = std::max(rss, *daemon_->RssBytes());
  printf("RSS with %d stalled clients: %lu MiB, %lu MiB without\n", kStalled, rss >> 20,
         rss_before_ >> 20);
  EXPECT_LT(rss, DaemonProcess::RssBound(rss_before_ + (64 << 20)));
  for (auto& context : contexts) context->TryCancel();
  for (auto& stream : streams) {
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
}

TEST_F(StalledTest, MoreScansThanTheDaemonHoldsAreRefused) {
  ASSERT_GT(limits_.max_scans(), 0u);
  for (int burst = 0; burst < 4; ++burst) {
    std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
    std::vector<std::unique_ptr<grpc::ClientReader<v1::QueryPagesResponse>>> streams;
    for (uint32_t i = 0; i < limits_.max_scans(); ++i) {
      contexts.push_back(std::make_unique<grpc::ClientContext>());
      streams.push_back(stub_->QueryPages(contexts.back().get(), request_));
      v1::QueryPagesResponse first;
      ASSERT_TRUE(streams.back()->Read(&first)) << "scan " << i;
    }
    EXPECT_LT(*daemon_->RssBytes(),
              DaemonProcess::RssBound(rss_before_ + limits_.max_bytes_in_flight() + (16 << 20)));
    EXPECT_EQ(QueryAll(*stub_, Query(target_->pid())).status.error_code(),
              grpc::StatusCode::RESOURCE_EXHAUSTED);
    CtlResult refused = Ctl({"pages", absl::StrCat(target_->pid())});
    EXPECT_EQ(refused.exit_code, 1) << refused.err;
    EXPECT_NE(refused.err, "");
    for (auto& context : contexts) context->TryCancel();
    for (auto& stream : streams) static_cast<void>(stream->Finish());
    grpc::StatusCode code = grpc::StatusCode::UNKNOWN;
    for (int i = 0; i < 100 && code != grpc::StatusCode::OK; ++i) {
      absl::SleepFor(absl::Milliseconds(50));
      code = QueryAll(*stub_, Query(target_->pid())).status.error_code();
    }
    EXPECT_EQ(code, grpc::StatusCode::OK);
  }
  const uint64_t bound = DaemonProcess::RssBound(rss_before_ + (12 << 20));
  EXPECT_LT(SettledRss(bound), bound);
}

TEST_F(StalledTest, AStalledClientGoesOnWhereItStopped) {
  grpc::ClientContext context;
  auto stream = stub_->QueryPages(&context, request_);
  v1::QueryPagesResponse message;
  uint64_t pages = 0, ends = 0;
  for (bool first = true; stream->Read(&message); first = false) {
    for (const v1::PageChunk& chunk : message.chunks()) pages += chunk.pages();
    ends += message.ends_size();
    if (first) absl::SleepFor(absl::Seconds(1));
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(pages, 256 * kPages);
  EXPECT_EQ(ends, 256u);
}

TEST_F(StalledTest, ClientsThatCancel) {
  std::mt19937 lots(3);
  for (int round = 0; round < 100; ++round) {
    auto stub = NewStub(daemon_->address());
    grpc::ClientContext context;
    auto stream = stub->QueryPages(&context, request_);
    v1::QueryPagesResponse message;
    for (unsigned reads = lots() % 4; reads > 0 && stream->Read(&message); --reads) {
    }
    if (round % 3 != 0) context.TryCancel();
    // Else the connection simply breaks.
    if (round % 3 != 0) {
      EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
    } else {
      context.TryCancel();
      stub.reset();
      static_cast<void>(stream->Finish());
    }
  }
}

TEST_F(StalledTest, ADeadlineEndsAScan) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(5));
  auto stream = stub_->QueryPages(&context, request_);
  v1::QueryPagesResponse message;
  while (stream->Read(&message)) {
  }
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST_F(StalledTest, ACommandLineThatIsKilledLeavesNothing) {
  for (int round = 0; round < 10; ++round) {
    Subprocess::Options options;
    options.argv = {Runfile("cli/pagemapctl"),   "-a", daemon_->address(), "-o", "jsonl", "pages",
                    absl::StrCat(target_->pid())};
    Fd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
    options.fds = {{null.get(), STDOUT_FILENO}};
    absl::StatusOr<Subprocess> ctl = Subprocess::Start(options);
    ASSERT_TRUE(ctl.ok()) << ctl.status();
    absl::SleepFor(absl::Milliseconds(10 * round));
    static_cast<void>(ctl->Signal(SIGKILL));
  }
}

}  // namespace
}  // namespace pagemapd
