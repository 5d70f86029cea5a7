#ifndef PAGEMAPD_TESTS_MIGRATION_GUEST_MEMORY_H_
#define PAGEMAPD_TESTS_MIGRATION_GUEST_MEMORY_H_

#include <sys/types.h>

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/testing/fd.h"

namespace pagemapd {

// The RAM of a QEMU's guest that runs guest.s, seen from outside: a memfd that is mapped once, and
// whose page N is the guest's page frame N.
class GuestMemory {
 public:
  // Of a QEMU with one "-object memory-backend-memfd,share=on".
  static absl::StatusOr<GuestMemory> Open(pid_t pid);

  int fd() const { return fd_.get(); }
  uint64_t bytes() const { return bytes_; }
  uint64_t pages() const { return bytes_ / 4096; }
  // Where QEMU has it.
  uint64_t address() const { return address_; }

  // DATA_LOSS, with the first address and how many, if dwords are not what guest.s writes. Reading
  // brings swapped pages back into RAM.
  absl::Status CheckRule() const;

  // DATA_LOSS if a byte of them differs. Brings swapped pages back as well.
  static absl::Status CheckSame(const GuestMemory& a, const GuestMemory& b);

 private:
  GuestMemory(Fd fd, uint64_t bytes, uint64_t address)
      : fd_(std::move(fd)), bytes_(bytes), address_(address) {}

  Fd fd_;
  uint64_t bytes_;
  uint64_t address_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_MIGRATION_GUEST_MEMORY_H_
