#include "cli/pageout/page_out_range.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::ElementsAre;

constexpr uint64_t kPage = 4096;

v1::PageOutRange Range(uint64_t start, uint64_t end) {
  v1::PageOutRange range;
  range.mutable_range()->set_start(start);
  range.mutable_range()->set_end(end);
  return range;
}

v1::PageOutRange Private(uint64_t start, uint64_t end) {
  v1::PageOutRange range = Range(start, end);
  range.mutable_expected();
  return range;
}

v1::PageOutRange Shared(uint64_t start, uint64_t end, uint64_t inode, uint64_t index) {
  v1::PageOutRange range = Range(start, end);
  range.mutable_expected()->mutable_object()->set_device_minor(1);
  range.mutable_expected()->mutable_object()->set_inode(inode);
  range.mutable_expected()->set_object_index(index);
  return range;
}

bool Joins(const v1::PageOutRange& first, const v1::PageOutRange& next) {
  v1::PageOutRange range = first;
  const bool joins = ExtendRange(next, kPage, &range);
  EXPECT_EQ(range.range().start(), first.range().start());
  EXPECT_EQ(range.range().end(), joins ? next.range().end() : first.range().end());
  EXPECT_EQ(range.expected().SerializeAsString(), first.expected().SerializeAsString());
  return joins;
}

TEST(PageOutRangeTest, JoinsWhatGoesOn) {
  EXPECT_TRUE(Joins(Range(0x1000, 0x2000), Range(0x2000, 0x5000)));
  EXPECT_TRUE(Joins(Private(0x1000, 0x2000), Private(0x2000, 0x5000)));
  EXPECT_TRUE(Joins(Shared(0x1000, 0x3000, 7, 4), Shared(0x3000, 0x5000, 7, 6)));

  EXPECT_FALSE(Joins(Range(0x1000, 0x2000), Range(0x3000, 0x5000)));
  EXPECT_FALSE(Joins(Range(0x2000, 0x5000), Range(0x1000, 0x2000)));
  EXPECT_FALSE(Joins(Range(0x1000, 0x3000), Range(0x2000, 0x5000)));
  EXPECT_FALSE(Joins(Range(0x1000, 0x2000), Range(0x1000, 0x2000)));
  EXPECT_FALSE(Joins(Range(0x1000, 0x2000), Private(0x2000, 0x5000)));
  EXPECT_FALSE(Joins(Private(0x1000, 0x2000), Shared(0x2000, 0x5000, 0, 0)));
  EXPECT_FALSE(Joins(Shared(0x1000, 0x3000, 7, 4), Shared(0x3000, 0x5000, 8, 6)));
  EXPECT_FALSE(Joins(Shared(0x1000, 0x3000, 7, 4), Shared(0x3000, 0x5000, 7, 5)));
  v1::PageOutRange other_device = Shared(0x3000, 0x5000, 7, 6);
  other_device.mutable_expected()->mutable_object()->set_device_major(1);
  EXPECT_FALSE(Joins(Shared(0x1000, 0x3000, 7, 4), other_device));
}

class SelectRangesTest : public testing::Test {
 protected:
  SelectRangesTest() {
    Add(0x1000, 0x3000, v1::MAPPING_KIND_ANON, "[heap]");
    Add(0x3000, 0x4000, v1::MAPPING_KIND_ANON, "");
    v1::Mapping& ram = Add(0x8000, 0xa000, v1::MAPPING_KIND_SHMEM, "/memfd:ram (deleted)");
    ram.mutable_object()->set_inode(7);
    ram.set_offset_bytes(0x5000);
    Add(0xb000, 0xc000, v1::MAPPING_KIND_SPECIAL, "[vdso]");
    Add(0xffffffffff600000, 0xffffffffff601000, v1::MAPPING_KIND_SPECIAL, "[vsyscall]");
  }

  v1::Mapping& Add(uint64_t start, uint64_t end, v1::MappingKind kind, const char* path) {
    v1::Mapping& mapping = mappings_.emplace_back();
    mapping.mutable_range()->set_start(start);
    mapping.mutable_range()->set_end(end);
    mapping.set_kind(kind);
    mapping.set_path(path);
    return mapping;
  }

  // START-END, and what is expected there.
  std::vector<std::string> Select(const std::vector<std::string>& globs,
                                  const std::vector<AddressSpan>& spans) {
    std::vector<v1::PageOutRange> ranges;
    std::string unmatched;
    if (!SelectRanges(mappings_, globs, spans, kPage, &ranges, &unmatched)) {
      return {"no " + unmatched};
    }
    std::vector<std::string> texts;
    for (const v1::PageOutRange& range : ranges) {
      std::string text = ToString(AddressSpan{range.range().start(), range.range().end()});
      if (range.has_expected()) text += range.expected().has_object() ? " object" : " private";
      texts.push_back(text);
    }
    return texts;
  }

  std::vector<v1::Mapping> mappings_;
};

TEST_F(SelectRangesTest, ExpectsOfAMappingWhatItIs) {
  EXPECT_THAT(Select({"/memfd:*"}, {}), ElementsAre("8000-a000 object"));
  EXPECT_THAT(Select({"[heap]"}, {}), ElementsAre("1000-3000 private"));
  EXPECT_THAT(Select({"[vdso]"}, {}), ElementsAre("b000-c000"));
  EXPECT_THAT(Select({"[anon]", "[heap]", "[a*"}, {}), ElementsAre("1000-4000 private"));
  std::vector<v1::PageOutRange> ranges;
  std::string unmatched;
  ASSERT_TRUE(SelectRanges(mappings_, {"/memfd:ram"}, {}, kPage, &ranges, &unmatched));
  EXPECT_EQ(ranges[0].expected().object().inode(), 7u);
  EXPECT_EQ(ranges[0].expected().object_index(), 5u);
}

TEST_F(SelectRangesTest, AllOfAProcessIsItsMappings) {
  EXPECT_THAT(Select({"*"}, {}), ElementsAre("1000-4000 private", "8000-a000 object", "b000-c000"));
}

TEST_F(SelectRangesTest, TakesSpansAsTheyAre) {
  EXPECT_THAT(Select({}, {{0x5000, 0x6000}, {0x2000, 0x3000}, {0x5800, 0x7000}}),
              ElementsAre("2000-3000", "5000-7000"));
  EXPECT_THAT(Select({"/memfd:*"}, {{0x9000, 0x10000}, {0x2000, 0x3000}}),
              ElementsAre("2000-3000", "8000-a000 object", "9000-10000"));
  EXPECT_THAT(Select({}, {{0x6000, 0x5000}, {0x1000, 0x2000}}),
              ElementsAre("1000-2000", "6000-5000"));
  EXPECT_THAT(Select({}, {{0xffffffffff600000, 0xffffffffff601000}}),
              ElementsAre("ffffffffff600000-ffffffffff601000"));
}

TEST_F(SelectRangesTest, NamesTheGlobThatMatchesNothing) {
  EXPECT_THAT(Select({"*", "/gone"}, {}), ElementsAre("no /gone"));
}

TEST(PageOutRangeTest, CountsPages) {
  EXPECT_EQ(PagesOf({}, kPage), 0u);
  EXPECT_EQ(PagesOf({Range(0x1000, 0x3000), Private(0x2000, 0x3000), Range(9, 4)}, kPage), 3u);
}

}  // namespace
}  // namespace pagemapd
