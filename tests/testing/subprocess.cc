#include "tests/testing/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

#ifndef SYS_close_range
constexpr long SYS_close_range = 436;  // Linux 5.9.
#endif

// Above every number that a child is given.
constexpr int kHighFd = 64;

// Between fork and exec, of a process that may have threads: system calls alone.
[[noreturn]] void BecomeProgram(const Subprocess::Options& options, char* const* argv,
                                char* const* environment, pid_t parent) {
  if (options.outlives_parent) {
    setsid();
  } else {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  int moved[16];
  size_t count = options.fds.size();
  // First out of the way, so that no number given overwrites one still to be given.
  for (size_t i = 0; i < count; ++i) moved[i] = fcntl(options.fds[i].first, F_DUPFD, kHighFd);
  for (size_t i = 0; i < count; ++i) dup2(moved[i], options.fds[i].second);
  int last = 2;
  for (const auto& fd : options.fds) last = fd.second > last ? fd.second : last;
  syscall(SYS_close_range, last + 1, ~0U, 0);
  execve(argv[0], argv, environment);
  _exit(127);
}

}  // namespace

absl::StatusOr<Subprocess> Subprocess::Start(const Options& options) {
  if (options.fds.size() > 16) return absl::InvalidArgumentError("more than 16 descriptors");
  std::vector<char*> argv;
  for (const std::string& arg : options.argv) argv.push_back(const_cast<char*>(arg.c_str()));
  argv.push_back(nullptr);
  std::vector<char*> environment;
  for (char** e = environ; *e != nullptr; ++e) environment.push_back(*e);
  for (const std::string& e : options.environment) {
    environment.push_back(const_cast<char*>(e.c_str()));
  }
  environment.push_back(nullptr);

  pid_t parent = getpid();
  pid_t pid = fork();
  if (pid < 0) return ErrnoError("fork");
  if (pid == 0) BecomeProgram(options, argv.data(), environment.data(), parent);
  Fd pidfd(syscall(SYS_pidfd_open, pid, 0));
  Subprocess started(pid, std::move(pidfd), options.outlives_parent);
  if (!started.pidfd_) return ErrnoError("pidfd_open");
  return started;
}

Subprocess::~Subprocess() {
  if (pid_ < 0 || outlives_parent_) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

absl::Status Subprocess::Signal(int signal) const {
  if (pid_ < 0) return absl::FailedPreconditionError("already waited for");
  if (kill(pid_, signal) != 0) return ErrnoError("kill");
  return absl::OkStatus();
}

absl::StatusOr<int> Subprocess::Wait(absl::Duration timeout) {
  if (pid_ < 0) return absl::FailedPreconditionError("already waited for");
  absl::Time deadline = absl::Now() + timeout;
  while (true) {
    int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    pollfd wanted = {pidfd_.get(), POLLIN, 0};
    int ready = poll(&wanted, 1, left < 0 ? 0 : static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return ErrnoError("poll");
    if (ready == 0) return absl::DeadlineExceededError(absl::StrCat("pid ", pid_, " still runs"));
    int status = 0;
    if (waitpid(pid_, &status, 0) < 0) return ErrnoError("waitpid");
    pid_ = -1;
    return status;
  }
}

}  // namespace pagemapd
