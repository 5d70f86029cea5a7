#include "cli/vm/migration_estimate.h"

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

v1::PageExtent Swapped(uint64_t pages, std::optional<uint32_t> type, bool copy) {
  v1::PageExtent extent;
  extent.set_pages(pages);
  extent.set_state(v1::PAGE_STATE_SWAPPED);
  if (type.has_value()) extent.set_swap_type(*type);
  if (copy) extent.set_flags(1u << v1::PAGE_FLAG_SWAP_CACHE);
  return extent;
}

v1::PageCounts Counts() {
  v1::PageCounts counts;
  counts.set_hole(1000);
  counts.set_mapped(100);
  counts.set_cached(10);
  counts.set_swapped(7);
  counts.set_unknown(3);
  return counts;
}

TEST(MigrationEstimate, SharedMemory) {
  MigrationEstimate estimate;
  estimate.Add(Swapped(2, 0, true), /*copies_told=*/true);
  estimate.Add(Swapped(1, 0, false), /*copies_told=*/true);
  estimate.Add(Swapped(4, std::nullopt, false), /*copies_told=*/true);
  v1::PageExtent hole;
  hole.set_state(v1::PAGE_STATE_HOLE);
  hole.set_pages(1000);
  estimate.Add(hole, /*copies_told=*/true);
  estimate.Conclude(Counts(), v1::MAPPING_KIND_SHMEM, /*leave_out=*/false);
  EXPECT_EQ(estimate.resident(), 110u);
  EXPECT_EQ(estimate.with_copy(), 2u);
  EXPECT_EQ(estimate.copy_not_told, 0u);
  EXPECT_EQ(estimate.to_read, 5u);
  EXPECT_EQ(estimate.to_send, 117u);
  EXPECT_EQ(estimate.to_grow, 1000u);
  ASSERT_EQ(estimate.swapped.size(), 2u);
  EXPECT_EQ(estimate.swapped[0].pages, 3u);
  EXPECT_EQ(estimate.swapped[0].with_copy, 2u);
  EXPECT_EQ(estimate.swapped[MigrationEstimate::kNoType].pages, 4u);

  MigrationEstimate total;
  total.Add(estimate);
  total.Add(estimate);
  EXPECT_EQ(total.counts.swapped(), 14u);
  EXPECT_EQ(total.swapped[0].with_copy, 4u);
  EXPECT_EQ(total.to_read, 10u);
  EXPECT_EQ(total.to_send, 234u);
  EXPECT_EQ(total.to_grow, 2000u);
}

TEST(MigrationEstimate, PrivateMemory) {
  MigrationEstimate estimate;
  estimate.Add(Swapped(7, 0, false), /*copies_told=*/false);
  estimate.Conclude(Counts(), v1::MAPPING_KIND_ANON, /*leave_out=*/false);
  EXPECT_EQ(estimate.copy_not_told, 7u);
  EXPECT_EQ(estimate.to_read, 7u);
  EXPECT_EQ(estimate.to_grow, 0u);
}

TEST(MigrationEstimate, WhatIsLeftOut) {
  MigrationEstimate estimate;
  estimate.Add(Swapped(7, 0, false), /*copies_told=*/true);
  estimate.Conclude(Counts(), v1::MAPPING_KIND_SHMEM, /*leave_out=*/true);
  EXPECT_EQ(estimate.left_out, 1120u);
  EXPECT_EQ(estimate.to_read + estimate.to_send + estimate.to_grow, 0u);
}

TEST(MigrationEstimate, KnowsAreas) {
  const auto home = [](const char* path, bool is_file) {
    v1::SwapArea area;
    area.set_path(path);
    area.set_is_file(is_file);
    return SwapHomeOf(area);
  };
  EXPECT_EQ(home("/dev/zram12", false), SwapHome::kZram);
  EXPECT_EQ(home("/dev/zram", false), SwapHome::kDevice);
  EXPECT_EQ(home("/dev/zram1p1", false), SwapHome::kDevice);
  EXPECT_EQ(home("/dev/sda2", false), SwapHome::kDevice);
  EXPECT_EQ(home("/dev/zram0", true), SwapHome::kFile);
}

}  // namespace
}  // namespace pagemapd
