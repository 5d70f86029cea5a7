#ifndef PAGEMAPD_TESTS_QEMU_HOLE_FIXTURE_H_
#define PAGEMAPD_TESTS_QEMU_HOLE_FIXTURE_H_

#include <gtest/gtest.h>
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/testing/knob.h"
#include "tests/testing/memory_region.h"
#include "tests/testing/page_mix.h"
#include "tests/testing/slot_reader.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/target_process.h"

namespace pagemapd {

// Shared memory whose every written page has content of its own: the pattern of `object`.
struct HoleMemory {
  MemoryRegion region;
  uint16_t object = 0;
};

// What /proc/PID/pagemap itself says of shared memory in swap, with nothing of the daemon between.
// Which pages are in swap is for the oracle to say, and what a place in swap holds, for the device.
class HoleTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kPages = 4096;
  static constexpr uint64_t kPageBytes = 4096;
  static constexpr uint64_t kHugePageBytes = 2 << 20;
  static constexpr MemoryKind kKinds[] = {MemoryKind::kMemfd, MemoryKind::kSysV,
                                          MemoryKind::kSharedAnon, MemoryKind::kDevShm};

  // A target; no device. Pages swap in alone: those read ahead would be in the swap cache, where
  // the oracle of older kernels takes them for cached.
  void SetUp() override;

  void AddDevice(uint64_t bytes, SwapDevice::Kind kind = SwapDevice::Kind::kZram,
                 int priority = SwapDevice::kFirstOfAll);

  // Brings back what is in swap.
  void RemoveDevices();

  // Memory of the target whose pages became what the mix wishes, a part of them in swap.
  HoleMemory Make(MemoryKind kind, Mix mix = Mix::kRandom);
  // Shared anonymous memory of the target on a 2 MiB boundary, touched and in RAM.
  HoleMemory MakeAligned(uint64_t pages);
  // Another mapping of the memory: its address.
  uint64_t MapAgain(const TargetProcess& process, const HoleMemory& memory);

  // Expects of the memory as `pid` has it mapped at `address`:
  // that every page which is in swap, and no other that is not present, reads as swapped and of a
  // file, and that its place holds its content. How many there are, by swap type.
  std::map<uint32_t, uint64_t> ExpectSwappedInPlace(pid_t pid, uint64_t address,
                                                    const HoleMemory& memory);
  // that no page reads as swapped, although some are in swap: the hole of stock kernels.
  void ExpectHole(pid_t pid, uint64_t address, const HoleMemory& memory);

  // Its entries, without the soft-dirty bit, which is that of the mapping where there is no page.
  static std::vector<uint64_t> Entries(pid_t pid, uint64_t address, uint64_t pages);
  static bool IsPresent(uint64_t entry) { return entry >> 63 & 1; }
  static bool IsSwapped(uint64_t entry) { return (entry >> 62 & 3) == 1; }
  static uint64_t TypeOf(uint64_t entry) { return entry & 31; }
  static uint64_t OffsetOf(uint64_t entry) { return entry >> 5 & ((uint64_t{1} << 50) - 1); }

  std::optional<TargetProcess> target_;
  std::vector<std::unique_ptr<SwapDevice>> devices_;

 private:
  // What is wrong with the place of a swapped page; "" if nothing is.
  std::string FaultOf(uint64_t entry, const HoleMemory& memory, uint64_t page);

  std::optional<Knob> readahead_;
  uint16_t objects_ = 0;
  // Of each device, and which of them a type is, by the first content found there.
  std::vector<SlotReader> readers_;
  std::map<uint64_t, size_t> homes_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_QEMU_HOLE_FIXTURE_H_
