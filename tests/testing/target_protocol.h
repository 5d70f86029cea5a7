#ifndef PAGEMAPD_TESTS_TESTING_TARGET_PROTOCOL_H_
#define PAGEMAPD_TESTS_TESTING_TARGET_PROTOCOL_H_

#include <cstdint>

// What a test and its target process (target_main.cc) say to each other, over a stream socket:
// a request with its payload, and a reply, in turn.

namespace pagemapd {

// Pages of a region, by index from the region's first.
struct PageRun {
  uint64_t first = 0;
  uint64_t pages = 0;
};

enum class TargetOp : uint64_t {
  // args[0] is the number of a system call, the rest its arguments; an argument of kPayloadArg is
  // the address of the payload.
  kSyscall = 1,
  // The payload is PageRuns of the region at args[0]. Writes WordAt at the beginning of every page.
  kWrite,
  // Reads a byte of every page.
  kRead,
  // madvise(2) with args[1] on every run.
  kAdvise,
  // Forks. The child answers on descriptor kChildSocket from then on; replies with its pid.
  kFork,
  // Forks a child that exits at once and is not reaped; replies with its pid.
  kZombie,
  // Maps a page and unmaps it, and touches and drops it, until the next request comes.
  kChurn,
  // Executes the program whose path is the payload, which ends with a 0, or itself anew. The new
  // program owes no reply, and answers the next request.
  kExec,
};

struct TargetRequest {
  TargetOp op;
  uint64_t args[7] = {};
  uint64_t payload_bytes = 0;
};

struct TargetReply {
  int64_t result = 0;
  // errno, or 0.
  int64_t error = 0;
};

// What kWrite writes: no two pages the same, none of one byte repeated.
constexpr uint64_t WordAt(uint64_t address) { return address ^ 0x5bd1e9955bd1e995; }

inline constexpr uint64_t kPayloadArg = 0xfeedfacecafef00d;
inline constexpr int kTargetSocket = 3;
inline constexpr int kChildSocket = 4;

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_TARGET_PROTOCOL_H_
