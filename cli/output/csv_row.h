#ifndef PAGEMAPD_CLI_OUTPUT_CSV_ROW_H_
#define PAGEMAPD_CLI_OUTPUT_CSV_ROW_H_

#include <fmt/format.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace pagemapd {

// A field as in RFC 4180: quoted where it holds a comma, a quote or a line break.
void AppendCsvField(absl::string_view field, fmt::memory_buffer& out);

// Fields, commas and a newline.
void AppendCsvRow(const std::vector<std::string>& fields, fmt::memory_buffer& out);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_OUTPUT_CSV_ROW_H_
