// What the daemon tells its service manager (sd_notify(3)): that it is ready, and, while there are
// workers that get on, that it lives. One is stopped by ptrace(2) in the middle of a scan.

#include <dirent.h>
#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/fd.h"
#include "tests/testing/page_client.h"
#include "tests/testing/text_file.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPages = 1 << 16;

// A thread that is stopped for as long as this lives.
class Stopped {
 public:
  explicit Stopped(pid_t thread) : thread_(thread) {
    EXPECT_EQ(ptrace(PTRACE_SEIZE, thread, nullptr, nullptr), 0) << strerror(errno);
    EXPECT_EQ(ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr), 0);
    int status = 0;
    EXPECT_EQ(waitpid(thread, &status, __WALL), thread);
  }
  ~Stopped() { EXPECT_EQ(ptrace(PTRACE_DETACH, thread_, nullptr, nullptr), 0); }

 private:
  const pid_t thread_;
};

class WatchdogTest : public ::testing::Test {
 protected:
  void Start(int spares) {
    char directory[] = "/tmp/pagemapd-test-XXXXXX";
    ASSERT_NE(mkdtemp(directory), nullptr);
    absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"rmtree", directory});
    ASSERT_TRUE(undo.ok()) << undo.status();
    undo_ = *std::move(undo);
    const std::string path = absl::StrCat(directory, "/notify");
    manager_ = Fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(bind(manager_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    absl::StatusOr<DaemonProcess> daemon = DaemonProcess::Start(
        {"--workers", "1", "--spare-workers", absl::StrCat(spares)},
        {"/usr/bin/env", absl::StrCat("NOTIFY_SOCKET=", path), "WATCHDOG_USEC=600000"});
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_.emplace(*std::move(daemon));
  }

  // A daemon whose messages nobody takes any more would wait for room.
  void TearDown() override { manager_ = Fd(); }

  // The next message; empty if none comes for ten seconds.
  std::string NextMessage() {
    pollfd waiting = {manager_.get(), POLLIN, 0};
    if (poll(&waiting, 1, 10'000) != 1) return "";
    char text[512];
    const ssize_t got = recv(manager_.get(), text, sizeof(text), 0);
    return std::string(text, got > 0 ? got : 0);
  }

  // Takes what has come.
  void Drain() {
    char text[512];
    while (recv(manager_.get(), text, sizeof(text), MSG_DONTWAIT) >= 0) {
    }
  }

  // The thread of the only worker; 0 if there is none.
  pid_t WorkerThread() {
    const std::string tasks = absl::StrCat("/proc/", daemon_->pid(), "/task");
    for (const auto& task : std::filesystem::directory_iterator(tasks)) {
      const std::string name = ReadText(task.path().string() + "/comm").value_or("");
      if (name == "worker\n") return std::stoi(task.path().filename().string());
    }
    return 0;
  }

  // Whether the daemon says so within three seconds, beyond the first `size` bytes of its log.
  bool AwaitLog(const std::string& text, size_t size) const {
    const auto says = [&] { return daemon_->Log().find(text, size) != std::string::npos; };
    for (int i = 0; i < 30 && !says(); ++i) absl::SleepFor(absl::Milliseconds(100));
    return says();
  }

  // Stops the worker until the daemon says so, and runs `then` before it goes on. It may be stopped
  // between two tasks, when nothing is held up, or with a lock that the telling takes: then once
  // more. False if the daemon never says so.
  bool StopUntilSaid(pid_t worker, const std::string& text, const std::function<void()>& then) {
    for (int tries = 0; tries < 20; ++tries) {
      absl::SleepFor(absl::Milliseconds(20 + 7 * tries));
      const Stopped stopped(worker);
      // What it said before was of a try that it was too slow for, and may be over.
      if (!AwaitLog(text, daemon_->Log().size())) continue;
      then();
      return true;
    }
    return false;
  }

  UndoEntry undo_;
  Fd manager_;
  std::optional<DaemonProcess> daemon_;
};

TEST_F(WatchdogTest, IsReadyAndLivesAndStops) {
  ASSERT_NO_FATAL_FAILURE(Start(/*spares=*/0));
  EXPECT_EQ(NextMessage(), "READY=1");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(NextMessage(), "WATCHDOG=1");
  daemon_.reset();
  std::string last;
  while (true) {
    const std::string message = NextMessage();
    if (message != "WATCHDOG=1") {
      EXPECT_EQ(message, "STOPPING=1");
      break;
    }
  }
}

// Two callers that always have something to scan. A summary waits for no client: its scan keeps the
// worker at work.
class Callers {
 public:
  explicit Callers(const std::string& address) {
    memory_ = mmap(nullptr, kPages * 4096, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    EXPECT_NE(memory_, MAP_FAILED);
    for (std::thread& thread : threads_) {
      thread = std::thread([this, address] { Call(address); });
    }
  }
  ~Callers() {
    done_ = true;
    for (std::thread& thread : threads_) thread.join();
    munmap(memory_, kPages * 4096);
  }
  // So many more, which may take its time.
  void AwaitAnswers(int more) const {
    const int before = answers_;
    while (answers_ < before + more) absl::SleepFor(absl::Milliseconds(10));
  }

 private:
  void Call(const std::string& address) {
    auto stub = NewStub(address);
    v1::SummarizePagesRequest request;
    request.set_view(v1::VIEW_PROCESS);
    for (int i = 0; i < 128; ++i) {
      AddTarget(getpid(), {{reinterpret_cast<uint64_t>(memory_), kPages}}, &request);
    }
    while (!done_) {
      grpc::ClientContext context;
      v1::SummarizePagesResponse response;
      EXPECT_TRUE(stub->SummarizePages(&context, request, &response).ok());
      ++answers_;
    }
  }

  void* memory_;
  std::atomic<bool> done_{false};
  std::atomic<int> answers_{0};
  std::thread threads_[2];
};

TEST_F(WatchdogTest, IsNotFedWhileNoWorkerIsFree) {
  ASSERT_NO_FATAL_FAILURE(Start(/*spares=*/0));
  ASSERT_EQ(NextMessage(), "READY=1");
  ASSERT_EQ(NextMessage(), "WATCHDOG=1");
  const Callers callers(daemon_->address());
  const pid_t worker = WorkerThread();
  ASSERT_GT(worker, 0);
  EXPECT_TRUE(StopUntilSaid(worker, "no worker is free", [&] {
    // From here on nothing comes but what was on its way, for as long as the watchdog waits.
    Drain();
    pollfd waiting = {manager_.get(), POLLIN, 0};
    EXPECT_EQ(poll(&waiting, 1, 700), 0) << NextMessage();
  })) << daemon_->Log();
  // It gets on, and that is said again.
  EXPECT_EQ(NextMessage(), "WATCHDOG=1");
  callers.AwaitAnswers(2);
}

TEST_F(WatchdogTest, IsFedWhileASpareStandsIn) {
  ASSERT_NO_FATAL_FAILURE(Start(/*spares=*/1));
  ASSERT_EQ(NextMessage(), "READY=1");
  const Callers callers(daemon_->address());
  const pid_t worker = WorkerThread();
  ASSERT_GT(worker, 0);
  EXPECT_TRUE(StopUntilSaid(worker, "a worker is held up", [&] {
    callers.AwaitAnswers(2);
    Drain();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(NextMessage(), "WATCHDOG=1");
  })) << daemon_->Log();
  callers.AwaitAnswers(4);
}

}  // namespace
}  // namespace pagemapd
