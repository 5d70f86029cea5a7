#include "cli/address_span.h"

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

TEST(ParseAddressTest, ReadsHexWithOrWithoutAPrefix) {
  uint64_t address = 0;
  ASSERT_TRUE(ParseAddress("7f1200001234", &address));
  EXPECT_EQ(address, 0x7f1200001234u);
  ASSERT_TRUE(ParseAddress("0X7F00", &address));
  EXPECT_EQ(address, 0x7f00u);
  ASSERT_TRUE(ParseAddress("0", &address));
  EXPECT_EQ(address, 0u);
  for (const char* text : {"", "0x", "-1", "+1", " 1", "1 ", "1g", "1-2", "10000000000000000"}) {
    EXPECT_FALSE(ParseAddress(text, &address)) << text;
  }
}

TEST(AddressSpanTest, ReadsHexWithAndWithoutPrefix) {
  AddressSpan span;
  ASSERT_TRUE(ParseAddressSpan("7f1200000000-7f1200003000", &span));
  EXPECT_EQ(span, (AddressSpan{0x7f1200000000, 0x7f1200003000}));
  ASSERT_TRUE(ParseAddressSpan("0x1000-0XFFFF", &span));
  EXPECT_EQ(span, (AddressSpan{0x1000, 0xffff}));
  ASSERT_TRUE(ParseAddressSpan("0-ffffffffffffffff", &span));
  EXPECT_EQ(span, (AddressSpan{0, ~uint64_t{0}}));
}

TEST(AddressSpanTest, LeavesTheSenseOfARangeToTheDaemon) {
  AddressSpan span;
  EXPECT_TRUE(ParseAddressSpan("2000-1000", &span));
  EXPECT_TRUE(ParseAddressSpan("1000-1000", &span));
  EXPECT_TRUE(ParseAddressSpan("1001-1003", &span));
}

TEST(AddressSpanTest, RefusesWhatIsNoRange) {
  AddressSpan span;
  for (const char* text :
       {"", "-", "1000", "1000-", "-1000", "1000-xyz", "1000-2000-3000", "0x-1", "1000 -2000",
        "+1-2", "--1", "1000-10000000000000000", "0x0x1-2", "1_0-20", "7f12..7f13"}) {
    EXPECT_FALSE(ParseAddressSpan(text, &span)) << text;
  }
}

TEST(UnionTest, MergesWhatOverlapsOrTouches) {
  EXPECT_EQ(Union({{5, 7}, {1, 3}, {2, 4}, {7, 9}}), (std::vector<AddressSpan>{{1, 4}, {5, 9}}));
  EXPECT_EQ(Union({{1, 9}, {2, 3}}), (std::vector<AddressSpan>{{1, 9}}));
  EXPECT_TRUE(Union({}).empty());
}

TEST(UnionTest, KeepsWhatTheDaemonWillRefuse) {
  const std::vector<AddressSpan> spans = {{5, 7}, {3, 3}, {5, 6}};
  EXPECT_EQ(Union(spans), spans);
}

TEST(AddressSpanTest, PrintsAsInMaps) {
  EXPECT_EQ(ToString(AddressSpan{0x7f1200000000, 0x7f1200003000}), "7f1200000000-7f1200003000");
}

}  // namespace
}  // namespace pagemapd
