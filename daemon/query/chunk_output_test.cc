#include "daemon/query/chunk_output.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace pagemapd {
namespace {

const PageRecord kHole(PageState::kHole, PageSource::kSeek);
const PageRecord kCached(PageState::kCached, PageSource::kCachestat, kFlagFile);

ChunkOutput Write(const ScanSpec& spec, const std::vector<std::vector<PageRecord>>& blocks) {
  ChunkOutput output;
  ChunkOutputWriter writer(spec, &output);
  uint64_t address = 0;
  for (const auto& block : blocks) {
    writer.Append(address, block);
    address += block.size() << 12;
  }
  writer.Finish();
  return output;
}

ScanSpec Spec(Format format, uint8_t states = 0xff) {
  ScanSpec spec;
  spec.format = format;
  spec.states = states;
  return spec;
}

constexpr uint8_t Only(PageState state) { return 1 << static_cast<int>(state); }

TEST(ChunkOutputTest, PackedIsOneWordAPage) {
  ScanSpec spec = Spec(Format::kPacked, Only(PageState::kCached));
  spec.fields = PageRecord::kFlagMask;
  const ChunkOutput output = Write(spec, {{kHole, kCached}});
  ASSERT_EQ(output.bytes.size(), 16);
  uint64_t words[2];
  std::memcpy(words, output.bytes.data(), 16);
  EXPECT_EQ(words[0], 0) << "not in the filter";
  // State 3 in bits 0 to 2, flag 1 on bit 6, nothing that was not asked for.
  EXPECT_EQ(words[1], 3 | 1 << 6);
  EXPECT_EQ(output.counts.of(PageState::kHole), 1) << "counted all the same";
}

TEST(ChunkOutputTest, PackedOfOneRecordIsUniform) {
  const ChunkOutput output = Write(Spec(Format::kPacked), {std::vector<PageRecord>(64, kHole)});
  EXPECT_TRUE(output.bytes.empty());
  EXPECT_EQ(output.uniform, 1);
  const ChunkOutput one = Write(Spec(Format::kPacked), {{kCached}});
  EXPECT_EQ(one.uniform, 3);
}

TEST(ChunkOutputTest, PackedWithNothingWantedIsEmpty) {
  const ChunkOutput output =
      Write(Spec(Format::kPacked, Only(PageState::kSwapped)), {{kHole, kCached}});
  EXPECT_TRUE(output.bytes.empty());
  EXPECT_FALSE(output.uniform.has_value());
}

TEST(ChunkOutputTest, BitmapIsLeastSignificantBitFirst) {
  std::vector<PageRecord> block(64, kHole);
  block[0] = block[9] = kCached;
  const ChunkOutput output =
      Write(Spec(Format::kBitmap, Only(PageState::kCached)), {block, {kHole, kHole, kCached}});
  ASSERT_EQ(output.bytes.size(), 9);
  EXPECT_EQ(output.bytes[0], 1);
  EXPECT_EQ(output.bytes[1], 2);
  EXPECT_EQ(output.bytes[8], 4);
}

TEST(ChunkOutputTest, BitmapOfAllOrNoneIsShort) {
  const std::vector<PageRecord> block(64, kHole);
  EXPECT_EQ(Write(Spec(Format::kBitmap, Only(PageState::kHole)), {block}).uniform, 1);
  const ChunkOutput none = Write(Spec(Format::kBitmap, Only(PageState::kCached)), {block});
  EXPECT_TRUE(none.bytes.empty());
  EXPECT_FALSE(none.uniform.has_value());
}

TEST(ChunkOutputTest, KnownRunsAreNotWrittenOut) {
  for (Format format : {Format::kPacked, Format::kBitmap, Format::kExtents, Format::kCounts}) {
    const ScanSpec spec = Spec(format);
    ChunkOutput output;
    ChunkOutputWriter writer(spec, &output);
    writer.AppendAll(0, uint64_t{1} << 28, kHole);
    writer.Finish();
    EXPECT_TRUE(output.bytes.empty());
    EXPECT_EQ(output.counts.of(PageState::kHole), uint64_t{1} << 28);
    EXPECT_EQ(output.extents.size(), format == Format::kExtents ? 1 : 0);
    EXPECT_EQ(output.uniform.has_value(), format == Format::kPacked || format == Format::kBitmap);
  }
}

TEST(ChunkOutputTest, CountsTellSwapTypes) {
  const ChunkOutput output =
      Write(Spec(Format::kCounts), {{PageRecord::Swapped(PageSource::kPagemap, 0, {2, 7}),
                                     PageRecord(PageState::kSwapped, PageSource::kCachestat)}});
  EXPECT_EQ(output.swap_types[2], 1);
  EXPECT_EQ(output.swap_types[kSwapTypes], 1);
}

TEST(ChunkOutputTest, CountsTellNoSwapTypeWhereNoneIsToBeNamed) {
  ScanSpec spec = Spec(Format::kCounts);
  spec.names_swap_types = false;
  const PageRecord in_area = PageRecord::Swapped(PageSource::kPagemap, 0, {2, 7});
  const ChunkOutput output =
      Write(spec, {std::vector<PageRecord>(64, in_area),
                   {in_area, kHole, PageRecord(PageState::kSwapped, PageSource::kCachestat)}});
  EXPECT_EQ(output.counts.of(PageState::kSwapped), 66);
  SwapTypeCounts nameless{};
  nameless[kSwapTypes] = 66;
  EXPECT_EQ(output.swap_types, nameless);
}

}  // namespace
}  // namespace pagemapd
