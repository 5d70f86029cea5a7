// Shared memory in swap, in /proc/PID/pagemap: a hole on a stock kernel, and on a patched one every
// page's place, whoever maps it and however it got there.
//
// StockTest is for both: on a patched kernel it sets the knob to what stock does.

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "tests/qemu/hole_fixture.h"
#include "tests/testing/cgroup.h"
#include "tests/testing/knob.h"
#include "tests/testing/oracle.h"
#include "tests/testing/page_pattern.h"
#include "tests/testing/tmpfs_mount.h"

namespace pagemapd {
namespace {

constexpr char kView[] = "/sys/kernel/mm/pagemap/shmem_swap";

class StockTest : public HoleTest {};

TEST_F(StockTest, ReadsSwappedPagesAsHoles) {
  std::optional<Knob> view;
  if (access(kView, F_OK) == 0) {
    absl::StatusOr<Knob> taken = Knob::Take(kView);
    ASSERT_TRUE(taken.ok()) << taken.status();
    view.emplace(*std::move(taken));
    ASSERT_TRUE(view->Set("off").ok());
  }
  AddDevice(256 << 20);
  for (MemoryKind kind : kKinds) {
    SCOPED_TRACE(Name(kind));
    const HoleMemory memory = Make(kind);
    ASSERT_FALSE(HasFailure());
    ExpectHole(target_->pid(), memory.region.address, memory);
  }
}

class PatchedTest : public HoleTest {
 protected:
  void SetUp() override {
    HoleTest::SetUp();
    ASSERT_EQ(access(kView, F_OK), 0) << "not a patched kernel";
  }

  void ExpectInPlace(const HoleMemory& memory) {
    ExpectSwappedInPlace(target_->pid(), memory.region.address, memory);
  }

  // The share of whole, aligned runs of `size` pages that are in consecutive slots.
  uint64_t InOnePiece(const HoleMemory& memory, uint64_t size) {
    const std::vector<uint64_t> entries =
        Entries(target_->pid(), memory.region.address, memory.region.pages);
    uint64_t whole = 0;
    for (uint64_t i = 0; i < entries.size(); i += size) {
      uint64_t run = 0;
      while (run < size && IsSwapped(entries[i + run]) &&
             OffsetOf(entries[i + run]) == OffsetOf(entries[i]) + run) {
        ++run;
      }
      whole += run == size;
    }
    return whole;
  }

