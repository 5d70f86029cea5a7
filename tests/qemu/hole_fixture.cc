#include "tests/qemu/hole_fixture.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/testing/fd.h"
#include "tests/testing/oracle.h"
#include "tests/testing/page_pattern.h"

namespace pagemapd {
namespace {

constexpr uint64_t kSoftDirty = uint64_t{1} << 55;
constexpr uint64_t kSwapped = uint64_t{1} << 62;
constexpr uint64_t kFile = uint64_t{1} << 61;
constexpr uint64_t kFrame = (uint64_t{1} << 55) - 1;
constexpr uint64_t kShown = 5;

std::string MapFile(const TargetProcess& target, uint64_t address, uint64_t pages) {
  return absl::StrFormat("/proc/%d/map_files/%x-%x", target.pid(), address, address + pages * 4096);
}

}  // namespace

void HoleTest::SetUp() {
  absl::StatusOr<Knob> readahead = Knob::Take("/proc/sys/vm/page-cluster");
  ASSERT_TRUE(readahead.ok()) << readahead.status();
  readahead_.emplace(*std::move(readahead));
  ASSERT_TRUE(readahead_->Set("0").ok());
  absl::StatusOr<TargetProcess> target = TargetProcess::Start();
  ASSERT_TRUE(target.ok()) << target.status();
  target_.emplace(*std::move(target));
}

void HoleTest::AddDevice(uint64_t bytes, SwapDevice::Kind kind, int priority) {
  absl::StatusOr<SwapDevice> device = SwapDevice::Create(bytes, kind, priority);
  ASSERT_TRUE(device.ok()) << device.status();
  absl::StatusOr<SlotReader> reader = SlotReader::Open(device->path());
  ASSERT_TRUE(reader.ok()) << reader.status();
  devices_.push_back(std::make_unique<SwapDevice>(*std::move(device)));
  readers_.push_back(*std::move(reader));
}

void HoleTest::RemoveDevices() {
  readers_.clear();
  homes_.clear();
  devices_.clear();
}

HoleMemory HoleTest::Make(MemoryKind kind, Mix mix) {
  HoleMemory memory;
  memory.object = ++objects_;
  absl::StatusOr<MemoryRegion> region = MapRegion(*target_, kind, kPages);
  EXPECT_TRUE(region.ok()) << region.status();
  if (!region.ok()) return memory;
  memory.region = *std::move(region);
  const std::vector<PageWish> plan = MakeMix(mix, kPages, WishesFor(kind), memory.object);
  absl::Status made =
      WritePattern(memory.region.object.get(), memory.object, memory.region.first_index,
                   RunsOf(plan, {PageWish::kMapped, PageWish::kCached, PageWish::kSwapped}));
  if (made.ok()) made = Shape(*target_, memory.region, plan);
  EXPECT_TRUE(made.ok()) << made;
  return memory;
}

HoleMemory HoleTest::MakeAligned(uint64_t pages) {
  HoleMemory memory;
  memory.object = ++objects_;
  MemoryRegion& region = memory.region;
  region.kind = MemoryKind::kSharedAnon;
  region.backing = Backing::kShmem;
  region.pages = pages;
  const uint64_t bytes = pages * kPageBytes;
  absl::StatusOr<uint64_t> room =
      target_->Map(bytes + kHugePageBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
  EXPECT_TRUE(room.ok()) << room.status();
  if (!room.ok()) return memory;
  region.address = (*room + kHugePageBytes - 1) & ~(kHugePageBytes - 1);
  auto mapped =
      target_->Syscall(SYS_mmap, {region.address, bytes, PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, ~uint64_t{0}, 0});
  EXPECT_TRUE(mapped.ok()) << mapped.status();
  // Faults are what makes large folios of it, and not write(2).
  EXPECT_TRUE(target_->Write(region.address, {{0, pages}}).ok());
  region.object = Fd(open(MapFile(*target_, region.address, pages).c_str(), O_RDWR | O_CLOEXEC));
  EXPECT_TRUE(WritePattern(region.object.get(), memory.object, 0, {{0, pages}}).ok());
  return memory;
}

uint64_t HoleTest::MapAgain(const TargetProcess& process, const HoleMemory& memory) {
  const MemoryRegion& region = memory.region;
  auto fd =
      process.SyscallWithText(SYS_openat, {static_cast<uint64_t>(AT_FDCWD), kPayloadArg, O_RDWR},
                              MapFile(*target_, region.address, region.pages));
  EXPECT_TRUE(fd.ok()) << fd.status();
  if (!fd.ok()) return 0;
  absl::StatusOr<uint64_t> address =
      process.Map(region.pages * kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                  static_cast<int>(*fd), region.first_index * kPageBytes);
  EXPECT_TRUE(address.ok()) << address.status();
  EXPECT_TRUE(process.Syscall(SYS_close, {static_cast<uint64_t>(*fd)}).ok());
  return address.ok() ? *address : 0;
}

std::vector<uint64_t> HoleTest::Entries(pid_t pid, uint64_t address, uint64_t pages) {
  absl::StatusOr<std::vector<uint64_t>> entries = ReadPagemap(pid, address, pages);
  EXPECT_TRUE(entries.ok()) << entries.status();
  if (!entries.ok()) return std::vector<uint64_t>(pages);
  for (uint64_t& entry : *entries) entry &= ~kSoftDirty;
  return *std::move(entries);
}

std::string HoleTest::FaultOf(uint64_t entry, const HoleMemory& memory, uint64_t page) {
  // Nothing but these, and the frame field.
  if ((entry & ~kFrame) != (kSwapped | kFile)) return "in swap, and reads as something else";
  const uint64_t type = TypeOf(entry), index = memory.region.first_index + page;
  if (homes_.count(type) == 0) {
    for (size_t i = 0; i < readers_.size(); ++i) {
      auto words = readers_[i].Read(OffsetOf(entry));
      if (words.ok() && HoldsPattern(*words, memory.object, index)) homes_[type] = i;
    }
    if (homes_.count(type) == 0) return "its content is on no device";
  }
  auto words = readers_[homes_[type]].Read(OffsetOf(entry));
  if (!words.ok()) return words.status().ToString();
  return HoldsPattern(*words, memory.object, index) ? "" : "another content is in its place";
}

std::map<uint32_t, uint64_t> HoleTest::ExpectSwappedInPlace(pid_t pid, uint64_t address,
                                                            const HoleMemory& memory) {
  const MemoryRegion& region = memory.region;
  auto truth = ObjectTruth(region.object.get(), Backing::kShmem, region.first_index, region.pages);
  EXPECT_TRUE(truth.ok()) << truth.status();
  std::map<uint32_t, uint64_t> swapped;
  if (!truth.ok()) return swapped;
  const std::vector<uint64_t> entries = Entries(pid, address, region.pages);
  uint64_t wrong = 0;
  for (uint64_t i = 0; i < region.pages; ++i) {
    std::string fault;
    if ((*truth)[i].state == TrueState::kSwapped) {
      fault = FaultOf(entries[i], memory, i);
      ++swapped[TypeOf(entries[i])];
    } else if (entries[i] != 0 && !IsPresent(entries[i])) {
      fault = absl::StrCat(Name((*truth)[i].state), ", and its entry is not empty");
    }
    if (fault.empty() || ++wrong > kShown) continue;
    ADD_FAILURE() << absl::StrFormat("page %d, entry %#x: %s", i, entries[i], fault);
  }
  EXPECT_EQ(wrong, 0u) << "of " << region.pages;
  EXPECT_FALSE(swapped.empty());
  return swapped;
}

void HoleTest::ExpectHole(pid_t pid, uint64_t address, const HoleMemory& memory) {
  const MemoryRegion& region = memory.region;
  auto counts = CountObject(region.object.get(), region.first_index, region.pages);
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_GT(counts->evicted, 0u);
  uint64_t empty = 0, wrong = 0;
  for (uint64_t entry : Entries(pid, address, region.pages)) {
    empty += entry == 0;
    wrong += entry != 0 && !IsPresent(entry);
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_GE(empty, counts->evicted);
}

}  // namespace pagemapd
