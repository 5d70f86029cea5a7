#ifndef PAGEMAPD_DAEMON_SERVICE_ACCESS_LOG_LIMITER_H_
#define PAGEMAPD_DAEMON_SERVICE_ACCESS_LOG_LIMITER_H_

#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace pagemapd {

// Keeps a caller who is refused again and again from filling the log: journald drops what comes too
// fast, whoever it is about. Safe for any thread.
class LogLimiter {
 public:
  static constexpr int kLinesASecond = 20;

  // Whether there may be a line about `caller` now; if so, how many there were not since the last.
  std::optional<uint64_t> MayLog(const std::string& caller, absl::Time now) {
    absl::MutexLock lock(&mutex_);
    if (now - window_begin_ >= absl::Seconds(1) || now < window_begin_) {
      window_begin_ = now;
      // Callers of whom nothing was left out are forgotten.
      for (auto each = callers_.begin(); each != callers_.end();) {
        each->second.lines = 0;
        each = each->second.suppressed == 0 ? callers_.erase(each) : std::next(each);
      }
    }
    // At most those who call within a second or so: as many as may be connected.
    State& state = callers_[caller];
    if (state.lines == kLinesASecond) {
      ++state.suppressed;
      return std::nullopt;
    }
    ++state.lines;
    const uint64_t suppressed = state.suppressed;
    state.suppressed = 0;
    return suppressed;
  }

 private:
  struct State {
    int lines = 0;
    uint64_t suppressed = 0;
  };

  absl::Mutex mutex_;
  absl::Time window_begin_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  std::map<std::string, State> callers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_ACCESS_LOG_LIMITER_H_
