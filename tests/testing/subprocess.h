#ifndef PAGEMAPD_TESTS_TESTING_SUBPROCESS_H_
#define PAGEMAPD_TESTS_TESTING_SUBPROCESS_H_

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/testing/fd.h"

namespace pagemapd {

// A started program. It dies with this object, with the thread that started it, and with the test
// process, however that ends. Not thread-safe.
class Subprocess {
 public:
  struct Options {
    // argv[0] is the path.
    std::vector<std::string> argv;
    // Descriptors to hand over: ours, and the number it gets in the child. Others are closed.
    std::vector<std::pair<int, int>> fds;
    // Added to the environment, "NAME=VALUE".
    std::vector<std::string> environment;
    // For a child that must outlive us by a moment: a session of its own, and no death signal.
    bool outlives_parent = false;
  };

  static absl::StatusOr<Subprocess> Start(const Options& options);

  Subprocess(Subprocess&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)),
        pidfd_(std::move(other.pidfd_)),
        outlives_parent_(other.outlives_parent_) {}
  Subprocess& operator=(Subprocess&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(pidfd_, other.pidfd_);
    std::swap(outlives_parent_, other.outlives_parent_);
    return *this;
  }
  // Kills and reaps, unless Wait did.
  ~Subprocess();

  // -1 once it was waited for.
  pid_t pid() const { return pid_; }

  absl::Status Signal(int signal) const;

  // Waits for it to end, and reaps it. Returns the status of waitpid(2); DEADLINE_EXCEEDED if it
  // has not ended in time.
  absl::StatusOr<int> Wait(absl::Duration timeout);

 private:
  Subprocess(pid_t pid, Fd pidfd, bool outlives_parent)
      : pid_(pid), pidfd_(std::move(pidfd)), outlives_parent_(outlives_parent) {}

  pid_t pid_;
  Fd pidfd_;
  bool outlives_parent_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_SUBPROCESS_H_
