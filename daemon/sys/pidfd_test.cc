#include "daemon/sys/pidfd.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <future>
#include <string>
#include <thread>

#include "daemon/sys/forked_child.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

TEST(OpenPidfdTest, RefusesWhatIsNoProcess) {
  EXPECT_EQ(OpenPidfd(0).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(OpenPidfd(-1).status().code(), absl::StatusCode::kInvalidArgument);
  // Above the largest pid that the kernel can be told to give (PID_MAX_LIMIT).
  EXPECT_EQ(OpenPidfd((4 << 20) + 1).status().code(), absl::StatusCode::kNotFound);
}

TEST(OpenPidfdTest, RefusesAThread) {
  std::promise<pid_t> tid;
  std::promise<void> done;
  std::thread thread([&] {
    tid.set_value(static_cast<pid_t>(syscall(SYS_gettid)));
    done.get_future().wait();
  });
  EXPECT_EQ(OpenPidfd(tid.get_future().get()).status().code(), absl::StatusCode::kInvalidArgument);
  done.set_value();
  thread.join();
}

TEST(OpenPidfdTest, IsNotInherited) {
  const auto pidfd = OpenPidfd(getpid());
  ASSERT_TRUE(pidfd.ok()) << pidfd.status();
  EXPECT_EQ(fcntl(pidfd->get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST(IsAliveTest, FollowsTheProcess) {
  ForkedChild child(PauseForever);
  const auto pidfd = OpenPidfd(child.pid());
  ASSERT_TRUE(pidfd.ok()) << pidfd.status();
  EXPECT_TRUE(IsAlive(*pidfd));
  kill(child.pid(), SIGKILL);
  child.AwaitZombie();
  EXPECT_FALSE(IsAlive(*pidfd));
  const pid_t pid = child.pid();
  child.Reap();
  EXPECT_FALSE(IsAlive(*pidfd));
  EXPECT_EQ(OpenPidfd(pid).status().code(), absl::StatusCode::kNotFound);
}

TEST(IsAliveTest, TrueWhileAThreadOutlivesTheFirst) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  ForkedChild child([&] {
    std::thread([&] {
      // Gone, to the kernel, once the first thread has turned into a zombie.
      const std::string stat = "/proc/self/task/" + std::to_string(getpid()) + "/stat";
      char text[512] = {};
      do {
        const UniqueFd fd(open(stat.c_str(), O_RDONLY));
        if (read(fd.get(), text, sizeof(text) - 1) <= 0) _exit(1);
      } while (std::string(text).find(") Z ") == std::string::npos);
      if (write(ready[1], "r", 1) != 1) _exit(1);
      PauseForever();
    }).detach();
    syscall(SYS_exit, 0);  // This thread alone.
    return 1;
  });
  close(ready[1]);
  const UniqueFd ready_fd(ready[0]);
  char byte;
  ASSERT_EQ(read(ready_fd.get(), &byte, 1), 1);
  const auto pidfd = OpenPidfd(child.pid());
  ASSERT_TRUE(pidfd.ok()) << pidfd.status();
  EXPECT_TRUE(IsAlive(*pidfd));
  kill(child.pid(), SIGKILL);
  child.AwaitZombie();
  EXPECT_FALSE(IsAlive(*pidfd));
}

TEST(IsAliveTest, FalseWithoutADescriptor) { EXPECT_FALSE(IsAlive(UniqueFd())); }

}  // namespace
}  // namespace pagemapd
