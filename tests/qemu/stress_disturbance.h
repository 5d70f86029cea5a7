#ifndef PAGEMAPD_TESTS_QEMU_STRESS_DISTURBANCE_H_
#define PAGEMAPD_TESTS_QEMU_STRESS_DISTURBANCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/qemu/stress_ledger.h"

namespace pagemapd {

// Each of these runs in a process of its own until the ledger says stop.

// Reads the workers' pagemap, by every length there is, scans it, reads smaps, clears soft-dirty
// bits.
void ReadOtherPagemaps(Ledger* ledger, uint64_t seed);

// Swaps off and on again one of the areas after the other. They are on in the end.
void SwapOffAndOn(Ledger* ledger, const std::vector<std::string>& areas);

// Changes what pagemap tells of swapped shared memory, and whether reclaim leaves markers.
void TurnKnobs(Ledger* ledger, uint64_t seed);

// False where this kernel has no such knobs.
bool SetKnobs(const char* swap, const char* markers);

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_QEMU_STRESS_DISTURBANCE_H_
