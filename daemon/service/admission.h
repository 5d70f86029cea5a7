#ifndef PAGEMAPD_DAEMON_SERVICE_ADMISSION_H_
#define PAGEMAPD_DAEMON_SERVICE_ADMISSION_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace pagemapd {

// Counts scans, so that what they hold together stays within max_bytes_in_flight. A scan that is
// one too many is refused rather than queued: a queue would grow with the callers. Safe for any
// thread.
class Admission {
 public:
  // `on_idle` is called, from any thread, each time the last scan under way has ended.
  Admission(uint32_t max_scans, std::function<void()> on_idle)
      : max_scans_(max_scans), on_idle_(std::move(on_idle)) {}

  // Gives the place back when destroyed.
  class Ticket {
   public:
    explicit Ticket(Admission* admission) : admission_(admission) {}
    Ticket(Ticket&& other) noexcept : admission_(std::exchange(other.admission_, nullptr)) {}
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket() {
      if (admission_ != nullptr && admission_->active_.fetch_sub(1) == 1) admission_->on_idle_();
    }

   private:
    Admission* admission_;
  };

  // RESOURCE_EXHAUSTED if `max_scans` are under way.
  absl::StatusOr<Ticket> Enter() {
    uint32_t active = active_.load();
    do {
      if (active >= max_scans_) {
        return absl::ResourceExhaustedError(
            absl::StrCat(active, " scans are under way, the limit; try again later"));
      }
    } while (!active_.compare_exchange_weak(active, active + 1));
    return absl::StatusOr<Ticket>(Ticket(this));
  }

 private:
  const uint32_t max_scans_;
  const std::function<void()> on_idle_;
  std::atomic<uint32_t> active_{0};
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_ADMISSION_H_
