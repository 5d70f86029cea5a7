#ifndef PAGEMAPD_CLI_PICTURE_PICTURE_TEXT_H_
#define PAGEMAPD_CLI_PICTURE_PICTURE_TEXT_H_

#include <string>
#include <vector>

#include "cli/output/terminal.h"
#include "cli/picture/page_state_counts.h"

namespace pagemapd {

// Cells [first, first + count) as one line of glyphs, without a newline; fewer where the cells end.
std::string CellRow(const std::vector<PageStateCounts>& cells, size_t first, size_t count,
                    const Terminal& terminal);

// The lines that tell what the glyphs mean and how many pages are in each state, states without
// pages left out. Each ends in a newline.
std::string LegendText(const PageStateCounts& counts, uint64_t page_size_bytes,
                       const Terminal& terminal);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PICTURE_PICTURE_TEXT_H_
