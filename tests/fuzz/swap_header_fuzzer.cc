// ParseSwapHeader: the input as it is, and as the fields of a page with a signature.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "daemon/page/page_size.h"
#include "daemon/procfs/swaps.h"
#include "tests/fuzz/require.h"

namespace pagemapd {
namespace {

void RequireBounds(const SwapHeader& header) {
  REQUIRE(header.label.size() <= 16);
  REQUIRE(header.label.find('\0') == std::string::npos);
  if (header.uuid.empty()) return;
  REQUIRE(header.uuid.size() == 36);
  for (size_t i = 0; i < header.uuid.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    REQUIRE(dash ? header.uuid[i] == '-' : absl::ascii_isxdigit(header.uuid[i]));
  }
}

}  // namespace
}  // namespace pagemapd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kInfo = 1024;
  constexpr size_t kSignature = pagemapd::kPageSizeBytes - 10;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto header = pagemapd::ParseSwapHeader(text)) {
    REQUIRE(size >= pagemapd::kPageSizeBytes);
    pagemapd::RequireBounds(*header);
  }
  std::string page(pagemapd::kPageSizeBytes, '\0');
  page.replace(kInfo, std::min(size, kSignature - kInfo), text.substr(0, kSignature - kInfo).data(),
               std::min(size, kSignature - kInfo));
  REQUIRE(!pagemapd::ParseSwapHeader(page).has_value());
  page.replace(kSignature, 10, "SWAPSPACE2");
  const auto header = pagemapd::ParseSwapHeader(page);
  REQUIRE(header.has_value());
  pagemapd::RequireBounds(*header);
  return 0;
}
