// Processes that hold up whoever looks at them, as any user can: their execve(2) waits for a FUSE
// server, with the lock held that /proc/PID/maps and pagemap are opened under. Others are answered
// all the same, and the caller who asked has spent its places until they go on.

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"
#include "tests/service/faults/held_close.h"
#include "tests/testing/caller.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/page_client.h"
#include "tests/testing/policy_file.h"

namespace pagemapd {
namespace {

constexpr absl::Duration kLong = absl::Seconds(60);
constexpr uid_t kNobody = 65534;
constexpr int kMaxCalls = 2;

// A child that has the file open and calls execve(2).
class Executing {
 public:
  explicit Executing(const std::string& path) : pid_(fork()) {
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (open(path.c_str(), O_RDONLY | O_CLOEXEC) >= 0) {
      execl("/bin/sleep", "sleep", "600", static_cast<char*>(nullptr));
    }
    _exit(1);
  }
  Executing(Executing&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  ~Executing() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

class HeldExecTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<PolicyFile> policy =
        PolicyFile::Create("grant { user: \"65534\" right: INSPECT all: true }");
    ASSERT_TRUE(policy.ok()) << policy.status();
    policy_.emplace(*std::move(policy));
    absl::StatusOr<DaemonProcess> daemon = DaemonProcess::Start(
        {"--policy", policy_->path(), "--workers", "2", "--max-calls-per-caller", "2"});
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_.emplace(*std::move(daemon));
    ASSERT_TRUE(daemon_->OpenToAll().ok());
    memory_ = mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    ASSERT_NE(memory_, MAP_FAILED);
  }

  void TearDown() override {
    // Before those that wait for it are killed: they would not die.
    if (held_ != nullptr) held_->LetGo();
    held_processes_.clear();
    held_.reset();
    munmap(memory_, 4096);
  }

  void HoldProcesses(size_t count) {
    absl::StatusOr<std::unique_ptr<HeldClose>> held = HeldClose::Create();
    ASSERT_TRUE(held.ok()) << held.status();
    held_ = *std::move(held);
    for (size_t i = 0; i < count; ++i) held_processes_.emplace_back(held_->path());
    ASSERT_TRUE(held_->AwaitHeld(count, kLong));
  }

  // A summary of one process.
  static grpc::Status Summarize(v1::PagemapService::Stub& stub, pid_t pid,
                                grpc::ClientContext* context,
                                v1::SummarizePagesResponse* response) {
    v1::SummarizePagesRequest request;
    request.set_view(v1::VIEW_PROCESS);
    AddTarget(pid, {}, &request);
    context->set_deadline(absl::ToChronoTime(absl::Now() + 2 * kLong));
    return stub.SummarizePages(context, request, response);
  }

  // Of this process: true if it was answered.
  bool IsAnswered(v1::PagemapService::Stub& stub) {
    grpc::ClientContext context;
    v1::SummarizePagesResponse response;
    const grpc::Status status = Summarize(stub, getpid(), &context, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return status.ok() && response.total().mapped() > 0;
  }

  // Workers that the daemon has found to be held up.
  int HeldUp() const {
    const std::string log = daemon_->Log();
    return std::vector<absl::string_view>(absl::StrSplit(log, "a worker is held up")).size() - 1;
  }

  std::optional<PolicyFile> policy_;
  std::optional<DaemonProcess> daemon_;
  std::unique_ptr<HeldClose> held_;
  std::vector<Executing> held_processes_;
  void* memory_ = nullptr;
};

TEST_F(HeldExecTest, OthersAreAnswered) {
  constexpr size_t kHeld = 6;
  HoldProcesses(kHeld);
  const auto stub = NewStub(daemon_->address());
  std::vector<std::thread> calls;
  std::vector<grpc::Status> ends(kHeld);
  std::vector<v1::SummarizePagesResponse> answers(kHeld);
  std::vector<grpc::ClientContext> contexts(kHeld);
  for (size_t i = 0; i < kHeld; ++i) {
    calls.emplace_back([&, i] {
      ends[i] = Summarize(*stub, held_processes_[i].pid(), &contexts[i], &answers[i]);
    });
  }
  absl::Duration longest;
  for (int i = 0; i < 20; ++i) {
    const absl::Time begin = absl::Now();
    EXPECT_TRUE(IsAnswered(*stub));
    longest = std::max(longest, absl::Now() - begin);
    absl::SleepFor(absl::Milliseconds(100));
  }
  printf(
      "6 processes in an exec that waits, 2 workers: 20 other questions answered, the slowest "
      "in %.2f s\n",
      absl::ToDoubleSeconds(longest));
  EXPECT_TRUE(absl::StrContains(daemon_->Log(), "a worker is held up")) << daemon_->Log();
  held_->LetGo();
  for (std::thread& call : calls) call.join();
  for (size_t i = 0; i < kHeld; ++i) {
    // An answer there is: of the program it has become, or that it became another.
    EXPECT_TRUE(ends[i].ok()) << ends[i].error_message();
    ASSERT_EQ(answers[i].targets_size(), 1);
    EXPECT_TRUE(answers[i].targets(0).has_error() || answers[i].total().mapped() > 0);
  }
}

TEST_F(HeldExecTest, WhoAskedHasSpentItsPlaces) {
  HoldProcesses(1);
  const auto nobody = NewStubAs({kNobody, kNobody}, daemon_->socket());
  ASSERT_TRUE(nobody.ok()) << nobody.status();
  const pid_t held = held_processes_[0].pid();
  std::vector<std::thread> calls;
  std::vector<grpc::ClientContext> contexts(kMaxCalls);
  for (grpc::ClientContext& each : contexts) {
    calls.emplace_back([&] {
      v1::SummarizePagesResponse response;
      EXPECT_EQ(Summarize(**nobody, held, &each, &response).error_code(),
                grpc::StatusCode::CANCELLED);
    });
  }
  // Each holds up a worker: while another asks, that is found out.
  const auto root = NewStub(daemon_->address());
  const absl::Time limit = absl::Now() + kLong;
  while (HeldUp() < kMaxCalls && absl::Now() < limit) EXPECT_TRUE(IsAnswered(*root));
  v1::GetStatisticsResponse statistics;
  grpc::ClientContext context;
  EXPECT_TRUE(root->GetStatistics(&context, {}, &statistics).ok());
  EXPECT_EQ(statistics.held_up_workers(), kMaxCalls);
  // Given up by their caller, and the daemon cannot.
  for (grpc::ClientContext& each : contexts) each.TryCancel();
  for (std::thread& call : calls) call.join();
  for (int i = 0; i < 20; ++i) {
    grpc::ClientContext refused;
    v1::SummarizePagesResponse response;
    EXPECT_EQ(Summarize(**nobody, getpid(), &refused, &response).error_code(),
              grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
  EXPECT_TRUE(IsAnswered(*root));
  held_->LetGo();
  // They come back one by one.
  bool answered = false;
  while (!answered && absl::Now() < limit + kLong) {
    grpc::ClientContext again;
    v1::SummarizePagesResponse response;
    answered = Summarize(**nobody, getpid(), &again, &response).ok();
  }
  EXPECT_TRUE(answered);
}

}  // namespace
}  // namespace pagemapd
