#include "cli/output/table.h"

#include <algorithm>
#include <string>

#include "cli/output/printable_text.h"

namespace pagemapd {

void Table::Write(bool with_heading, OutputStream& out) const {
  std::vector<std::string> headings;
  for (const Column& column : columns_) headings.push_back(column.heading);
  std::vector<size_t> widths(columns_.size());
  const auto widen = [&](const std::vector<std::string>& cells) {
    for (size_t i = 0; i < cells.size(); ++i) {
      widths[i] = std::max(widths[i], TextColumns(cells[i]));
    }
  };
  if (with_heading) widen(headings);
  for (const auto& row : rows_) widen(row);

  const auto write = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (size_t i = 0; i < cells.size(); ++i) {
      const std::string padding(widths[i] - TextColumns(cells[i]), ' ');
      if (i > 0) line += "  ";
      line += columns_[i].align == Align::kRight ? padding + cells[i] : cells[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out.Append(line);
    out.Append("\n");
    out.EndRow();
  };
  if (with_heading) write(headings);
  for (const auto& row : rows_) write(row);
}

}  // namespace pagemapd
