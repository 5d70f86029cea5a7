#ifndef PAGEMAPD_DAEMON_SERVICE_LIMITS_H_
#define PAGEMAPD_DAEMON_SERVICE_LIMITS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace pagemapd {

// What one daemon gives at most. From flags; positive but where it is said.
struct Limits {
  // Of one request.
  uint32_t max_targets = 256;
  // Ranges of all targets of one request; extents of one revalidation.
  uint32_t max_ranges = 16384;
  // For how long a client may leave what is written to it; 0: as long as it likes.
  uint32_t max_stall_seconds = 600;
  // What all calls together may hold in requests, and in answers that are not read yet.
  uint64_t max_bytes_in_flight = 64 << 20;
  // Calls under way. Root's are not counted.
  uint32_t max_calls_per_caller = 8;
  // What the daemon may have in RAM and still take calls, root's excepted; 0: as much as it gets.
  uint64_t max_resident_bytes = 0;
  // Mappings of one ListMappings answer, and of one SummarizePages answer; and how large each may
  // get by their paths.
  uint32_t max_listed_mappings = 4096;
  uint64_t max_listed_bytes = 1 << 20;
  uint32_t max_summarized_mappings = 65536;
  uint64_t max_summarized_bytes = 8 << 20;
};

// What a request with so many ranges may have, each with all it can say: some 45 bytes.
inline int MaxRequestBytes(const Limits& limits) {
  return static_cast<int>(
      std::min<uint64_t>(uint64_t{64} * limits.max_ranges + (64 << 10), 1 << 30));
}

// Most slots that the pipeline of one scan has, however many workers there are.
inline constexpr size_t kMaxScanSlots = 8;

// What one scan may hold: in every slot the worst chunk (8Ki extents of 24 bytes, 192 KiB), and a
// message that is being sent, as objects and as bytes.
inline constexpr uint64_t kScanBytes = 2 << 20;

// What an answer of little else than swap areas may hold.
inline constexpr uint64_t kSmallAnswerBytes = 64 << 10;

// What one caller other than root may hold: as many scans as it may have calls, and half as much
// again for answers that are on their way.
inline uint64_t MaxBytesOfCaller(const Limits& limits) {
  return limits.max_calls_per_caller * kScanBytes / 2 * 3;
}

inline uint32_t MaxScans(const Limits& limits) {
  return limits.max_bytes_in_flight < kScanBytes
             ? 1
             : static_cast<uint32_t>(limits.max_bytes_in_flight / kScanBytes);
}

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_LIMITS_H_
