#include "daemon/reclaim/page_out_outcome.h"

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

constexpr PageSource kSource = PageSource::kPagemap;
constexpr PageFlags kOwnFile = kFlagFile | kFlagExclusive;

PageRecord Mapped(PageFlags flags) { return PageRecord::Mapped(kSource, flags, 4711); }
PageRecord Swapped(PageFlags flags = 0) { return PageRecord::Swapped(kSource, flags, {0, 815}); }
PageRecord Other(PageState state) { return PageRecord(state, kSource); }

// Makes one obstacle.
PageOutObstacles With(bool PageOutObstacles::*obstacle) {
  PageOutObstacles obstacles;
  obstacles.*obstacle = true;
  return obstacles;
}

TEST(PageOutOutcomeTest, BeforeItsStateSettlesIt) {
  const PageOutObstacles none;
  EXPECT_EQ(OutcomeBefore(Mapped(0), none), PageOutOutcome::kCandidate);
  EXPECT_EQ(OutcomeBefore(Swapped(), none), PageOutOutcome::kAlreadySwapped);
  EXPECT_EQ(OutcomeBefore(Swapped(kFlagSwapCache), none), PageOutOutcome::kInSwapCache);
  EXPECT_EQ(OutcomeBefore(Other(PageState::kHole), none), PageOutOutcome::kHole);
  EXPECT_EQ(OutcomeBefore(Other(PageState::kCached), none), PageOutOutcome::kNotInPageTable);
  EXPECT_EQ(OutcomeBefore(Other(PageState::kSpecial), none), PageOutOutcome::kNotPageable);
  EXPECT_EQ(OutcomeBefore(Other(PageState::kUnknown), none), PageOutOutcome::kUnknown);
}

TEST(PageOutOutcomeTest, WhatNoPageTableHasGoesByItsObject) {
  const PageRecord cached = Other(PageState::kCached);
  PageOutObstacles obstacles = With(&PageOutObstacles::has_object);
  EXPECT_EQ(OutcomeBefore(cached, obstacles), PageOutOutcome::kCandidate);
  EXPECT_EQ(OutcomeAfter(cached, Swapped(), obstacles, false), PageOutOutcome::kPagedOut);
  EXPECT_EQ(OutcomeAfter(cached, cached, obstacles, false), PageOutOutcome::kNotInPageTable);
  EXPECT_EQ(OutcomeAfter(cached, Mapped(kOwnFile), obstacles, false), PageOutOutcome::kKept);
  obstacles.file_not_owned = true;
  EXPECT_EQ(Obstacle(cached, obstacles), PageOutOutcome::kFileNotOwned);
  EXPECT_EQ(OutcomeAfter(cached, cached, obstacles, false), PageOutOutcome::kFileNotOwned);
}

TEST(PageOutOutcomeTest, BeforeItsMappingSettlesIt) {
  EXPECT_EQ(OutcomeBefore(Mapped(0), With(&PageOutObstacles::locked)), PageOutOutcome::kLocked);
  EXPECT_EQ(OutcomeBefore(Swapped(), With(&PageOutObstacles::locked)),
            PageOutOutcome::kAlreadySwapped);
  for (const PageRecord page : {Mapped(0), Other(PageState::kHole), Other(PageState::kUnknown)}) {
    EXPECT_EQ(OutcomeBefore(page, With(&PageOutObstacles::hugetlb)), PageOutOutcome::kHugetlb);
    EXPECT_EQ(OutcomeBefore(page, With(&PageOutObstacles::not_pageable)),
              PageOutOutcome::kNotPageable);
  }
}

TEST(PageOutOutcomeTest, AfterwardsItIsWhereItIsFound) {
  const PageOutObstacles none;
  const auto after = [&](PageRecord now) {
    return OutcomeAfter(Mapped(kOwnFile), now, none, /*mapping_changed=*/false);
  };
  EXPECT_EQ(after(Swapped()), PageOutOutcome::kPagedOut);
  EXPECT_EQ(after(Swapped(kFlagSwapCache)), PageOutOutcome::kInSwapCache);
  EXPECT_EQ(after(Other(PageState::kHole)), PageOutOutcome::kHole);
  EXPECT_EQ(after(Mapped(kOwnFile)), PageOutOutcome::kKept);
  EXPECT_EQ(after(Mapped(kFlagFile)), PageOutOutcome::kShared);
  EXPECT_EQ(after(Other(PageState::kCached)), PageOutOutcome::kKept);
  EXPECT_EQ(after(Other(PageState::kSpecial)), PageOutOutcome::kKept);
  EXPECT_EQ(after(Other(PageState::kUnknown)), PageOutOutcome::kUnknown);
  EXPECT_EQ(OutcomeAfter(Mapped(0), Other(PageState::kHole), none, /*mapping_changed=*/true),
            PageOutOutcome::kMappingChanged);
}