  // Into swap; what reclaim only unmapped is mapped and tried again.
  void PageOutAll(const HoleMemory& memory) {
    const MemoryRegion& region = memory.region;
    for (int attempt = 0; attempt < 10; ++attempt) {
      absl::Status out = PageOutRuns(*target_, region.address, {{0, region.pages}});
      ASSERT_TRUE(out.ok()) << out;
      auto counts = CountObject(region.object.get(), region.first_index, region.pages);
      ASSERT_TRUE(counts.ok()) << counts.status();
      if (counts->evicted == region.pages) return;
      ASSERT_TRUE(target_->Read(region.address, {{0, region.pages}}).ok());
    }
    FAIL() << "pages stay in the page cache";
  }
};

class PatchedKindTest : public PatchedTest, public ::testing::WithParamInterface<MemoryKind> {};

TEST_P(PatchedKindTest, ReadsEveryPlace) {
  AddDevice(256 << 20);
  for (Mix mix : kMixes) {
    SCOPED_TRACE(Name(mix));
    const HoleMemory memory = Make(GetParam(), mix);
    ASSERT_FALSE(HasFailure());
    ExpectInPlace(memory);
  }
}

TEST_P(PatchedKindTest, ReadsEveryPlaceInForkedChildren) {
  AddDevice(64 << 20);
  const HoleMemory memory = Make(GetParam());
  absl::StatusOr<TargetProcess> child = target_->Fork();
  ASSERT_TRUE(child.ok()) << child.status();
  ExpectSwappedInPlace(child->pid(), memory.region.address, memory);
  ExpectInPlace(memory);
  // What the child maps again is gone from swap for both.
  ASSERT_TRUE(child->Read(memory.region.address, {{0, kPages / 3}}).ok());
  ExpectSwappedInPlace(child->pid(), memory.region.address, memory);
  ExpectInPlace(memory);
}

TEST_P(PatchedKindTest, ReadsEveryPlaceInLaterMappings) {
  AddDevice(64 << 20);
  const HoleMemory memory = Make(GetParam());
  ASSERT_FALSE(HasFailure());
  absl::StatusOr<TargetProcess> other = TargetProcess::Start();
  ASSERT_TRUE(other.ok()) << other.status();
  ExpectSwappedInPlace(target_->pid(), MapAgain(*target_, memory), memory);
  ExpectSwappedInPlace(other->pid(), MapAgain(*other, memory), memory);
}

TEST_P(PatchedKindTest, ReadsEveryPlaceAfterEntriesWereDropped) {
  AddDevice(64 << 20);
  const HoleMemory memory = Make(GetParam());
  ASSERT_FALSE(HasFailure());
  const uint64_t address = memory.region.address;
  ASSERT_TRUE(target_->Advise(address, {{0, kPages / 2}}, MADV_DONTNEED).ok());
  ExpectInPlace(memory);
  // Page tables move whole or an entry at a time, by how both ends are aligned.
  for (uint64_t shift : {uint64_t{0}, kPageBytes}) {
    const uint64_t bytes = kPages * kPageBytes;
    absl::StatusOr<uint64_t> room = target_->Map(bytes + 2 * kHugePageBytes, PROT_NONE,
                                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
    ASSERT_TRUE(room.ok()) << room.status();
    const uint64_t to =
        ((*room + kHugePageBytes - 1) & ~(kHugePageBytes - 1)) + address % kHugePageBytes + shift;
    HoleMemory again = Make(GetParam());
    ASSERT_FALSE(HasFailure());
    auto moved = target_->Syscall(
        SYS_mremap, {again.region.address, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to});
    ASSERT_TRUE(moved.ok()) << moved.status();
    ExpectSwappedInPlace(target_->pid(), to, again);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, PatchedKindTest,
                         ::testing::Values(MemoryKind::kMemfd, MemoryKind::kSysV,
                                           MemoryKind::kSharedAnon, MemoryKind::kDevShm),
                         [](const auto& info) {
                           std::string name;
                           for (char c : std::string(Name(info.param))) {
                             if (isalnum(c)) name += c;
                           }
                           return name;
                         });

TEST_F(PatchedTest, ReadsTheSameInEveryPieceOfARead) {
  AddDevice(64 << 20);
  const HoleMemory memory = Make(MemoryKind::kMemfd);
  ASSERT_FALSE(HasFailure());
  const uint64_t address = memory.region.address;
  const std::vector<uint64_t> all = Entries(target_->pid(), address, kPages);
  for (uint64_t size : {uint64_t{1}, uint64_t{7}, uint64_t{511}, uint64_t{513}}) {
    uint64_t wrong = 0;
    for (uint64_t i = 0; i + size <= kPages; i += size) {
      const std::vector<uint64_t> piece = Entries(target_->pid(), address + i * kPageBytes, size);
      for (uint64_t j = 0; j < size; ++j) wrong += piece[j] != all[i + j];
    }
    EXPECT_EQ(wrong, 0u) << "in reads of " << size;
  }
}

TEST_F(PatchedTest, ReadsPagesThatComeBack) {
  AddDevice(64 << 20);
  const HoleMemory memory = Make(MemoryKind::kMemfd, Mix::kAllSwapped);
  ASSERT_FALSE(HasFailure());
  const uint64_t address = memory.region.address;
  ASSERT_TRUE(target_->Read(address, {{0, 100}}).ok());
  ExpectInPlace(memory);
  for (uint64_t entry : Entries(target_->pid(), address, 100)) EXPECT_TRUE(IsPresent(entry));
  // swapoff brings the rest back into the page cache, unmapped.
  RemoveDevices();
  for (uint64_t entry : Entries(target_->pid(), address, kPages)) {
    EXPECT_TRUE(IsPresent(entry) || entry == 0) << absl::StrFormat("%#x", entry);
  }
  ASSERT_TRUE(target_->Write(address, {{0, kPages}}).ok());
  for (uint64_t entry : Entries(target_->pid(), address, kPages)) EXPECT_TRUE(IsPresent(entry));
}

TEST_F(PatchedTest, NamesTheTypeOfASecondArea) {
  constexpr uint64_t kFirstPages = 3 * kPages / 2;
  AddDevice(kFirstPages * kPageBytes);
  AddDevice(64 << 20, SwapDevice::Kind::kZram, SwapDevice::kFirstOfAll - 1);
  std::map<uint32_t, uint64_t> pages;
  std::vector<HoleMemory> all;
  for (int i = 0; i < 3; ++i) all.push_back(Make(MemoryKind::kMemfd, Mix::kAllSwapped));
  ASSERT_FALSE(HasFailure());
  for (const HoleMemory& memory : all) {
    for (auto [type, count] : ExpectSwappedInPlace(target_->pid(), memory.region.address, memory)) {
      pages[type] += count;
    }
  }
  EXPECT_EQ(pages.size(), 2u);
  for (auto [type, count] : pages) EXPECT_GE(count, kPages) << "type " << type;
}

// A device that takes its time, so that pages stay in the swap cache, until reclaim takes them.
TEST_F(PatchedTest, ReadsPlacesOnADisk) {
  AddDevice(256 << 20, SwapDevice::Kind::kLoop);
  absl::StatusOr<Cgroup> cgroup = Cgroup::Create();
  ASSERT_TRUE(cgroup.ok()) << cgroup.status();
  ASSERT_TRUE(cgroup->Add(target_->pid()).ok());
  // Charged to the group, since the target is the first to touch it.
  const HoleMemory memory = MakeAligned(kPages);
  absl::Status out = PageOutRuns(*target_, memory.region.address, {{0, kPages / 2}, {3000, 7}});
  ASSERT_TRUE(out.ok()) << out;
  ASSERT_FALSE(HasFailure());
  for (int i = 0; i < 100 && *SwapCachedPages() != 0; ++i) {
    ASSERT_TRUE(cgroup->ReclaimAll().ok());
  }
  ASSERT_EQ(*SwapCachedPages(), 0u);
  ExpectInPlace(memory);
}

// Folios of 16 pages, which Linux 6.12 has for shared anonymous memory, and swaps out whole.
TEST_F(PatchedTest, ReadsFoliosOf64KiB) {
  absl::StatusOr<Knob> size =
      Knob::Take("/sys/kernel/mm/transparent_hugepage/hugepages-64kB/shmem_enabled");
  ASSERT_TRUE(size.ok()) << size.status();
  ASSERT_TRUE(size->Set("always").ok());
  AddDevice(64 << 20);
  const HoleMemory memory = MakeAligned(kPages);
  PageOutAll(memory);
  ASSERT_FALSE(HasFailure());
  ExpectInPlace(memory);
  EXPECT_GT(InOnePiece(memory, 16), kPages / 16 / 2);
  // Inside a folio in swap; and of one that is there in part.
  ASSERT_TRUE(target_->Read(memory.region.address, {{5, 1}, {100, 20}}).ok());
  ExpectInPlace(memory);
}

// Folios of 512 pages, mapped by PMDs. Linux 6.12 swaps them out whole; 6.1 splits them.
class PatchedHugeTest : public PatchedTest, public ::testing::WithParamInterface<bool> {};

TEST_P(PatchedHugeTest, ReadsFoliosOf2MiB) {
  const bool whole = GetParam();
  AddDevice(256 << 20);
  absl::StatusOr<TmpfsMount> mount = TmpfsMount::Create("huge=always");
  ASSERT_TRUE(mount.ok()) << mount.status();
  absl::StatusOr<MemoryRegion> region = mount->MapFile(*target_, kPages);
  ASSERT_TRUE(region.ok()) << region.status();
  {
    HoleMemory memory = {*std::move(region), 1000};
    ASSERT_TRUE(WritePattern(memory.region.object.get(), memory.object, 0, {{0, kPages}}).ok());
    ASSERT_TRUE(target_->Write(memory.region.address, {{0, kPages}}).ok());
    PageOutAll(memory);
    ASSERT_FALSE(HasFailure());
    ExpectInPlace(memory);
    EXPECT_TRUE(!whole || InOnePiece(memory, 512) > 0);
    absl::StatusOr<TargetProcess> child = target_->Fork();
    ASSERT_TRUE(child.ok()) << child.status();
    ExpectSwappedInPlace(child->pid(), memory.region.address, memory);
    ExpectSwappedInPlace(target_->pid(), MapAgain(*target_, memory), memory);
    ASSERT_TRUE(target_->Read(memory.region.address, {{700, 1}, {1500, 100}}).ok());
    ExpectInPlace(memory);
  }
  target_.reset();
}

INSTANTIATE_TEST_SUITE_P(Split, PatchedHugeTest, ::testing::Values(false));
INSTANTIATE_TEST_SUITE_P(Whole, PatchedHugeTest, ::testing::Values(true));

}  // namespace
}  // namespace pagemapd
