#include "cli/output/byte_size.h"

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

TEST(ByteSizeTest, RoundsToAFewDigits) {
  EXPECT_EQ(ByteSize(0), "0");
  EXPECT_EQ(ByteSize(1023), "1023");
  EXPECT_EQ(ByteSize(4096), "4K");
  EXPECT_EQ(ByteSize(1536), "1.5K");
  EXPECT_EQ(ByteSize(135168), "132K");
  EXPECT_EQ(ByteSize(1024 * 1024 - 1), "1M");
  EXPECT_EQ(ByteSize(10 * 1024 * 1024 + 524288), "11M");
  EXPECT_EQ(ByteSize(uint64_t{1} << 40), "1T");
  EXPECT_EQ(ByteSize((uint64_t{1} << 40) / 10 * 99), "9.9T");
  EXPECT_EQ(ByteSize(~uint64_t{0}), "16E");
}

TEST(ByteSizeTest, StaysWithinFiveColumns) {
  for (int shift = 0; shift < 64; ++shift) {
    const uint64_t power = uint64_t{1} << shift;
    for (const uint64_t bytes : {power - 1, power, power + power / 3, power + power / 2}) {
      EXPECT_LE(ByteSize(bytes).size(), 5u) << bytes;
    }
  }
}

}  // namespace
}  // namespace pagemapd
