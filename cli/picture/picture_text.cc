#include "cli/picture/picture_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "cli/output/byte_size.h"
#include "cli/picture/cell_glyph.h"

namespace pagemapd {
namespace {

struct StateWords {
  const char* name;
  const char* meaning;
};

constexpr StateWords kWords[kPageStates] = {
    {"hole", "no page exists"},
    {"mapped", "in this process's page table"},
    {"cached", "in RAM, not mapped here"},
    {"swapped", "in swap"},
    {"special", "migration, poison, guard"},
    {"unknown", "cannot be told"},
};

std::string Painted(const CellGlyph& glyph, const Terminal& terminal) {
  if (!terminal.color || glyph.color.empty()) return std::string(glyph.text);
  return fmt::format("\x1b[{}m{}\x1b[0m", std::string(glyph.color), std::string(glyph.text));
}

}  // namespace

std::string CellRow(const std::vector<PageStateCounts>& cells, size_t first, size_t count,
                    const Terminal& terminal) {
  std::string row;
  absl::string_view color;
  const size_t end = std::min(cells.size(), first + count);
  for (size_t i = first; i < end; ++i) {
    const CellGlyph glyph = GlyphOf(cells[i], terminal.utf8);
    if (terminal.color && glyph.color != color) {
      row += fmt::format("\x1b[{}m", std::string(glyph.color.empty() ? "0" : glyph.color));
      color = glyph.color;
    }
    row.append(glyph.text.data(), glyph.text.size());
  }
  if (!color.empty()) row += "\x1b[0m";
  return row;
}

std::string LegendText(const PageStateCounts& counts, uint64_t page_size_bytes,
                       const Terminal& terminal) {
  const uint64_t total = std::accumulate(counts.begin(), counts.end(), uint64_t{0});
  std::string text = "all most  state         pages   size       %\n";
  for (size_t i = 0; i < kPageStates; ++i) {
    if (counts[i] == 0) continue;
    const auto state = static_cast<PageStateIndex>(i);
    text += fmt::format(" {}   {}   {:<7} {:>11}  {:>5}  {:>6.2f}  {}\n",
                        Painted(PureGlyph(state, terminal.utf8), terminal),
                        Painted(MostlyGlyph(state, terminal.utf8), terminal), kWords[i].name,
                        counts[i], ByteSize(counts[i] * page_size_bytes), 100.0 * counts[i] / total,
                        kWords[i].meaning);
  }
  return text;
}

}  // namespace pagemapd
