#include "cli/pageout/recorded_extent.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/page_line.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::HasSubstr;

constexpr uint64_t kPage = 4096;

constexpr char kLine[] =
    R"({"pid":123,"start_time_ticks":5523,"start":"0x7f1200000000","end":"0x7f1200003000",)"
    R"("pages":3,"state":"swapped","swap":{"type":0,"offset":4711,"area":"/dev/zram0"},)"
    R"("object":"00:01:2049","index":7,"flags":["file"],"source":"bpf"})";

// kLine with one thing changed.
std::string With(const std::string& from, const std::string& to) {
  const std::string changed = absl::StrReplaceAll(kLine, {{from, to}});
  EXPECT_NE(changed, kLine) << from;
  return changed;
}

std::string ErrorOf(absl::string_view line) {
  const absl::StatusOr<RecordedExtent> extent = ParseRecordedExtent(line, kPage);
  if (extent.ok()) return "none";
  EXPECT_EQ(extent.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_LT(extent.status().message().size(), 200u);
  return std::string(extent.status().message());
}

TEST(RecordedExtentTest, ReadsALine) {
  const absl::StatusOr<RecordedExtent> extent = ParseRecordedExtent(kLine, kPage);
  ASSERT_TRUE(extent.ok()) << extent.status();
  EXPECT_EQ(extent->process.pid(), 123);
  EXPECT_EQ(extent->process.start_time_ticks(), 5523u);
  EXPECT_EQ(extent->state, v1::PAGE_STATE_SWAPPED);
  EXPECT_EQ(extent->range.range().start(), 0x7f1200000000u);
  EXPECT_EQ(extent->range.range().end(), 0x7f1200003000u);
  EXPECT_EQ(extent->range.expected().object().device_major(), 0u);
  EXPECT_EQ(extent->range.expected().object().device_minor(), 1u);
  EXPECT_EQ(extent->range.expected().object().inode(), 2049u);
  EXPECT_EQ(extent->range.expected().object_index(), 7u);
}

TEST(RecordedExtentTest, ReadsWhatPagesWrites) {
  v1::ProcessRef process;
  process.set_pid(2147483647);
  process.set_start_time_ticks(UINT64_MAX);
  v1::PageChunk chunk;
  chunk.set_start(0x1000);
  chunk.set_pages(4);
  v1::PageExtent& extent = *chunk.add_extents();
  extent.set_start(0x3000);
  extent.set_pages(2);
  extent.set_swap_type(1);
  extent.set_swap_offset(UINT64_MAX);
  extent.set_flags(0x1fffe);
  extent.set_source(v1::PAGE_SOURCE_MARKER);
  const PageLineWriter writer(kPage, {{1, "/dev/\"quoted\\\xff\""}});
  for (const bool with_object : {false, true}) {
    if (with_object) {
      chunk.mutable_object()->set_device_major(0xfffff);
      chunk.mutable_object()->set_device_minor(0xabc);
      chunk.mutable_object()->set_inode(UINT64_MAX);
      chunk.set_object_index(5);
    }
    for (int state = v1::PageState_MIN + 1; state <= v1::PageState_MAX; ++state) {
      extent.set_state(static_cast<v1::PageState>(state));
      fmt::memory_buffer line;
      writer.AppendJson(process, chunk, extent, line);
      const auto read = ParseRecordedExtent({line.data(), line.size()}, kPage);
      ASSERT_TRUE(read.ok()) << fmt::to_string(line) << ": " << read.status();
      EXPECT_EQ(read->process.pid(), 2147483647);
      EXPECT_EQ(read->process.start_time_ticks(), UINT64_MAX);
      EXPECT_EQ(read->state, extent.state());
      EXPECT_EQ(read->range.range().start(), 0x3000u);
      EXPECT_EQ(read->range.range().end(), 0x5000u);
      ASSERT_TRUE(read->range.has_expected());
      const v1::PageOutRange::Expected& expected = read->range.expected();
      ASSERT_EQ(expected.has_object(), with_object);
      EXPECT_EQ(expected.object_index(), with_object ? 7u : 0u);
      if (!with_object) continue;
      EXPECT_EQ(expected.object().device_major(), 0xfffffu);
      EXPECT_EQ(expected.object().device_minor(), 0xabcu);
      EXPECT_EQ(expected.object().inode(), UINT64_MAX);
    }
  }
}

TEST(RecordedExtentTest, ReadsWhereInTheGuestItIs) {
  EXPECT_FALSE(ParseRecordedExtent(kLine, kPage)->guest_place.has_value());
  const auto extent = ParseRecordedExtent(
      With("\"pages\":3", R"("pages":3,"block":"pc.ram","offset":"0x8000000000000000")"), kPage);
  ASSERT_TRUE(extent.ok()) << extent.status();
  ASSERT_TRUE(extent->guest_place.has_value());
  EXPECT_EQ(extent->guest_place->block, "pc.ram");
  EXPECT_EQ(extent->guest_place->offset_bytes, 0x8000000000000000u);
  EXPECT_EQ(extent->range.range().start(), 0x7f1200000000u);
}

TEST(RecordedExtentTest, RefusesOffsetsIntoAnObject) {
  const std::string line = absl::StrReplaceAll(
      kLine, {{"\"start\"", "\"object_start\""}, {"\"end\"", "\"object_end\""}});
  const absl::Status status = ParseRecordedExtent(line, kPage).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("pages --object"));
}

