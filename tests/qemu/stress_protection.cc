#include "tests/qemu/stress_protection.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

namespace pagemapd {
namespace {

// include/uapi/linux/userfaultfd.h of Linux 5.19, 6.4 and 6.7.
constexpr uint64_t kWpShmem = 1 << 12;
constexpr uint64_t kWpUnpopulated = 1 << 13;
constexpr uint64_t kWpAsync = 1 << 15;

int OpenWith(uint64_t features) {
  const int fd = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC));
  uffdio_api api = {};
  api.api = UFFD_API;
  api.features = features;
  if (fd >= 0 && ioctl(fd, UFFDIO_API, &api) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

}  // namespace

bool WriteProtection::Open(bool asynchronous, Ledger* ledger) {
  asynchronous_ = asynchronous;
  ledger_ = ledger;
  fd_ = OpenWith(kWpShmem | kWpUnpopulated | (asynchronous ? kWpAsync : 0));
  if (fd_ < 0 && !asynchronous) fd_ = OpenWith(kWpShmem);
  if (fd_ < 0) return false;
  if (!asynchronous) std::thread([this] { LetWritesThrough(); }).detach();
  return true;
}

bool WriteProtection::Register(char* start, size_t bytes) const {
  uffdio_register registration = {};
  registration.range = {reinterpret_cast<uintptr_t>(start), bytes};
  registration.mode = UFFDIO_REGISTER_MODE_WP;
  return ioctl(fd_, UFFDIO_REGISTER, &registration) == 0;
}

void WriteProtection::Set(char* start, size_t bytes, bool protect) const {
  uffdio_writeprotect setting = {};
  setting.range = {reinterpret_cast<uintptr_t>(start), bytes};
  setting.mode = protect ? UFFDIO_WRITEPROTECT_MODE_WP : 0;
  // EAGAIN: while the mappings change.
  while (ioctl(fd_, UFFDIO_WRITEPROTECT, &setting) != 0 && errno == EAGAIN) {
  }
}

void WriteProtection::LetWritesThrough() const {
  uffd_msg message;
  while (read(fd_, &message, sizeof(message)) == sizeof(message)) {
    if (message.event != UFFD_EVENT_PAGEFAULT) continue;
    ledger_->Count(Op::kFault);
    const uintptr_t page = message.arg.pagefault.address & ~(kPageBytes - 1);
    Set(reinterpret_cast<char*>(page), kPageBytes, false);
    // Where the mapping is no longer registered, nothing else wakes the writer.
    uffdio_range range = {page, kPageBytes};
    ioctl(fd_, UFFDIO_WAKE, &range);
  }
}

}  // namespace pagemapd
