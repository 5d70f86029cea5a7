#include "daemon/shmem/object_pagemap.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/page/page_size.h"
#include "daemon/procfs/scratch_root.h"
#include "daemon/shmem/object_resolver.h"

namespace pagemapd {
namespace {

// On the live kernel, with a knob of the test's own. Nothing here is in swap, and so any kernel's
// pagemap is as the patched one's; pages in swap are for tests/qemu, where that kernel is.
class ObjectPagemapTest : public ::testing::Test {
 protected:
  // More than one window.
  static constexpr uint64_t kPages = 3000;

  ObjectPagemapTest()
      : object_(UniqueFd(memfd_create("object_pagemap_test", MFD_CLOEXEC)),
                SharedObject::Kind::kTmpfs) {
    EXPECT_EQ(ftruncate(object_.fd(), kPages << kPageShift), 0);
    for (uint64_t page = 0; page < kPages; page += 3) {
      EXPECT_EQ(pwrite(object_.fd(), "x", 1, static_cast<off_t>(page << kPageShift)), 1);
    }
    // Slots are in use, and any page might be a copy.
    scratch_.Write("meminfo", "SwapCached: 0 kB\nSwapTotal: 8 kB\nSwapFree: 4 kB\n");
    TurnKnob("off marker [full]\n");
    auto knob = PagemapKnob::Open(scratch_.path() + "/shmem_swap");
    EXPECT_TRUE(knob.ok()) << knob.status();
    knob_.emplace(*std::move(knob));
    auto pagemap = ObjectPagemap::Open(ProcRoot(), *knob_);
    EXPECT_TRUE(pagemap.ok()) << pagemap.status();
    pagemap_.emplace(*std::move(pagemap));
  }

  void TurnKnob(const std::string& text) { scratch_.Write("shmem_swap", text); }

  uint64_t ResidentPages() {
    std::vector<unsigned char> resident(kPages);
    void* mapped = mmap(nullptr, kPages << kPageShift, PROT_READ, MAP_SHARED, object_.fd(), 0);
    EXPECT_EQ(mincore(mapped, kPages << kPageShift, resident.data()), 0);
    munmap(mapped, kPages << kPageShift);
    uint64_t pages = 0;
    for (unsigned char byte : resident) pages += byte & 1;
    return pages;
  }

  ScratchRoot scratch_;
  SharedObject object_;
  std::optional<PagemapKnob> knob_;
  std::optional<ObjectPagemap> pagemap_;
};

TEST_F(ObjectPagemapTest, NothingIsInSwapAndNothingIsBroughtIn) {
  std::vector<PageRecord> records(kPages);
  const PageRecord settled(PageState::kMapped, PageSource::kPagemap);
  records[7] = settled;
  auto told = pagemap_->SettleSwapped(object_, 0, absl::MakeSpan(records));
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_TRUE(*told);
  for (uint64_t page = 0; page < kPages; ++page) {
    EXPECT_EQ(records[page], page == 7 ? settled : PageRecord()) << page;
  }
  EXPECT_EQ(ResidentPages(), kPages / 3);
}

TEST_F(ObjectPagemapTest, TellsNothingUnlessTheKnobIsFull) {
  std::vector<PageRecord> records(2);
  for (const char* text : {"[off] marker full\n", "off [marker] full\n", "nonsense\n", ""}) {
    TurnKnob(text);
    auto told = pagemap_->SettleSwapped(object_, 0, absl::MakeSpan(records));
    ASSERT_TRUE(told.ok()) << told.status();
    EXPECT_FALSE(*told) << text;
  }
}

TEST_F(ObjectPagemapTest, AnIndexThatNoFileHasIsNoOtherPages) {
  std::vector<PageRecord> records(2);
  // As a byte offset each of these would wrap around to a page that there is.
  for (uint64_t first : {(uint64_t{1} << 51) - 1, uint64_t{1} << 52, UINT64_MAX}) {
    auto told = pagemap_->SettleSwapped(object_, first, absl::MakeSpan(records));
    EXPECT_TRUE(told.ok() && !*told) << first;
  }
}

TEST_F(ObjectPagemapTest, TheResolverIsInNoDoubtOfResidentPages) {
  const PageCacheProbe probe(PageCacheProbe::Method::kMincore, scratch_.root());
  for (bool with : {false, true}) {
    ObjectResolver resolver(probe, std::nullopt, with ? &*pagemap_ : nullptr);
    for (bool known : {false, true}) {
      std::vector<PageRecord> records(kPages);
      auto counted = resolver.Resolve(object_, 0, absl::MakeSpan(records), {false, known});
      ASSERT_TRUE(counted.ok()) << counted.status();
      std::vector<PageRecord> read(kPages);
      ASSERT_TRUE(resolver.Read(object_, 0, absl::MakeSpan(read)).ok());
      EXPECT_EQ(records, read);
      for (uint64_t page = 0; page < kPages; ++page) {
        const PageState resident = with ? PageState::kCached : PageState::kUnknown;
        ASSERT_EQ(records[page].state(), page % 3 == 0 ? resident : PageState::kHole) << page;
      }
    }
  }
}

// The caller saw "full", and then the knob was turned.
TEST_F(ObjectPagemapTest, WhatTheSecondLookCannotConfirmIsInDoubtAgain) {
  const PageCacheProbe probe(PageCacheProbe::Method::kMincore, scratch_.root());
  ObjectResolver resolver(probe, std::nullopt, &*pagemap_);
  TurnKnob("[off] marker full\n");
  std::vector<PageRecord> records(
      kPages, PageRecord(PageState::kUnsettled, PageSource::kNone, kFlagSoftDirty));
  auto counted = resolver.Resolve(object_, 0, absl::MakeSpan(records), {false, true});
  ASSERT_TRUE(counted.ok()) << counted.status();
  for (uint64_t page = 0; page < kPages; ++page) {
    ASSERT_EQ(records[page].state(), page % 3 == 0 ? PageState::kUnknown : PageState::kHole);
    ASSERT_EQ(records[page].flags(), kFlagSoftDirty) << page;
  }
}

}  // namespace
}  // namespace pagemapd
