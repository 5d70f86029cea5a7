#include "daemon/procfs/pagemap_knob.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "daemon/procfs/scratch_root.h"

namespace pagemapd {
namespace {

TEST(PagemapKnobTest, TheWordInBracketsIsChosen) {
  EXPECT_EQ(*ParseShmemSwapMode("off marker [full]\n"), ShmemSwapMode::kFull);
  EXPECT_EQ(*ParseShmemSwapMode("off [marker] full\n"), ShmemSwapMode::kMarker);
  EXPECT_EQ(*ParseShmemSwapMode("[off] marker full\n"), ShmemSwapMode::kOff);
  EXPECT_EQ(*ParseShmemSwapMode("[full]"), ShmemSwapMode::kFull);
  // A mode that is yet to come, and not chosen.
  EXPECT_EQ(*ParseShmemSwapMode("off marker [full] lazy\n"), ShmemSwapMode::kFull);
}

TEST(PagemapKnobTest, RefusesOtherTextAndNamesIt) {
  for (const char* bad :
       {"", "\n", "full\n", "off marker full\n", "[]\n", "[lazy] full\n", "[off] [full]\n",
        "[full\n", "full]\n", "[[full]]\n", "[full]x\n", "[ full ]\n", "[FULL]\n", "[full]\n\n",
        "[full]\noff\n", "[full]\t\n", "1\n"}) {
    const auto mode = ParseShmemSwapMode(bad);
    EXPECT_EQ(mode.status().code(), absl::StatusCode::kDataLoss) << bad;
  }
  const auto hostile = ParseShmemSwapMode("[\x1b[2J]\n");
  EXPECT_TRUE(absl::StrContains(hostile.status().message(), "\"[\\x1b[2J]")) << hostile.status();
  EXPECT_LT(ParseShmemSwapMode(std::string(5000, 'x')).status().message().size(), 300);
  EXPECT_FALSE(ParseShmemSwapMode(absl::string_view("[full\0]", 7)).ok());
}

TEST(PagemapKnobTest, ReadsAnewEachTime) {
  const ScratchRoot scratch;
  scratch.Write("shmem_swap", "off marker [full]\n");
  const auto knob = PagemapKnob::Open(scratch.path() + "/shmem_swap");
  ASSERT_TRUE(knob.ok()) << knob.status();
  EXPECT_TRUE(knob->IsFull());
  scratch.Write("shmem_swap", "off [marker] full\n");
  EXPECT_EQ(*knob->Read(), ShmemSwapMode::kMarker);
  EXPECT_FALSE(knob->IsFull());
  scratch.Write("shmem_swap", "off marker [full]\n");
  EXPECT_TRUE(knob->IsFull());
  scratch.Write("shmem_swap", "");
  EXPECT_EQ(knob->Read().status().code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(knob->IsFull());
}

TEST(PagemapKnobTest, AKernelWithoutTheKnobIsNotFound) {
  const ScratchRoot scratch;
  EXPECT_EQ(PagemapKnob::Open(scratch.path() + "/shmem_swap").status().code(),
            absl::StatusCode::kNotFound);
  // What can be opened but not read.
  const auto directory = PagemapKnob::Open(scratch.path());
  ASSERT_TRUE(directory.ok());
  EXPECT_FALSE(directory->Read().ok());
  EXPECT_FALSE(directory->IsFull());
}

}  // namespace
}  // namespace pagemapd
