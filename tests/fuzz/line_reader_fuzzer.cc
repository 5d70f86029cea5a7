// LineReader against splitting the whole text at once.
#include <cstddef>
#include <cstdint>
#include <string>

#include "daemon/procfs/line_reader.h"
#include "tests/fuzz/input_file.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Each pair of bytes is one byte and how often, so that small inputs reach long lines.
  std::string text;
  for (size_t i = 0; i + 1 < size && text.size() < 2 * pagemapd::LineReader::kMaxLineBytes;
       i += 2) {
    const size_t times = data[i + 1] < 128 ? data[i + 1] : (data[i + 1] - 127) * 521;
    text.append(times, static_cast<char>(data[i]));
  }
  pagemapd::LineReader reader(pagemapd::OpenHolding(text), "input");
  absl::string_view rest = text;
  while (!rest.empty()) {
    const size_t newline = rest.find('\n');
    const absl::string_view expected = rest.substr(0, newline);
    rest.remove_prefix(newline == rest.npos ? rest.size() : newline + 1);
    const auto line = reader.Next();
    if (expected.size() > pagemapd::LineReader::kMaxLineBytes) {
      pagemapd::RequireDataLoss(line.status());
      pagemapd::RequireDataLoss(reader.Next().status());
      return 0;
    }
    REQUIRE(line.ok() && line->has_value());
    REQUIRE(**line == expected);
  }
  for (int i = 0; i < 2; ++i) {
    const auto end = reader.Next();
    REQUIRE(end.ok() && !end->has_value());
  }
  return 0;
}
