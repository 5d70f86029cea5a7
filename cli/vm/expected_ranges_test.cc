#include "cli/vm/expected_ranges.h"

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

v1::Mapping MappingOf(uint64_t start, uint64_t end, uint64_t inode, uint64_t offset_bytes) {
  v1::Mapping mapping;
  mapping.mutable_range()->set_start(start);
  mapping.mutable_range()->set_end(end);
  mapping.set_kind(inode == 0 ? v1::MAPPING_KIND_ANON : v1::MAPPING_KIND_SHMEM);
  if (inode == 0) return mapping;
  mapping.mutable_object()->set_inode(inode);
  mapping.set_offset_bytes(offset_bytes);
  return mapping;
}

TEST(ExpectedRanges, SayWhatIsMappedThere) {
  std::vector<v1::Mapping> mappings = {
      MappingOf(0x1000, 0x4000, 7, 0x10000), MappingOf(0x4000, 0x6000, 7, 0x13000),
      MappingOf(0x6000, 0x8000, 7, 0), MappingOf(0x9000, 0xa000, 0, 0),
      MappingOf(0xa000, 0xb000, 0, 0)};
  mappings[4].set_kind(v1::MAPPING_KIND_SPECIAL);
  const auto ranges = ExpectedRanges(mappings, {0x2000, 0xb000}, 4096);
  ASSERT_EQ(ranges.size(), 4u);
  // Two mappings of one object, each going on where the other ends, are one range.
  EXPECT_EQ(ranges[0].range().start(), 0x2000u);
  EXPECT_EQ(ranges[0].range().end(), 0x6000u);
  EXPECT_EQ(ranges[0].expected().object().inode(), 7u);
  EXPECT_EQ(ranges[0].expected().object_index(), 0x11u);
  EXPECT_EQ(ranges[1].range().start(), 0x6000u);
  EXPECT_EQ(ranges[1].expected().object_index(), 0u);
  // Private memory has no object; and what is not mapped is left out.
  EXPECT_EQ(ranges[2].range().start(), 0x9000u);
  EXPECT_TRUE(ranges[2].has_expected());
  EXPECT_FALSE(ranges[2].expected().has_object());
  EXPECT_FALSE(ranges[3].has_expected());
  EXPECT_TRUE(ExpectedRanges(mappings, {0x8000, 0x9000}, 4096).empty());
  const auto cut = ExpectedRanges(mappings, {0x4000, 0x5000}, 4096);
  ASSERT_EQ(cut.size(), 1u);
  EXPECT_EQ(cut[0].range().end(), 0x5000u);
  EXPECT_EQ(cut[0].expected().object_index(), 0x13u);
}

}  // namespace
}  // namespace pagemapd
