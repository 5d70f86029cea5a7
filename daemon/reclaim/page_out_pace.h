#ifndef PAGEMAPD_DAEMON_RECLAIM_PAGE_OUT_PACE_H_
#define PAGEMAPD_DAEMON_RECLAIM_PAGE_OUT_PACE_H_

#include <algorithm>
#include <cstdint>

namespace pagemapd {

// Keeps page-out to so many pages a second. Pure: the caller brings the time, and waits.
//
// A step's pages take their share of time, from its beginning on, before the next may begin. Time
// that went by unused is not made up for: after a slow spell there is no burst.
class PageOutPace {
 public:
  // 0: no limit.
  explicit PageOutPace(uint64_t pages_per_second) : pages_per_second_(pages_per_second) {}

  // Most pages of one step, of `most`: a tenth of a second's.
  uint64_t StepPages(uint64_t most) const {
    if (pages_per_second_ == 0) return most;
    return std::clamp<uint64_t>(pages_per_second_ / 10, 1, most);
  }

  // A step that began at `begin_ns` and attempted `pages`. Returns when the next may begin.
  uint64_t Add(uint64_t begin_ns, uint64_t pages) const {
    if (pages_per_second_ == 0) return begin_ns;
    constexpr double kNsPerSecond = 1e9;
    const double share_ns =
        static_cast<double>(pages) / static_cast<double>(pages_per_second_) * kNsPerSecond;
    return begin_ns + static_cast<uint64_t>(share_ns);
  }

 private:
  uint64_t pages_per_second_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_RECLAIM_PAGE_OUT_PACE_H_
