#include "cli/process_mappings.h"

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

v1::Mapping MakeMapping(uint64_t start, uint64_t end, const std::string& path = "") {
  v1::Mapping mapping;
  mapping.mutable_range()->set_start(start);
  mapping.mutable_range()->set_end(end);
  mapping.set_path(path);
  return mapping;
}

TEST(MatchesGlobTest, MatchesNamesAndPatterns) {
  const v1::Mapping ram = MakeMapping(0, 1, "/memfd:ram (deleted)");
  EXPECT_TRUE(MatchesGlob("*", ram));
  EXPECT_TRUE(MatchesGlob("/memfd:*", ram));
  EXPECT_TRUE(MatchesGlob("/memfd:ram", ram));
  EXPECT_TRUE(MatchesGlob("/memfd:ram (deleted)", ram));
  EXPECT_TRUE(MatchesGlob("/memfd:r?m", ram));
  EXPECT_FALSE(MatchesGlob("memfd:ram", ram));
  EXPECT_FALSE(MatchesGlob("", ram));
}

TEST(MatchesGlobTest, BracketedNamesAreNames) {
  const v1::Mapping heap = MakeMapping(0, 1, "[heap]");
  const v1::Mapping anon = MakeMapping(0, 1);
  EXPECT_TRUE(MatchesGlob("[heap]", heap));
  EXPECT_TRUE(MatchesGlob("[anon]", anon));
  EXPECT_FALSE(MatchesGlob("[anon]", heap));
  EXPECT_TRUE(MatchesGlob("*", anon));
  EXPECT_TRUE(MatchesGlob("/dev/shm/[ab]", MakeMapping(0, 1, "/dev/shm/a")));
}

TEST(MatchesGlobTest, SlashesAreLikeOtherCharacters) {
  EXPECT_TRUE(MatchesGlob("*libc*", MakeMapping(0, 1, "/usr/lib/libc.so.6")));
}

TEST(MappingAtTest, FindsTheMapping) {
  const std::vector<v1::Mapping> mappings = {MakeMapping(0x1000, 0x3000),
                                             MakeMapping(0x5000, 0x6000)};
  EXPECT_EQ(MappingAt(mappings, 0xfff), nullptr);
  EXPECT_EQ(MappingAt(mappings, 0x1000), &mappings[0]);
  EXPECT_EQ(MappingAt(mappings, 0x2fff), &mappings[0]);
  EXPECT_EQ(MappingAt(mappings, 0x3000), nullptr);
  EXPECT_EQ(MappingAt(mappings, 0x5fff), &mappings[1]);
  EXPECT_EQ(MappingAt(mappings, 0x6000), nullptr);
}

TEST(PermissionsTextTest, IsAsInMaps) {
  v1::Mapping mapping;
  EXPECT_EQ(PermissionsText(mapping), "---p");
  mapping.set_readable(true);
  mapping.set_shared(true);
  EXPECT_EQ(PermissionsText(mapping), "r--s");
  mapping.set_writable(true);
  mapping.set_executable(true);
  EXPECT_EQ(PermissionsText(mapping), "rwxs");
}

TEST(SelectSpansTest, MakesOneListOfGlobsAndRanges) {
  const std::vector<v1::Mapping> mappings = {MakeMapping(0x1000, 0x3000, "/a"),
                                             MakeMapping(0x3000, 0x4000, "/a"),
                                             MakeMapping(0x5000, 0x9000, "/b")};
  std::vector<AddressSpan> selected;
  std::string unmatched;
  ASSERT_TRUE(SelectSpans(mappings, {}, {}, &selected, &unmatched));
  EXPECT_TRUE(selected.empty());
  ASSERT_TRUE(SelectSpans(mappings, {"/a"}, {{0x8000, 0xa000}}, &selected, &unmatched));
  EXPECT_EQ(selected, (std::vector<AddressSpan>{{0x1000, 0x4000}, {0x8000, 0xa000}}));
  ASSERT_TRUE(SelectSpans(mappings, {"*"}, {}, &selected, &unmatched));
  EXPECT_TRUE(selected.empty());
  ASSERT_FALSE(SelectSpans(mappings, {"/a", "/c*"}, {}, &selected, &unmatched));
  EXPECT_EQ(unmatched, "/c*");
}

TEST(ScanPositionTest, CountsMappedPagesBelowAnAddress) {
  const std::vector<v1::Mapping> mappings = {MakeMapping(0x1000, 0x3000),
                                             MakeMapping(0x5000, 0x9000)};
  const ScanPosition whole(mappings, {}, 0x1000);
  EXPECT_EQ(whole.total_pages(), 6u);
  EXPECT_EQ(whole.PagesBelow(0), 0u);
  EXPECT_EQ(whole.PagesBelow(0x2000), 1u);
  EXPECT_EQ(whole.PagesBelow(0x4000), 2u);
  EXPECT_EQ(whole.PagesBelow(0x6000), 3u);
  EXPECT_EQ(whole.PagesBelow(0xf000), 6u);

  const ScanPosition part(mappings, {{0x6000, 0x7000}, {0x2000, 0x6000}, {0x8000, 0x9000}}, 0x1000);
  EXPECT_EQ(part.total_pages(), 4u);
  EXPECT_EQ(part.PagesBelow(0x3000), 1u);
  EXPECT_EQ(part.PagesBelow(0x7000), 3u);
  EXPECT_EQ(part.PagesBelow(0x9000), 4u);
}

}  // namespace
}  // namespace pagemapd
