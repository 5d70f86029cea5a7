#ifndef PAGEMAPD_DAEMON_SERVICE_ADMISSION_H_
#define PAGEMAPD_DAEMON_SERVICE_ADMISSION_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daemon/service/access/caller.h"
#include "daemon/service/limits.h"

namespace pagemapd {

// Counts what calls hold: their requests, and what is ready of their answers until the client has
// it. A call that is one too many is refused rather than queued: a queue would grow with the
// callers. Safe for any thread.
class Admission {
 public:
  // `on_idle` is called, from any thread, each time nothing is held any more, and when there is too
  // little memory to take another call.
  Admission(const Limits& limits, std::function<void()> on_idle)
      : limits_(limits), on_idle_(std::move(on_idle)) {}

  // A place among the calls under way, and the bytes. Gives back what it still has when destroyed.
  class Ticket {
   public:
    Ticket(Ticket&& other) noexcept
        : admission_(std::exchange(other.admission_, nullptr)),
          account_(std::move(other.account_)),
          bytes_(other.bytes_),
          has_place_(std::exchange(other.has_place_, false)) {}
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket() {
      if (admission_ != nullptr) admission_->Leave(account_, has_place_ ? 1 : 0, bytes_);
    }

    // For when the answer is about to be sent, and takes no more work: the caller may ask again as
    // soon as it has it. The place is given back, and of the bytes what goes beyond the `bytes`
    // that the answer holds until the client has read it; the first time. Not from two threads at
    // once.
    void AnswerIsReady(uint64_t bytes) {
      if (!std::exchange(has_place_, false)) return;
      const uint64_t kept = std::min(bytes_, std::max(bytes, kSmallAnswerBytes));
      admission_->Leave(account_, 1, bytes_ - kept);
      bytes_ = kept;
    }

   private:
    friend class Admission;
    Ticket(Admission* admission, std::string account, uint64_t bytes)
        : admission_(admission), account_(std::move(account)), bytes_(bytes) {}

    Admission* admission_;
    std::string account_;
    uint64_t bytes_;
    bool has_place_ = true;
  };

  // A place for a call that holds up to `bytes`. RESOURCE_EXHAUSTED if that is more than is left,
  // if the caller has as many calls under way as one may, or holds as much (MaxBytesOfCaller), or
  // if the daemon has grown too large. To root but the first applies, and a quarter of the bytes is
  // left to it. A call that needs more than there is gets its place when nothing else is held.
  absl::StatusOr<Ticket> Enter(const Caller& caller, uint64_t bytes);

  // From now on every call is refused with UNAVAILABLE.
  void Close() {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
  }

  // Waits until no call is under way, or until `deadline`.
  void AwaitIdle(absl::Time deadline) const {
    const auto is_idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return calls_ == 0; };
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithDeadline(absl::Condition(&is_idle), deadline);
  }

  uint32_t calls() const {
    absl::MutexLock lock(&mutex_);
    return calls_;
  }
  uint64_t bytes() const {
    absl::MutexLock lock(&mutex_);
    return bytes_;
  }

 private:
  // What one caller holds.
  struct Held {
    uint32_t calls = 0;
    uint64_t bytes = 0;
  };
  void Leave(const std::string& account, uint32_t calls, uint64_t bytes);

  const Limits limits_;
  const std::function<void()> on_idle_;
  mutable absl::Mutex mutex_;
  uint32_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  // Of callers that hold something.
  std::map<std::string, Held> by_caller_ ABSL_GUARDED_BY(mutex_);
};

// VmRSS of this process, in bytes; 0 if /proc does not tell.
uint64_t ResidentBytes();

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_ADMISSION_H_
