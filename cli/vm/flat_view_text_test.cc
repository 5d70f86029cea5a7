#include "cli/vm/flat_view_text.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "cli/vm/monitor_captures.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

constexpr char kBefore[] =
    "FlatView #0\n AS \"memory\", root: system\n Root memory region: system\n";

void ExpectRange(const FlatRange& flat, const char* region, uint64_t start, uint64_t end,
                 uint64_t offset, bool read_only) {
  EXPECT_EQ(flat.region, region);
  EXPECT_EQ(flat.range, (GuestRange{start, end, offset, read_only}))
      << region << " at " << flat.range.start;
}

TEST(FlatViewText, ReadsWhatQemuPrints) {
  const auto ranges = ParseFlatView(kFlatViewText);
  ASSERT_TRUE(ranges.ok()) << ranges.status();
  ASSERT_EQ(ranges->size(), 8u);
  ExpectRange((*ranges)[0], "a", 0, 0xc0000, 0, false);
  ExpectRange((*ranges)[1], "pc.rom", 0xc0000, 0xe0000, 0, true);
  ExpectRange((*ranges)[2], "pc.bios", 0xe0000, 0x100000, 0x20000, true);
  ExpectRange((*ranges)[3], "a", 0x100000, 0x8000000, 0x100000, false);
  ExpectRange((*ranges)[4], "b", 0x8000000, 0x10000000, 0, false);
  ExpectRange((*ranges)[5], "pc.bios", 0xfffc0000, 0x100000000, 0, true);
  ExpectRange((*ranges)[6], "mem1", 0x100000000, 0x108000000, 0, false);
  ExpectRange((*ranges)[7], "vm0", 0x108000000, 0x148000000, 0, false);
}

TEST(FlatViewText, KnowsMemoryByItsKind) {
  const auto ranges = ParseFlatView(absl::StrCat(
      kBefore, "  0000000000000000-0000000000000fff (prio -1, nv-ram): nvdimm @0000000000001000\n",
      "  0000000000001000-0000000000001fff (prio 0, ramd): 0000:3b:00.0 BAR 0 mmaps[0]\n",
      "  0000000000002000-0000000000002fff (prio 0, i/o): x @0000000000000010\n",
      "  0000000000003000-0000000000003fff (prio 0, romd): flash\n\nFlatView #1\nrubbish\n"));
  ASSERT_TRUE(ranges.ok()) << ranges.status();
  ASSERT_EQ(ranges->size(), 3u);
  ExpectRange((*ranges)[0], "nvdimm", 0, 0x1000, 0x1000, false);
  ExpectRange((*ranges)[1], "0000:3b:00.0 BAR 0 mmaps[0]", 0x1000, 0x2000, 0, false);
  ExpectRange((*ranges)[2], "flash", 0x3000, 0x4000, 0, true);
}

TEST(FlatViewText, NamesTheLineThatItCannotRead) {
  for (const char* line : {
           "  rubbish",
           "  0-1000",
           "  2000-1000 (prio 0, ram): a",
           "  0-ffffffffffffffff (prio 0, ram): a",
           "  0-10000000000000fff (prio 0, ram): a",
           "  0-fff (prio 0, ram)",
           "  0-fff (prio 0 ram): a",
           "  0-fff (prio 0, ram): ",
           "  0-fff (prio 0, ram): a @ffffffffffffffff",
           "  0-fff (prio 0, ram): a\n  800-17ff (prio 0, ram): b",
       }) {
    EXPECT_TRUE(absl::IsDataLoss(ParseFlatView(absl::StrCat(kBefore, line, "\n")).status()))
        << line;
  }
}

TEST(FlatViewText, WantsTheGuestsMemory) {
  for (const char* text : {"", "unknown command: 'info mtree -f'\r\n",
                           "FlatView #0\n AS \"I/O\", root: io\n  0-fff (prio 0, ram): a\n"}) {
    EXPECT_TRUE(absl::IsDataLoss(ParseFlatView(text).status())) << text;
  }
}

TEST(FlatViewText, BoundsTheRanges) {
  std::string text = kBefore;
  const auto add = [&](uint64_t i) {
    absl::StrAppend(&text, "  ", absl::Hex(i << 12), "-", absl::Hex((i << 12) + 0xfff),
                    " (prio 0, ram): a\n");
  };
  for (size_t i = 0; i < kMaxFlatRanges; ++i) add(i);
  EXPECT_TRUE(ParseFlatView(text).ok());
  add(kMaxFlatRanges);
  EXPECT_TRUE(absl::IsResourceExhausted(ParseFlatView(text).status()));
}

}  // namespace
}  // namespace pagemapd