TEST(RecordedExtentTest, PassesOverKeysItDoesNotKnow) {
  for (const char* more : {R"("new":1)", R"("new":{"pid":1,"start":[{"end":null}]})",
                           R"("new":[1,-2,3.5,true,null,"x",[],{}])", R"("new":-1e300)",
                           R"("new":1,"new":2)", R"("sw\u0061p2":{"type":"x"})"}) {
    EXPECT_EQ(ErrorOf(With("\"pages\":3", absl::StrCat("\"pages\":3,", more))), "none") << more;
  }
}

// The order of keys and the blanks between them are not part of JSON.
TEST(RecordedExtentTest, ReadsAnyJsonOfTheSameMeaning) {
  EXPECT_EQ(ErrorOf(R"( { "state" : "sw\u0061pped" , "pages" : 1 , "end" : "2000" ,)"
                    "\t"
                    R"("start" : "0X1000" , "start_time_ticks" : 1 , "pid" : 1 } )"
                    "\r"),
            "none");
}

TEST(RecordedExtentTest, EveryCutLineIsWrong) {
  const std::string line = kLine;
  for (size_t size = 0; size < line.size(); ++size) {
    EXPECT_THAT(ErrorOf(line.substr(0, size)), HasSubstr("is not JSON, or cut off, at byte"))
        << size;
  }
}

