#ifndef PAGEMAPD_DAEMON_SYS_FORKED_CHILD_H_
#define PAGEMAPD_DAEMON_SYS_FORKED_CHILD_H_

#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace pagemapd {

// For tests: a child process that runs `body` and exits with what it returns. It dies with its
// parent, and with this object. Not thread-safe.
class ForkedChild {
 public:
  template <typename Body>
  explicit ForkedChild(Body body) : pid_(fork()) {
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      _exit(body());
    }
    EXPECT_GT(pid_, 0);
  }
  // A child that has run `prepare`, with success, and waits to be killed.
  template <typename Prepare>
  static ForkedChild Prepared(Prepare prepare) {
    int ready[2];
    EXPECT_EQ(pipe(ready), 0);
    ForkedChild child([&] {
      if (!prepare()) return 1;
      close(ready[0]);
      close(ready[1]);
      while (true) pause();
    });
    close(ready[1]);
    // Closed by the child as well when it is so far.
    char byte;
    EXPECT_EQ(read(ready[0], &byte, 1), 0);
    close(ready[0]);
    return child;
  }
  // Takes over a child made in another way.
  static ForkedChild Adopt(pid_t pid) { return ForkedChild(pid, 0); }
  ForkedChild(ForkedChild&& other) noexcept : pid_(other.pid_) { other.pid_ = -1; }
  ~ForkedChild() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  pid_t pid() const { return pid_; }

  // Waits for its exit and leaves it a zombie.
  void AwaitZombie() const {
    siginfo_t info;
    EXPECT_EQ(waitid(P_PID, pid_, &info, WEXITED | WNOWAIT), 0);
  }

  // Waits for its exit and reaps it. Returns its exit code, or -1 if a signal ended it.
  int Reap() {
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  ForkedChild(pid_t pid, int) : pid_(pid) {}

  pid_t pid_;
};

// A body that waits to be killed.
inline int PauseForever() {
  while (true) pause();
}

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SYS_FORKED_CHILD_H_
