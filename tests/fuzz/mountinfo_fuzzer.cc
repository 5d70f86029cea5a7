// ParseMountinfoLine on the first line, and ReadFilesystemTypes on the whole text.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "daemon/procfs/mounts.h"
#include "tests/fuzz/input_file.h"
#include "tests/fuzz/require.h"

namespace pagemapd {
namespace {

void CheckLine(absl::string_view line) {
  const auto parsed = ParseMountinfoLine(line);
  if (!parsed.ok()) return RequireDataLoss(parsed.status());
  REQUIRE(!parsed->second.empty());
  REQUIRE(parsed->second.find_first_of(" \t") == std::string::npos);
  const auto again =
      ParseMountinfoLine(absl::StrCat("1 0 ", parsed->first.major, ":", parsed->first.minor,
                                      " / /x rw - ", parsed->second, " none rw"));
  REQUIRE(again.ok() && *again == *parsed);
}

void CheckText(absl::string_view text, size_t max_devices) {
  const auto types = ReadFilesystemTypes(OpenHolding(text), max_devices);
  if (!types.ok()) return RequireDataLoss(types.status());
  REQUIRE(types->size() <= max_devices);
  for (const auto& [device, type] : *types) REQUIRE(!type.empty());
}

}  // namespace
}  // namespace pagemapd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  pagemapd::CheckLine(text.substr(0, text.find('\n')));
  pagemapd::CheckText(text, size % 5);
  pagemapd::CheckText(text, 1000);
  return 0;
}
