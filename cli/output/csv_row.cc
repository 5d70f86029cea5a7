#include "cli/output/csv_row.h"

namespace pagemapd {

void AppendCsvField(absl::string_view field, fmt::memory_buffer& out) {
  if (field.find_first_of(",\"\r\n") == absl::string_view::npos) {
    out.append(field.data(), field.data() + field.size());
    return;
  }
  out.push_back('"');
  for (const char c : field) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
}

void AppendCsvRow(const std::vector<std::string>& fields, fmt::memory_buffer& out) {
  bool first = true;
  for (const std::string& field : fields) {
    if (!first) out.push_back(',');
    first = false;
    AppendCsvField(field, out);
  }
  out.push_back('\n');
}

}  // namespace pagemapd
