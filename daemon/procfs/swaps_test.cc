#include "daemon/procfs/swaps.h"

#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "daemon/page/page_size.h"
#include "daemon/procfs/scratch_root.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

constexpr char kHeading[] = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";

TEST(ParseSwapsLineTest, TakesEveryField) {
  const auto area =
      ParseSwapsLine("/dev/zram0                              partition\t1048572\t\t2048\t\t-2");
  ASSERT_TRUE(area.ok()) << area.status();
  EXPECT_EQ(area->path, "/dev/zram0");
  EXPECT_FALSE(area->is_file);
  EXPECT_EQ(area->size_bytes, uint64_t{1048572} << 10);
  EXPECT_EQ(area->used_bytes, uint64_t{2048} << 10);
  EXPECT_EQ(area->priority, -2);
}

TEST(ParseSwapsLineTest, TakesFilesAndEscapedNames) {
  const auto area =
      ParseSwapsLine("/a\\040b\\011c\\012d\\134e\\040(deleted) file\t\t16777212\t0\t\t5");
  ASSERT_TRUE(area.ok()) << area.status();
  EXPECT_EQ(area->path, "/a b\tc\nd\\e (deleted)");
  EXPECT_TRUE(area->is_file);
  EXPECT_EQ(area->size_bytes, uint64_t{16777212} << 10);
  EXPECT_EQ(area->priority, 5);
}

TEST(ParseSwapsLineTest, TakesTheLargestNumbers) {
  const auto area =
      ParseSwapsLine("/x partition\t18014398509481983\t18014398509481983\t2147483647");
  ASSERT_TRUE(area.ok()) << area.status();
  EXPECT_EQ(area->size_bytes, std::numeric_limits<uint64_t>::max() - 1023);
  EXPECT_EQ(area->priority, 2147483647);
}

TEST(ParseSwapsLineTest, RefusesOtherText) {
  const std::string lines[] = {
      "",
      " ",
      "/x",
      "/x partition",
      "/x partition\t1",
      "/x partition\t1\t1",
      "/x partition\t1\t1\t",
      "/x partition\t1\t1\t1\t",
      "/x partition\t1\t1\t1 1",
      "/x\tdisk\t1\t1\t1",
      "/x partition 1 1 x",
      "/a b partition\t1\t1\t1",
      " partition\t1\t1\t1",
      "/x partition\t-1\t1\t1",
      "/x partition\t+1\t1\t1",
      "/x partition\t1.5\t1\t1",
      "/x partition\t0x10\t1\t1",
      // Overflow as a number, and in bytes.
      "/x partition\t18446744073709551616\t1\t1",
      "/x partition\t18014398509481984\t1\t1",
      "/x partition\t1\t18014398509481984\t1",
      "/x partition\t1\t1\t2147483648",
      "/x partition\t1\t1\t--1",
      std::string("/x\0y partition\t1\t1\t1", 21),
      "/x\\000y partition\t1\t1\t1",
      "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority",
  };
  for (const std::string& line : lines) {
    EXPECT_EQ(ParseSwapsLine(line).status().code(), absl::StatusCode::kDataLoss) << line;
  }
}

TEST(ReadSwapsTest, KeepsTheOrder) {
  const ScratchRoot scratch;
  scratch.Write("swaps", absl::StrCat(kHeading, "/dev/b partition\t8\t0\t-2\n",
                                      "/dev/a partition\t16\t4\t100\n"));
  const auto areas = ReadSwaps(scratch.root());
  ASSERT_TRUE(areas.ok()) << areas.status();
  ASSERT_EQ(areas->size(), 2u);
  EXPECT_EQ((*areas)[0].path, "/dev/b");
  EXPECT_EQ((*areas)[1].path, "/dev/a");
}

TEST(ReadSwapsTest, NoAreaIsNoError) {
  const ScratchRoot scratch;
  scratch.Write("swaps", kHeading);
  EXPECT_EQ(ReadSwaps(scratch.root()).value().size(), 0u);
}

