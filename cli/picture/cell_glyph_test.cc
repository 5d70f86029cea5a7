#include "cli/picture/cell_glyph.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

TEST(CellGlyphTest, PureAndMixedCells) {
  EXPECT_EQ(GlyphOf({5, 0, 0, 0, 0, 0}, true).text, "·");
  EXPECT_EQ(GlyphOf({0, 5, 0, 0, 0, 0}, true).text, "█");
  EXPECT_EQ(GlyphOf({1, 5, 0, 0, 0, 0}, true).text, "▓");
  EXPECT_EQ(GlyphOf({5, 1, 0, 0, 0, 0}, true).text, "░");
  EXPECT_EQ(GlyphOf({1, 1, 0, 5, 0, 0}, true).text, "▖");
  EXPECT_EQ(GlyphOf({0, 0, 0, 5, 0, 0}, false).text, "S");
  EXPECT_EQ(GlyphOf({0, 4, 0, 5, 0, 0}, false).text, "s");
  EXPECT_EQ(GlyphOf({}, true).text, " ");
}

TEST(CellGlyphTest, TheLessUsualStateShowsInATie) {
  EXPECT_EQ(GlyphOf({3, 3, 0, 0, 0, 0}, false).text, "m");
  EXPECT_EQ(GlyphOf({0, 3, 0, 3, 0, 0}, false).text, "s");
  EXPECT_EQ(GlyphOf({0, 0, 0, 3, 3, 3}, false).text, "x");
}

TEST(CellGlyphTest, EveryMeaningHasItsOwnGlyphAndEveryStateItsColour) {
  for (const bool utf8 : {false, true}) {
    std::set<std::string> texts;
    std::set<std::string> colors;
    for (size_t i = 0; i < kPageStates; ++i) {
      const auto state = static_cast<PageStateIndex>(i);
      texts.emplace(PureGlyph(state, utf8).text);
      texts.emplace(MostlyGlyph(state, utf8).text);
      colors.emplace(PureGlyph(state, utf8).color);
      if (!utf8) {
        EXPECT_EQ(PureGlyph(state, utf8).text.size(), 1u);
      }
    }
    EXPECT_EQ(texts.size(), 2 * kPageStates);
    EXPECT_EQ(colors.size(), kPageStates);
  }
}

}  // namespace
}  // namespace pagemapd
