#include "cli/vm/block_places.h"

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

constexpr uint64_t kHost = 0x7f0000000000;

// 16 pages, of which the guest sees 0 to 3 and 6 to 9, each in one place, and 10 to 15, in two.
RamBlock Block() {
  RamBlock block;
  block.name = "pc.ram";
  block.size_bytes = 0x10000;
  block.max_bytes = 0x20000;
  block.host_address = kHost;
  block.guest_ranges = {{0x0, 0x2000, 0x0, false},
                        {0x2000, 0x4000, 0x2000, true},
                        {0x6000, 0xa000, 0x6000, false},
                        {0x100000, 0x110000, 0xa000, false},
                        {0x200000, 0x20a000, 0x6000, false}};
  return block;
}

void ExpectPlace(const GuestPlace& place, const RamBlock* block, uint64_t offset,
                 std::optional<uint64_t> guest_address, uint64_t bytes) {
  EXPECT_EQ(place.block, block) << std::hex << offset;
  EXPECT_EQ(place.offset, offset);
  EXPECT_EQ(place.guest_address, guest_address) << std::hex << offset;
  EXPECT_EQ(place.bytes, bytes) << std::hex << offset;
}

TEST(BlockPlaces, TellsTheLowestPlaceAndHowFarItGoesOn) {
  const RamBlock block = Block();
  RamBlock other;
  other.name = "b";
  other.size_bytes = other.max_bytes = 0x1000;
  other.host_address = kHost + 0x10000;
  RamBlock nowhere = other;
  nowhere.host_address.reset();
  const BlockPlaces places({&other, &block, &nowhere});
  ExpectPlace(places.PlaceOf(kHost), &block, 0, 0, 0x4000);
  ExpectPlace(places.PlaceOf(kHost + 0x3000), &block, 0x3000, 0x3000, 0x1000);
  ExpectPlace(places.PlaceOf(kHost + 0x4000), &block, 0x4000, std::nullopt, 0x2000);
  ExpectPlace(places.PlaceOf(kHost + 0x6000), &block, 0x6000, 0x6000, 0x4000);
  // What is above the size in use is not there.
  ExpectPlace(places.PlaceOf(kHost + 0xb000), &block, 0xb000, 0x101000, 0x5000);
  ExpectPlace(places.PlaceOf(kHost + 0x10000), &other, 0, std::nullopt, 0x1000);
  ExpectPlace(places.PlaceOf(kHost + 0x11000), nullptr, 0, std::nullopt, 0);
  ExpectPlace(places.PlaceOf(kHost - 1), nullptr, 0, std::nullopt, 0);
}

TEST(BlockPlaces, FindsGuestPhysicalSpans) {
  const RamBlock block = Block();
  RamBlock nowhere = Block();
  nowhere.host_address.reset();
  const auto spans = HostSpansOf({0x1000, 0x101000}, {&nowhere, &block});
  ASSERT_TRUE(spans.ok()) << spans.status();
  const std::vector<AddressSpan> expected = {{kHost + 0x1000, kHost + 0x2000},
                                             {kHost + 0x2000, kHost + 0x4000},
                                             {kHost + 0x6000, kHost + 0xa000},
                                             {kHost + 0xa000, kHost + 0xb000}};
  EXPECT_EQ(*spans, expected);
  // Not above the size in use.
  const auto end = HostSpansOf({0x105000, 0x110000}, {&block});
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(*end, (std::vector<AddressSpan>{{kHost + 0xf000, kHost + 0x10000}}));
  EXPECT_EQ(
      HostSpansOf({0x4000, 0x6000}, {&block}).status(),
      absl::NotFoundError("none of the VM's RAM is at the guest-physical addresses 4000-6000"));
  EXPECT_TRUE(absl::IsNotFound(HostSpansOf({0, 0x1000}, {&nowhere}).status()));
}

TEST(BlockPlaces, FindsSpansOfABlock) {
  const RamBlock block = Block();
  EXPECT_EQ(*HostSpanOf({0x1000, 0x10000}, block), (AddressSpan{kHost + 0x1000, kHost + 0x10000}));
  EXPECT_EQ(HostSpanOf({0xf000, 0x11000}, block).status(),
            absl::OutOfRangeError("the range f000-11000 is not within pc.ram, which is 0-10000"));
  EXPECT_TRUE(absl::IsOutOfRange(HostSpanOf({0x1000, 0x1000}, block).status()));
}

}  // namespace
}  // namespace pagemapd
