#ifndef PAGEMAPD_CLI_OUTPUT_TABLE_H_
#define PAGEMAPD_CLI_OUTPUT_TABLE_H_

#include <string>
#include <vector>

#include "cli/output/output_stream.h"

namespace pagemapd {

// A small table for people: columns as wide as their widest cell, two spaces apart. Cells must be
// PrintableText. Not for streams, since it holds all its rows.
class Table {
 public:
  enum class Align { kLeft, kRight };

  struct Column {
    std::string heading;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // One cell a column.
  void AddRow(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }

  void Write(bool with_heading, OutputStream& out) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_OUTPUT_TABLE_H_
