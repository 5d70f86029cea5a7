#include "cli/vm/ram_block_text.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "cli/vm/monitor_captures.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::HasSubstr;

constexpr char kHeading[] = "  Block Name    PSize  Offset  Used  Total\r\n";
// Of QEMUs that tell it.
constexpr char kHeadingWithHost[] = "  Block Name    PSize  Offset  Used  Total  HVA  RO\n";

TEST(RamBlockText, ReadsWhatQemuPrints) {
  const auto blocks = ParseRamBlocks(kRamBlockText);
  ASSERT_TRUE(blocks.ok()) << blocks.status();
  ASSERT_EQ(blocks->size(), 9u);
  EXPECT_EQ((*blocks)[0].name, "0000:00:02.0/vm0");
  EXPECT_EQ((*blocks)[0].page_size_bytes, 4096u);
  EXPECT_EQ((*blocks)[0].size_bytes, 1u << 30);
  EXPECT_EQ((*blocks)[0].host_address, std::nullopt);
  EXPECT_EQ((*blocks)[4].name, "/rom@etc/acpi/tables");
  EXPECT_EQ((*blocks)[4].size_bytes, 0x20000u);
  EXPECT_EQ((*blocks)[4].max_bytes, 0x200000u);
}

TEST(RamBlockText, ReadsHostAddressesAndNamesWithSpaces) {
  const auto blocks = ParseRamBlocks(absl::StrCat(
      kHeadingWithHost,
      " 0000:00:05.0/0000:3b:00.0 BAR 0 mmaps[0]   64 KiB  0x0000000040000000 0x0000000000010000 "
      "0x0000000000010000 0x00007f1200000000  rw\n",
      "      pc.rom    2 MiB  0x0000000048000000 0x0000000000200000 0x0000000000200000 "
      "0x0000000000000000  ro\n"));
  ASSERT_TRUE(blocks.ok()) << blocks.status();
  ASSERT_EQ(blocks->size(), 2u);
  EXPECT_EQ((*blocks)[0].name, "0000:00:05.0/0000:3b:00.0 BAR 0 mmaps[0]");
  EXPECT_EQ((*blocks)[0].page_size_bytes, 65536u);
  EXPECT_EQ((*blocks)[0].host_address, 0x7f1200000000u);
  EXPECT_EQ((*blocks)[1].page_size_bytes, 2u << 20);
  // Not mapped.
  EXPECT_EQ((*blocks)[1].host_address, std::nullopt);
}

TEST(RamBlockText, NamesTheLineThatItCannotRead) {
  for (const char* line : {
           "pc.ram",
           "4 KiB 0x0 0x1000 0x1000",
           "pc.ram 4 KiB 0x0 0x1000",
           "pc.ram 4 KiB 0x0 0x2000 0x1000",
           "pc.ram 4 KiB 0 0x1000 0x1000",
           "pc.ram 4 KiB 0x0 0x1000 0x10000000000000000",
           "pc.ram 4 kB 0x0 0x1000 0x1000",
           "pc.ram 0 KiB 0x0 0x1000 0x1000",
           "pc.ram -4 KiB 0x0 0x1000 0x1000",
           "pc.ram 99999999999999999 TiB 0x0 0x1000 0x1000",
           "pc.ram 4 KiB 0x0 0x1000 0x1000 0x7f0000000000 rw",
           "pc.ram 4 KiB 0x0 0x1000 0x1000\n   pc.ram 4 KiB 0x0 0x1000 0x1000",
           "\x01\xff",
       }) {
    const auto blocks = ParseRamBlocks(absl::StrCat(kHeading, line, "\n"));
    EXPECT_TRUE(absl::IsDataLoss(blocks.status())) << line;
  }
  EXPECT_THAT(std::string(ParseRamBlocks(absl::StrCat(kHeading, "a\tb\n")).status().message()),
              HasSubstr("\"a\\tb\""));
  const auto named = [](size_t bytes) {
    return ParseRamBlocks(
        absl::StrCat(kHeading, std::string(bytes, 'x'), " 4 KiB 0x0 0x1000 0x1000\n"));
  };
  EXPECT_TRUE(named(255).ok());
  EXPECT_TRUE(absl::IsDataLoss(named(256).status()));
  for (const char* line : {"pc.ram 4 KiB 0x0 0x1000 0x1000 0x7f0000000000",
                           "pc.ram 4 KiB 0x0 0x1000 0x1000 0x7f0000000000 wr",
                           "pc.ram 4 KiB 0x0 0x1000 0x1000 0xfffffffffffff000 rw"}) {
    EXPECT_TRUE(
        absl::IsDataLoss(ParseRamBlocks(absl::StrCat(kHeadingWithHost, line, "\n")).status()))
        << line;
  }
}

TEST(RamBlockText, WantsItsHeading) {
  for (const char* text :
       {"", "\r\n", "unknown command: 'info ramblock'\r\n", "Block Name PSize Offset Used\n",
        "Block Name PSize Offset Used Total HVA\n", "pc.ram 4 KiB 0x0 0x1000 0x1000\n"}) {
    EXPECT_TRUE(absl::IsDataLoss(ParseRamBlocks(text).status())) << text;
  }
}

TEST(RamBlockText, BoundsTheBlocks) {
  std::string text = kHeading;
  for (size_t i = 0; i < kMaxRamBlocks; ++i) {
    absl::StrAppend(&text, "block", i, " 4 KiB 0x0 0x1000 0x1000\n");
  }
  EXPECT_TRUE(ParseRamBlocks(text).ok());
  absl::StrAppend(&text, "one more 4 KiB 0x0 0x1000 0x1000\n");
  EXPECT_TRUE(absl::IsResourceExhausted(ParseRamBlocks(text).status()));
}

}  // namespace
}  // namespace pagemapd
