#ifndef PAGEMAPD_DAEMON_QUERY_MONOTONIC_TIME_H_
#define PAGEMAPD_DAEMON_QUERY_MONOTONIC_TIME_H_

#include <time.h>

#include <cstdint>

namespace pagemapd {

// CLOCK_MONOTONIC, in nanoseconds.
inline uint64_t MonotonicNanoseconds() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_QUERY_MONOTONIC_TIME_H_
