#include "cli/vm/guest_page_annotator.h"

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

constexpr uint64_t kHost = 0x7f0000000000;

TEST(GuestPageAnnotator, SaysWhatAnAddressIsToTheGuest) {
  RamBlock block;
  block.name = "a \"b\",\x1b";
  block.size_bytes = block.max_bytes = 0x3000;
  block.host_address = kHost;
  block.guest_ranges = {{0x100000000, 0x100002000, 0, false}};
  const GuestPageAnnotator annotator({&block}, /*utf8=*/true);
  EXPECT_EQ(annotator.UniformBytes(kHost), 0x2000u);
  EXPECT_EQ(annotator.UniformBytes(kHost + 0x1000), 0x1000u);
  EXPECT_EQ(annotator.UniformBytes(kHost + 0x3000), 1u);
  EXPECT_EQ(annotator.TableHeading(), "BLOCK       OFFSET        GPA");
  EXPECT_EQ(annotator.TableText(kHost + 0x1000), "a \"b\",\\x1b  1000          100001000");
  EXPECT_EQ(annotator.TableText(kHost + 0x2000), "a \"b\",\\x1b  2000          -");
  EXPECT_EQ(annotator.TableText(kHost + 0x3000), "-");
  fmt::memory_buffer json, csv;
  annotator.AppendJson(kHost + 0x1000, json);
  annotator.AppendJson(kHost + 0x2000, json);
  annotator.AppendJson(kHost + 0x3000, json);
  EXPECT_EQ(fmt::to_string(json),
            ",\"block\":\"a \\\"b\\\",\\u001b\",\"offset\":\"0x1000\",\"gpa\":\"0x100001000\""
            ",\"block\":\"a \\\"b\\\",\\u001b\",\"offset\":\"0x2000\"");
  annotator.AppendCsv(kHost + 0x1000, csv);
  annotator.AppendCsv(kHost + 0x2000, csv);
  annotator.AppendCsv(kHost + 0x3000, csv);
  EXPECT_EQ(fmt::to_string(csv),
            ",\"a \"\"b\"\",\x1b\",0x1000,0x100001000,\"a \"\"b\"\",\x1b\",0x2000,,,,");
  EXPECT_EQ(annotator.CsvHeading(), ",block,offset,gpa");
}

}  // namespace
}  // namespace pagemapd
