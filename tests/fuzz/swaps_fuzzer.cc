// ParseSwapsLine on the first line, ReadSwaps on the whole text, and AreaOfSwapType.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "daemon/procfs/swaps.h"
#include "tests/fuzz/input_file.h"
#include "tests/fuzz/require.h"

namespace pagemapd {
namespace {

void RequireBounds(const SwapArea& area) {
  REQUIRE(!area.path.empty() && area.path.find('\0') == std::string::npos);
  REQUIRE(area.size_bytes % 1024 == 0 && area.used_bytes % 1024 == 0);
}

// The line as the kernel prints it (swap_show).
std::string Printed(const SwapArea& area) {
  std::string path;
  for (const char c : area.path) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\\') {
      absl::StrAppendFormat(&path, "\\%03o", static_cast<unsigned char>(c));
    } else {
      path += c;
    }
  }
  return absl::StrCat(path, " ", area.is_file ? "file\t" : "partition", "\t",
                      area.size_bytes / 1024, "\t", area.used_bytes / 1024, "\t", area.priority);
}

void CheckLine(absl::string_view line) {
  const auto area = ParseSwapsLine(line);
  if (!area.ok()) return RequireDataLoss(area.status());
  RequireBounds(*area);
  const auto again = ParseSwapsLine(Printed(*area));
  REQUIRE(again.ok());
  REQUIRE(again->path == area->path && again->is_file == area->is_file);
  REQUIRE(again->size_bytes == area->size_bytes && again->used_bytes == area->used_bytes);
  REQUIRE(again->priority == area->priority);
}

void CheckText(absl::string_view text) {
  static const InputRoot input("swaps");
  input.Write(text);
  const auto areas = ReadSwaps(input.root());
  if (!areas.ok()) return RequireDataLoss(areas.status());
  REQUIRE(areas->size() <= 32);
  for (const SwapArea& area : *areas) RequireBounds(area);
}

}  // namespace
}  // namespace pagemapd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  pagemapd::CheckLine(text.substr(0, text.find('\n')));
  pagemapd::CheckText(text);
  pagemapd::CheckText(absl::StrCat("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n", text));
  if (size >= 2) {
    const auto area = pagemapd::AreaOfSwapType(data[0], data[1]);
    if (area) REQUIRE(*area < data[1] && *area <= data[0]);
  }
  return 0;
}
