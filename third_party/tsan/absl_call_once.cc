// Tells ThreadSanitizer that absl::call_once waits: a caller that comes while another one's call
// runs waits in a function that Debian builds without it, and what was done in that call would pass
// for a race with what the caller does next. Put in the library function's place by the linker, as
// in absl_mutex.cc.

#include <atomic>
#include <cstdint>

#include "absl/base/internal/spinlock_wait.h"

extern "C" {

using absl::base_internal::SchedulingMode;
using absl::base_internal::SpinLockWaitTransition;

uint32_t
__real__ZN4absl7debian313base_internal12SpinLockWaitEPSt6atomicIjEiPKNS1_22SpinLockWaitTransitionENS1_14SchedulingModeE(
    std::atomic<uint32_t>*, int, const SpinLockWaitTransition*, SchedulingMode);
uint32_t
__wrap__ZN4absl7debian313base_internal12SpinLockWaitEPSt6atomicIjEiPKNS1_22SpinLockWaitTransitionENS1_14SchedulingModeE(
    std::atomic<uint32_t>* word, int count, const SpinLockWaitTransition* transitions,
    SchedulingMode mode) {
  const uint32_t before =
      __real__ZN4absl7debian313base_internal12SpinLockWaitEPSt6atomicIjEiPKNS1_22SpinLockWaitTransitionENS1_14SchedulingModeE(
          word, count, transitions, mode);
  // The library has read it so; once more, where it is seen.
  word->load(std::memory_order_acquire);
  return before;
}

}  // extern "C"
