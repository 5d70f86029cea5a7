#include "daemon/procfs/process.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <future>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "daemon/procfs/scratch_root.h"
#include "daemon/sys/forked_child.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

constexpr uid_t kNobody = 65534;

Process OpenLive(pid_t pid, uint64_t start_time_ticks = 0) {
  auto process = Process::Open(ProcRoot(), pid, start_time_ticks);
  EXPECT_TRUE(process.ok()) << process.status();
  return *std::move(process);
}

absl::StatusCode OpenCode(pid_t pid, uint64_t start_time_ticks = 0) {
  return Process::Open(ProcRoot(), pid, start_time_ticks).status().code();
}

TEST(ProcessTest, OpensItself) {
  const Process process = OpenLive(getpid());
  EXPECT_EQ(process.pid(), getpid());
  EXPECT_GT(process.start_time_ticks(), 0u);
  EXPECT_TRUE(process.HasAddressSpace());
  EXPECT_EQ(process.Check(), ProcessChange::kNone);
  EXPECT_TRUE(process.Open("maps").ok());
  EXPECT_EQ(process.Open("nonesuch").status().message(),
            absl::StrCat("open /proc/", getpid(), "/nonesuch: ENOENT"));
}

TEST(ProcessTest, KnowsTheStartTime) {
  const uint64_t ticks = OpenLive(getpid()).start_time_ticks();
  EXPECT_EQ(OpenLive(getpid(), ticks).start_time_ticks(), ticks);
  EXPECT_EQ(OpenCode(getpid(), ticks + 1), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(OpenCode(getpid(), ticks - 1), absl::StatusCode::kFailedPrecondition);
}

TEST(ProcessTest, RefusesWhatIsNoProcess) {
  EXPECT_EQ(OpenCode(0), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(OpenCode(-1), absl::StatusCode::kInvalidArgument);
  // Above the largest pid that the kernel can be told to give (PID_MAX_LIMIT).
  EXPECT_EQ(OpenCode((4 << 20) + 1), absl::StatusCode::kNotFound);

  std::promise<pid_t> tid;
  std::promise<void> done;
  std::thread thread([&] {
    tid.set_value(static_cast<pid_t>(syscall(SYS_gettid)));
    done.get_future().wait();
  });
  EXPECT_EQ(OpenCode(tid.get_future().get()), absl::StatusCode::kInvalidArgument);
  done.set_value();
  thread.join();
}

TEST(ProcessTest, RefusesWithoutPtraceAccess) {
  const pid_t parent = getpid();
  ForkedChild child([parent] {
    if (setresuid(kNobody, kNobody, kNobody) != 0) return 1;
    return OpenCode(parent) == absl::StatusCode::kPermissionDenied ? 0 : 2;
  });
  EXPECT_EQ(child.Reap(), 0);
}

TEST(ProcessTest, AKernelThreadHasNoAddressSpace) {
  const Process kthreadd = OpenLive(2);
  EXPECT_FALSE(kthreadd.HasAddressSpace());
  EXPECT_EQ(kthreadd.Check(), ProcessChange::kNone);
}

TEST(ProcessTest, SeesExit) {
  ForkedChild child(PauseForever);
  const Process process = OpenLive(child.pid());
  EXPECT_TRUE(process.HasAddressSpace());
  EXPECT_EQ(process.Check(), ProcessChange::kNone);
  kill(child.pid(), SIGKILL);
  child.AwaitZombie();
  EXPECT_EQ(process.Check(), ProcessChange::kExited);
  const Process zombie = OpenLive(child.pid());
  EXPECT_FALSE(zombie.HasAddressSpace());
  EXPECT_EQ(zombie.Check(), ProcessChange::kExited);
  child.Reap();
  EXPECT_EQ(process.Check(), ProcessChange::kExited);
  EXPECT_EQ(process.Open("maps").status().code(), absl::StatusCode::kNotFound);
}

TEST(ProcessTest, SeesExec) {
  int go[2];
  int gone[2];
  ASSERT_EQ(pipe2(go, O_CLOEXEC), 0);
  ASSERT_EQ(pipe2(gone, O_CLOEXEC), 0);
  ForkedChild child([&] {
    char byte;
    if (read(go[0], &byte, 1) != 1) return 1;
    execl("/bin/sleep", "sleep", "1000", nullptr);
    return 1;
  });
  close(gone[1]);
  const Process process = OpenLive(child.pid());
  EXPECT_EQ(process.Check(), ProcessChange::kNone);
  ASSERT_EQ(write(go[1], "g", 1), 1);
  char byte;
  ASSERT_EQ(read(gone[0], &byte, 1), 0);  // Closed by exec.
  EXPECT_EQ(process.Check(), ProcessChange::kExeced);
  // The same process to a newcomer.
  EXPECT_EQ(OpenLive(child.pid(), process.start_time_ticks()).Check(), ProcessChange::kNone);
  for (const int fd : {go[0], go[1], gone[0]}) close(fd);
}

TEST(ProcessTest, HasNoAddressSpaceOnceItsFirstThreadIsGone) {
  int ready[2];
  ASSERT_EQ(pipe2(ready, O_CLOEXEC), 0);
  ForkedChild child([&] {
    std::thread([&] {
      const std::string stat = absl::StrCat("/proc/self/task/", getpid(), "/stat");
      char text[512] = {};
      do {
        const UniqueFd fd(open(stat.c_str(), O_RDONLY | O_CLOEXEC));
        if (read(fd.get(), text, sizeof(text) - 1) <= 0) _exit(1);
      } while (std::string(text).find(") Z ") == std::string::npos);
      if (write(ready[1], "r", 1) != 1) _exit(1);
      PauseForever();
    }).detach();
    syscall(SYS_exit, 0);  // This thread alone.
    return 1;
  });
  close(ready[1]);
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  const Process process = OpenLive(child.pid());
  EXPECT_FALSE(process.HasAddressSpace());
  EXPECT_EQ(process.Check(), ProcessChange::kExited);
  close(ready[0]);
}

TEST(ProcessTest, NeverTakesASuccessorOfThePidForTheProcess) {
  ForkedChild child(PauseForever);
  const pid_t pid = child.pid();
  const Process process = OpenLive(pid);
  kill(pid, SIGKILL);
  child.Reap();
  usleep(50000);  // Start times tell apart what starts in different ticks, of 10 ms.

  clone_args args = {};
  args.exit_signal = SIGCHLD;
  args.set_tid = reinterpret_cast<uintptr_t>(&pid);
  args.set_tid_size = 1;
  const auto clone = static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof(args)));
  if (clone == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    PauseForever();
  }
  const ForkedChild successor = ForkedChild::Adopt(clone);
  ASSERT_EQ(successor.pid(), pid);

  EXPECT_EQ(process.Check(), ProcessChange::kExited);
  EXPECT_EQ(process.Open("maps").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(OpenCode(pid, process.start_time_ticks()), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(OpenLive(pid).Check(), ProcessChange::kNone);
}

// The process is this one; what its stat says is injected.
class InjectedProcessTest : public ::testing::Test {
 protected:
  void WriteStat(char state, uint64_t start_code, uint64_t end_code, uint64_t start_stack,
                 uint64_t start_brk) {
    std::string text = absl::StrCat(getpid(), " (x) ", std::string(1, state));
    for (int field = 4; field <= 52; ++field) {
      absl::StrAppend(&text, " ",
                      field == 22   ? 777
                      : field == 26 ? start_code
                      : field == 27 ? end_code
                      : field == 28 ? start_stack
                      : field == 47 ? start_brk
                                    : 0);
    }
    Write(text + "\n");
  }
  void Write(const std::string& text) { scratch_.Write(absl::StrCat(getpid(), "/stat"), text); }

  ScratchRoot scratch_;
};

TEST_F(InjectedProcessTest, EachPartOfTheLayoutTellsOfAnExec) {
  WriteStat('S', 10, 11, 12, 13);
  const auto process = Process::Open(scratch_.root(), getpid(), 777);
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_EQ(process->Check(), ProcessChange::kNone);
  WriteStat('R', 10, 11, 12, 13);
  EXPECT_EQ(process->Check(), ProcessChange::kNone);
  WriteStat('S', 99, 11, 12, 13);
  EXPECT_EQ(process->Check(), ProcessChange::kExeced);
  WriteStat('S', 10, 99, 12, 13);
  EXPECT_EQ(process->Check(), ProcessChange::kExeced);
  WriteStat('S', 10, 11, 99, 13);
  EXPECT_EQ(process->Check(), ProcessChange::kExeced);
  WriteStat('S', 10, 11, 12, 99);
  EXPECT_EQ(process->Check(), ProcessChange::kExeced);
}

TEST_F(InjectedProcessTest, DeadStatesAndNoTextAreAnExit) {
  WriteStat('S', 10, 11, 12, 13);
  const auto process = Process::Open(scratch_.root(), getpid(), 0);
  ASSERT_TRUE(process.ok()) << process.status();
  for (const char state : {'Z', 'X'}) {
    WriteStat(state, 10, 11, 12, 13);
    EXPECT_EQ(process->Check(), ProcessChange::kExited);
  }
  Write("");
  EXPECT_EQ(process->Check(), ProcessChange::kExited);
}

TEST_F(InjectedProcessTest, OpenFailsOnMalformedOrMissingText) {
  EXPECT_EQ(Process::Open(scratch_.root(), getpid(), 0).status().code(),
            absl::StatusCode::kNotFound);
  Write("nonsense\n");
  EXPECT_EQ(Process::Open(scratch_.root(), getpid(), 0).status().code(),
            absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace pagemapd