TEST(RecordedExtentTest, NamesWhatIsWrong) {
  const struct {
    std::string line;
    const char* named;
  } kCases[] = {
      {"", "is not JSON"},
      {"null", "is not an object"},
      {"7", "is not an object"},
      {"\"pid\"", "is not an object"},
      {"[]", "is not an object"},
      {"{}", "has no pid"},
      {std::string(kLine) + kLine, "is not JSON"},
      {std::string(kLine) + std::string("\0x", 2), "NUL"},
      {With("\"swapped\"", "\"swap\xff\""), "is not JSON"},
      {With("swapped", "swap\x01"), "is not JSON"},
      {With(",\"pages\":3", ""), "has no pages"},
      {With("\"pages\":3", "\"pages\":3,\"pages\":3"), "has pages twice"},
      {With("\"pages\":3", "\"pages\":3,\"p\\u0069d\":123"), "has pid twice"},
      {With("123", "0"), "pid 0 is not"},
      {With("123", "2147483648"), "pid 2147483648 is not"},
      {With("123", "-1"), "pid is -1, not a whole number"},
      {With("123", "12.5"), "pid is '12.5', not a whole number"},
      {With("123", "1e2"), "pid is '1e2', not"},
      {With("123", "1e999"), "is not JSON"},
      {With("123", "NaN"), "is not JSON"},
      {With("123", "0x7b"), "is not JSON"},
      {With("123", "0123"), "is not JSON"},
      {With("123", "\"123\""), "pid is a string"},
      {With("123", "null"), "pid is null"},
      {With("123", "true"), "pid is a boolean"},
      {With("123", "[123]"), "pid is a list"},
      {With("123", "{}"), "pid is an object"},
      {With("123", std::string(100, '9')), "9...', not a whole number"},
      {With("5523", "0"), "start_time_ticks is 0"},
      {With("5523", "18446744073709551616"), "'18446744073709551616', not a whole number"},
      {With("\"0x7f1200000000\"", "1"), "start is a number, not a string"},
      {With("0x7f1200000000", ""), "start '' is not an address"},
      {With("0x7f1200000000", "0x"), "start '0x' is not an address"},
      {With("0x7f1200000000", "-0x1000"), "start '-0x1000' is not an address"},
      {With("0x7f1200000000", " 0x1000"), "start ' 0x1000' is not an address"},
      {With("0x7f1200000000", "0x10000000000000000"), "start '0x10000000000000000' is not"},
      {With("0x7f1200000000", "0x7f1200000800"), "is not aligned"},
      {With("0x7f1200003000", "0x7f1200002fff"), "is not aligned"},
      {With("0x7f1200003000", "0x7f1200000000"), "is no range"},
      {With("0x7f1200003000", "0x1000"), "0x7f1200000000-0x1000 is no range"},
      {With("0x7f1200003000", "0x7f1200004000"), "is not of 3 pages"},
      {With("\"pages\":3", "\"pages\":0"), "is not of 0 pages"},
      {With("\"pages\":3", "\"pages\":4503599627370499"), "is not of 4503599627370499 pages"},
      {With("\"pages\":3", "\"pages\":-3"), "pages is -3"},
      {With("swapped", "Swapped"), "state 'Swapped' is not one"},
      {With("swapped", ""), "state '' is not one"},
      {With("\"swapped\"", "4"), "state is a number"},
      {With("00:01:2049", "00:01"), "object '00:01' is not"},
      {With("00:01:2049", "00:01:2049:1"), "is not MAJOR:MINOR:INODE"},
      {With("00:01:2049", "00:01:"), "is not MAJOR:MINOR:INODE"},
      {With("00:01:2049", "00:01:-1"), "is not MAJOR:MINOR:INODE"},
      {With("00:01:2049", "00:01:0x10"), "is not MAJOR:MINOR:INODE"},
      {With("00:01:2049", "00:-1:2049"), "is not MAJOR:MINOR:INODE"},
      {With("00:01:2049", "00:100000000:2049"), "is not MAJOR:MINOR:INODE"},
      {With("00:01:2049", "00:01:18446744073709551616"), "is not MAJOR:MINOR:INODE"},
      {With("00:01:2049", std::string(9000, ':')), ":...' is not MAJOR:MINOR:INODE"},
      {With(",\"index\":7", ""), "but no index"},
      {With("\"object\":\"00:01:2049\",", ""), "but no object"},
      {With("\"index\":7", "\"index\":18446744073709551613"), "index 18446744073709551613"},
      {With("\"index\":7", "\"index\":7.0"), "index is '7.0'"},
      {With("\"index\"", "\"block\":\"b\",\"index\""), "but no offset"},
      {With("\"index\"", "\"offset\":\"0\",\"index\""), "but no block"},
      {With("\"index\"", "\"block\":7,\"index\""), "block is a number, not a string"},
      {With("\"index\"", "\"offset\":0,\"index\""), "offset is a number, not a string"},
      {With("\"index\"", "\"block\":\"b\",\"offset\":\"-1\",\"index\""), "offset '-1' is not one"},
      {With("[\"file\"]", std::string(30000, '[')), "is nested too deeply"},
      {With("[\"file\"]", std::string(30000, '{')), "is not JSON"},
      {std::string(60000, '['), "is not an object"},
      {std::string(60000, '"'), "is not an object"},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(ErrorOf(c.line), HasSubstr(c.named)) << c.line.substr(0, 300);
  }
}

}  // namespace
}  // namespace pagemapd