TEST(PageOutOutcomeTest, OfAFileOnDiskTheCacheIsWhatCounts) {
  const PageOutObstacles on_disk = With(&PageOutObstacles::is_disk_file);
  EXPECT_EQ(OutcomeAfter(Mapped(kOwnFile), Other(PageState::kHole), on_disk, false),
            PageOutOutcome::kPagedOut);
  // A private copy was freed.
  EXPECT_EQ(OutcomeAfter(Mapped(kFlagExclusive), Other(PageState::kHole), on_disk, false),
            PageOutOutcome::kHole);
}

TEST(PageOutOutcomeTest, TellsWhatStandsInTheWay) {
  EXPECT_EQ(Obstacle(Mapped(kOwnFile), {}), PageOutOutcome::kWouldPageOut);
  EXPECT_EQ(Obstacle(Mapped(0), {}), PageOutOutcome::kShared);
  const PageOutObstacles not_owned = With(&PageOutObstacles::file_not_owned);
  EXPECT_EQ(Obstacle(Mapped(kOwnFile), not_owned), PageOutOutcome::kFileNotOwned);
  EXPECT_EQ(Obstacle(Mapped(kFlagExclusive), not_owned), PageOutOutcome::kWouldPageOut);
  PageOutObstacles no_swap = With(&PageOutObstacles::no_swap_space);
  EXPECT_EQ(Obstacle(Mapped(kOwnFile), no_swap), PageOutOutcome::kNoSwapSpace);
  EXPECT_EQ(Obstacle(Other(PageState::kCached), no_swap), PageOutOutcome::kNoSwapSpace);
  no_swap.is_disk_file = true;
  EXPECT_EQ(Obstacle(Mapped(kOwnFile), no_swap), PageOutOutcome::kWouldPageOut);
  EXPECT_EQ(Obstacle(Mapped(kFlagExclusive), no_swap), PageOutOutcome::kNoSwapSpace);
}

TEST(PageOutOutcomeTest, OfAnothersObjectNothingIsDoneOrTold) {
  PageOutObstacles others = With(&PageOutObstacles::others_object);
  for (const bool has_more : {false, true}) {
    others.locked = others.no_swap_space = others.is_disk_file = has_more;
    for (const PageRecord page :
         {Mapped(kOwnFile), Mapped(kFlagFile), PageRecord(PageState::kHole, PageSource::kSeek),
          PageRecord(PageState::kCached, PageSource::kMincore),
          PageRecord(PageState::kSwapped, PageSource::kCachestat),
          PageRecord::Swapped(PageSource::kMarker, kFlagFile, {0, 815}),
          PageRecord(PageState::kSpecial, kSource, kFlagFile | kFlagMigration),
          PageRecord(PageState::kUnknown, PageSource::kNone), PageRecord()}) {
      EXPECT_EQ(OutcomeBefore(page, others), PageOutOutcome::kFileNotOwned);
      EXPECT_EQ(OutcomeAfter(Mapped(kFlagExclusive), page, others, false),
                PageOutOutcome::kFileNotOwned);
    }
  }
}

TEST(PageOutOutcomeTest, PrivateCopiesOfAnothersFileGoAsOthersDo) {
  const PageOutObstacles others = With(&PageOutObstacles::others_object);
  EXPECT_EQ(OutcomeBefore(Mapped(kFlagExclusive), others), PageOutOutcome::kCandidate);
  EXPECT_EQ(OutcomeBefore(Swapped(), others), PageOutOutcome::kAlreadySwapped);
  EXPECT_EQ(Obstacle(Mapped(kFlagExclusive), others), PageOutOutcome::kWouldPageOut);
  EXPECT_EQ(OutcomeAfter(Mapped(kFlagExclusive), Swapped(), others, false),
            PageOutOutcome::kPagedOut);
  EXPECT_EQ(OutcomeAfter(Mapped(kFlagExclusive), Mapped(kFlagExclusive), others, false),
            PageOutOutcome::kKept);
}

TEST(PageOutOutcomeTest, AchievedIsWhatLeftRam) {
  EXPECT_TRUE(IsAchieved(PageOutOutcome::kPagedOut));
  EXPECT_TRUE(IsAchieved(PageOutOutcome::kInSwapCache));
  EXPECT_TRUE(IsAchieved(PageOutOutcome::kHole));
  EXPECT_FALSE(IsAchieved(PageOutOutcome::kKept));
  EXPECT_FALSE(IsAchieved(PageOutOutcome::kUnknown));
  EXPECT_FALSE(IsAchieved(PageOutOutcome::kMappingChanged));
}

}  // namespace
}  // namespace pagemapd
