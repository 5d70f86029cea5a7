#ifndef PAGEMAPD_TESTS_QEMU_STRESS_PROTECTION_H_
#define PAGEMAPD_TESTS_QEMU_STRESS_PROTECTION_H_

#include <cstddef>
#include <cstdint>

#include "tests/qemu/stress_ledger.h"

namespace pagemapd {

// Write protection of one process's mappings by userfaultfd, with a thread that lets each write
// through, or, where it is asynchronous (Linux 6.7), none. Lives as long as the process.
class WriteProtection {
 public:
  // False where the kernel lacks it.
  bool Open(bool asynchronous, Ledger* ledger);

  bool asynchronous() const { return asynchronous_; }
  // False for memory that cannot be registered (SysV).
  bool Register(char* start, size_t bytes) const;
  void Set(char* start, size_t bytes, bool protect) const;

 private:
  void LetWritesThrough() const;

  int fd_ = -1;
  bool asynchronous_ = false;
  Ledger* ledger_ = nullptr;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_QEMU_STRESS_PROTECTION_H_
