#ifndef PAGEMAPD_TESTS_TESTING_FD_H_
#define PAGEMAPD_TESTS_TESTING_FD_H_

#include <unistd.h>

#include <utility>

namespace pagemapd {

// Owns a file descriptor. Apart from daemon/sys so that the oracle shares no code with the daemon.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { Close(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  // For whoever closes it instead.
  int Release() { return std::exchange(fd_, -1); }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_FD_H_
