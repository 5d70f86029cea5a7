#ifndef PAGEMAPD_CLI_PICTURE_CELL_GLYPH_H_
#define PAGEMAPD_CLI_PICTURE_CELL_GLYPH_H_

#include "absl/strings/string_view.h"
#include "cli/picture/page_state_counts.h"

namespace pagemapd {

// How a cell is drawn: one column wide, told apart without its colour too.
struct CellGlyph {
  absl::string_view text;
  // SGR parameter of the colour, such as "32"; empty for none.
  absl::string_view color;
};

// A cell whose pages are all in `state`.
CellGlyph PureGlyph(PageStateIndex state, bool utf8);

// A cell of several states, most pages in `state`.
CellGlyph MostlyGlyph(PageStateIndex state, bool utf8);

// The glyph of a cell with these pages, a blank for none. Where two states are equally common the
// less usual one shows.
CellGlyph GlyphOf(const PageStateCounts& cell, bool utf8);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PICTURE_CELL_GLYPH_H_
