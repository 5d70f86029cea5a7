// Tells ThreadSanitizer of absl::Mutex, whose code Debian builds without it: each lock and unlock
// would go unseen, and each access under a lock would pass for a race. The linker puts these in
// the place of the library's functions (--wrap), for the callers that the BUILD file here compiles
// with -fsanitize=thread. The annotations are Abseil's own, from its header
// absl/base/internal/tsan_mutex_interface.h. A function not listed in BUILD stays unseen.

#include <sanitizer/tsan_interface.h>

#include "absl/synchronization/mutex.h"

namespace {

using absl::Condition;
using absl::Mutex;

// Between these the calling thread's accesses do not count: the library reads its own state, and
// evaluates the conditions of other threads, under a lock that ThreadSanitizer thinks free.
class Locking {
 public:
  explicit Locking(Mutex* mutex, unsigned flags = 0) : mutex_(mutex), flags_(flags) {
    __tsan_mutex_pre_lock(mutex_, flags_);
  }
  void Failed() { flags_ |= __tsan_mutex_try_lock_failed; }
  ~Locking() { __tsan_mutex_post_lock(mutex_, flags_, 0); }

 private:
  Mutex* mutex_;
  unsigned flags_;
};

class Unlocking {
 public:
  explicit Unlocking(Mutex* mutex, unsigned flags = 0) : mutex_(mutex), flags_(flags) {
    __tsan_mutex_pre_unlock(mutex_, flags_);
  }
  ~Unlocking() { __tsan_mutex_post_unlock(mutex_, flags_); }

 private:
  Mutex* mutex_;
  unsigned flags_;
};

}  // namespace

extern "C" {

void __real__ZN4absl7debian35MutexD1Ev(Mutex*);
void __wrap__ZN4absl7debian35MutexD1Ev(Mutex* mutex) {
  __tsan_mutex_destroy(mutex, 0);
  __real__ZN4absl7debian35MutexD1Ev(mutex);
}

void __real__ZN4absl7debian35Mutex4LockEv(Mutex*);
void __wrap__ZN4absl7debian35Mutex4LockEv(Mutex* mutex) {
  const Locking locking(mutex);
  __real__ZN4absl7debian35Mutex4LockEv(mutex);
}

bool __real__ZN4absl7debian35Mutex7TryLockEv(Mutex*);
bool __wrap__ZN4absl7debian35Mutex7TryLockEv(Mutex* mutex) {
  Locking locking(mutex, __tsan_mutex_try_lock);
  const bool locked = __real__ZN4absl7debian35Mutex7TryLockEv(mutex);
  if (!locked) locking.Failed();
  return locked;
}

void __real__ZN4absl7debian35Mutex6UnlockEv(Mutex*);
void __wrap__ZN4absl7debian35Mutex6UnlockEv(Mutex* mutex) {
  const Unlocking unlocking(mutex);
  __real__ZN4absl7debian35Mutex6UnlockEv(mutex);
}

void __real__ZN4absl7debian35Mutex10ReaderLockEv(Mutex*);
void __wrap__ZN4absl7debian35Mutex10ReaderLockEv(Mutex* mutex) {
  const Locking locking(mutex, __tsan_mutex_read_lock);
  __real__ZN4absl7debian35Mutex10ReaderLockEv(mutex);
}

void __real__ZN4absl7debian35Mutex12ReaderUnlockEv(Mutex*);
void __wrap__ZN4absl7debian35Mutex12ReaderUnlockEv(Mutex* mutex) {
  const Unlocking unlocking(mutex, __tsan_mutex_read_lock);
  __real__ZN4absl7debian35Mutex12ReaderUnlockEv(mutex);
}

void __real__ZN4absl7debian35Mutex8LockWhenERKNS0_9ConditionE(Mutex*, const Condition&);
void __wrap__ZN4absl7debian35Mutex8LockWhenERKNS0_9ConditionE(Mutex* mutex,
                                                              const Condition& condition) {
  const Locking locking(mutex);
  __real__ZN4absl7debian35Mutex8LockWhenERKNS0_9ConditionE(mutex, condition);
}

void __real__ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE(Mutex*, const Condition&);
void __wrap__ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE(Mutex* mutex,
                                                           const Condition& condition) {
  // The lock is let go and taken again, to ThreadSanitizer, on both sides of the call.
  {
    const Unlocking unlocking(mutex);
    __real__ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE(mutex, condition);
  }
  const Locking locking(mutex);
}

bool __real__ZN4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE(
    Mutex*, const Condition&, absl::Duration);
bool __wrap__ZN4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE(
    Mutex* mutex, const Condition& condition, absl::Duration timeout) {
  bool met;
  {
    const Unlocking unlocking(mutex);
    met = __real__ZN4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE(
        mutex, condition, timeout);
  }
  const Locking locking(mutex);
  return met;
}

void __real__ZN4absl7debian37CondVar4WaitEPNS0_5MutexE(absl::CondVar*, Mutex*);
void __wrap__ZN4absl7debian37CondVar4WaitEPNS0_5MutexE(absl::CondVar* condvar, Mutex* mutex) {
  {
    const Unlocking unlocking(mutex);
    __real__ZN4absl7debian37CondVar4WaitEPNS0_5MutexE(condvar, mutex);
  }
  const Locking locking(mutex);
}

}  // extern "C"
