#ifndef PAGEMAPD_TESTS_SERVICE_FAULTS_MAYFLY_PROTOCOL_H_
#define PAGEMAPD_TESTS_SERVICE_FAULTS_MAYFLY_PROTOCOL_H_

#include <signal.h>

#include <atomic>
#include <cstdint>

// What a test and its mayflies (mayfly_main.cc) know of each other: processes of a known shape that
// are born cheaply, by fork, and to which things happen while they are looked at.

namespace pagemapd {

// Private anonymous memory at the same place in every mayfly, page by page of three kinds.
inline constexpr uint64_t kFlyMemory = 0x200000000000;
inline constexpr uint64_t kFlyPages = 256;
inline constexpr uint64_t kFlyWrittenPages = 128;
// [kFlyRestless, kFlySwapped) is unmapped and mapped again by kFlyRemap, and never more than
// touched.
inline constexpr uint64_t kFlyRestless = 128;
inline constexpr uint64_t kFlySwapped = 192;
inline constexpr uint64_t kFlySwappedPages = 32;

// A memfd that all of them share: a quarter written, the next quarter swapped out.
inline constexpr uint64_t kFlyShared = 0x210000000000;
inline constexpr uint64_t kFlySharedPages = 2048;

// One written page at kFlyMarkers + kFlyMarkerBytes * serial, in no two mayflies the same: by it an
// answer tells whose memory it is of.
inline constexpr uint64_t kFlyMarkers = 0x220000000000;
inline constexpr uint64_t kFlyMarkerBytes = 8192;
// A mayfly that calls exec has another serial afterwards, by this much more.
inline constexpr uint32_t kFlyExecStep = 1 << 16;

// Signals to a mayfly, one at a time: call exec; unmap and map; fork.
inline constexpr int kFlyExec = SIGUSR1;
inline constexpr int kFlyRemap = SIGUSR2;
inline constexpr int kFlyFork = SIGHUP;

// What a mayfly tells of itself, in memory shared with the test.
struct FlySlot {
  // Signals dealt with.
  std::atomic<uint32_t> rounds;
  // The last process that it forked, which lives until the next kFlyFork.
  std::atomic<int32_t> child;
};
inline constexpr uint32_t kFlySlots = 64;

enum class FlyOp : uint32_t {
  // Makes `count` mayflies, 256 at most, the first with `slot`, the next with the next.
  kBear = 1,
  // Waits for those that were killed.
  kReap,
  // Kills `pid`, waits for it, and makes a mayfly of the same pid.
  kRebear,
};

struct FlyRequest {
  FlyOp op;
  int32_t pid = 0;
  uint32_t count = 0;
  uint32_t slot = 0;
  // Whose processes they become, dumpable ones; then each counts a round when it has.
  uint32_t uid = 0;
};

struct Mayfly {
  int32_t pid = 0;
  uint32_t serial = 0;
  uint32_t slot = 0;
};

struct FlyReply {
  // errno, or 0.
  int32_t error = 0;
  uint32_t count = 0;
  Mayfly flies[256];
};

// Descriptors of the process that bears them.
inline constexpr int kFlySocket = 3;
inline constexpr int kFlySlotsFd = 4;

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_SERVICE_FAULTS_MAYFLY_PROTOCOL_H_
