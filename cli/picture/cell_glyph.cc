#include "cli/picture/cell_glyph.h"

namespace pagemapd {
namespace {

struct StateGlyphs {
  absl::string_view pure;
  absl::string_view mostly;
  absl::string_view ascii_pure;
  absl::string_view ascii_mostly;
  absl::string_view color;
};

// Full block: mapped. Upper half: in RAM, but not in this page table. Lower half: sunk to swap.
constexpr StateGlyphs kGlyphs[kPageStates] = {
    {"·", "░", ".", ":", "90"}, {"█", "▓", "M", "m", "32"}, {"▀", "▘", "C", "c", "36"},
    {"▄", "▖", "S", "s", "33"}, {"!", "¡", "X", "x", "35"}, {"?", "¿", "U", "u", "31"},
};

// From the most to the least usual.
constexpr PageStateIndex kUsual[kPageStates] = {kHoleState,    kMappedState,  kCachedState,
                                                kSwappedState, kUnknownState, kSpecialState};

}  // namespace

CellGlyph PureGlyph(PageStateIndex state, bool utf8) {
  return {utf8 ? kGlyphs[state].pure : kGlyphs[state].ascii_pure, kGlyphs[state].color};
}

CellGlyph MostlyGlyph(PageStateIndex state, bool utf8) {
  return {utf8 ? kGlyphs[state].mostly : kGlyphs[state].ascii_mostly, kGlyphs[state].color};
}

CellGlyph GlyphOf(const PageStateCounts& cell, bool utf8) {
  PageStateIndex most = kHoleState;
  int states = 0;
  for (const PageStateIndex state : kUsual) {
    if (cell[state] == 0) continue;
    ++states;
    if (cell[state] >= cell[most]) most = state;
  }
  if (states == 0) return {" ", ""};
  return states == 1 ? PureGlyph(most, utf8) : MostlyGlyph(most, utf8);
}

}  // namespace pagemapd