TEST(ReadSwapsTest, RefusesMoreAreasThanAKernelHas) {
  const ScratchRoot scratch;
  std::string text = kHeading;
  for (int i = 0; i < 32; ++i) absl::StrAppend(&text, "/dev/", i, " partition\t8\t0\t-2\n");
  scratch.Write("swaps", text);
  EXPECT_EQ(ReadSwaps(scratch.root()).value().size(), 32u);
  scratch.Write("swaps", text + "/dev/x partition\t8\t0\t-2\n");
  EXPECT_EQ(ReadSwaps(scratch.root()).status().code(), absl::StatusCode::kDataLoss);
}

TEST(ReadSwapsTest, RefusesMissingAndMalformedText) {
  const ScratchRoot scratch;
  EXPECT_EQ(ReadSwaps(scratch.root()).status().code(), absl::StatusCode::kNotFound);
  for (const std::string& text :
       {std::string(), std::string("/dev/a partition\t8\t0\t-2\n"), absl::StrCat(kHeading, "\n"),
        absl::StrCat(kHeading, "/dev/a partition\n")}) {
    scratch.Write("swaps", text);
    EXPECT_EQ(ReadSwaps(scratch.root()).status().code(), absl::StatusCode::kDataLoss) << text;
  }
}

TEST(AreaOfSwapTypeTest, AnswersOnlyWhereItIsCertain) {
  EXPECT_EQ(AreaOfSwapType(0, 0), std::nullopt);
  EXPECT_EQ(AreaOfSwapType(0, 1), 0u);
  // One area is left, whatever was below it.
  EXPECT_EQ(AreaOfSwapType(5, 1), 0u);
  // Type 0 can only be the first line.
  EXPECT_EQ(AreaOfSwapType(0, 3), 0u);
  // Lines 0 and 1 may be types 0 and 1, or 1 and 2.
  EXPECT_EQ(AreaOfSwapType(1, 2), std::nullopt);
  EXPECT_EQ(AreaOfSwapType(7, 2), std::nullopt);
}

std::string HeaderPage() {
  std::string page(kPageSizeBytes, '\0');
  page.replace(kPageSizeBytes - 10, 10, "SWAPSPACE2");
  return page;
}

TEST(ParseSwapHeaderTest, TakesUuidAndLabel) {
  std::string page = HeaderPage();
  for (int i = 0; i < 16; ++i) page[1036 + i] = static_cast<char>(0x11 * (15 - i));
  page.replace(1052, 4, "cold");
  const auto header = ParseSwapHeader(page);
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->uuid, "ffeeddcc-bbaa-9988-7766-554433221100");
  EXPECT_EQ(header->label, "cold");
}

TEST(ParseSwapHeaderTest, LeavesOutWhatIsNotSet) {
  const auto header = ParseSwapHeader(HeaderPage());
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->uuid, "");
  EXPECT_EQ(header->label, "");
}

TEST(ParseSwapHeaderTest, EndsALabelThatFillsItsField) {
  std::string page = HeaderPage();
  page.replace(1052, 20, "0123456789abcdefXXXX");
  EXPECT_EQ(ParseSwapHeader(page)->label, "0123456789abcdef");
}

TEST(ParseSwapHeaderTest, RefusesOtherPages) {
  EXPECT_FALSE(ParseSwapHeader("").has_value());
  EXPECT_FALSE(ParseSwapHeader(std::string(kPageSizeBytes, '\0')).has_value());
  EXPECT_FALSE(ParseSwapHeader(HeaderPage().substr(1)).has_value());
  std::string old = HeaderPage();
  old.replace(kPageSizeBytes - 10, 10, "SWAP-SPACE");
  EXPECT_FALSE(ParseSwapHeader(old).has_value());
  // What comes behind the first page does not matter.
  EXPECT_TRUE(ParseSwapHeader(HeaderPage() + "more").has_value());
}

}  // namespace
}  // namespace pagemapd
