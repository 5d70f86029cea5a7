#include "cli/address_span.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace pagemapd {

bool ParseAddress(absl::string_view text, uint64_t* address) {
  if (!absl::ConsumePrefix(&text, "0x")) absl::ConsumePrefix(&text, "0X");
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isxdigit) &&
         absl::SimpleHexAtoi(text, address);
}

bool ParseAddressSpan(absl::string_view text, AddressSpan* span) {
  const size_t dash = text.find('-');
  return dash != absl::string_view::npos && ParseAddress(text.substr(0, dash), &span->start) &&
         ParseAddress(text.substr(dash + 1), &span->end);
}

std::string ToString(const AddressSpan& span) {
  return absl::StrCat(absl::Hex(span.start), "-", absl::Hex(span.end));
}

std::vector<AddressSpan> Union(std::vector<AddressSpan> spans) {
  for (const AddressSpan& span : spans) {
    if (span.start >= span.end) return spans;
  }
  std::sort(spans.begin(), spans.end(),
            [](const AddressSpan& a, const AddressSpan& b) { return a.start < b.start; });
  size_t kept = 0;
  for (const AddressSpan& span : spans) {
    if (kept > 0 && span.start <= spans[kept - 1].end) {
      spans[kept - 1].end = std::max(spans[kept - 1].end, span.end);
    } else {
      spans[kept++] = span;
    }
  }
  spans.resize(kept);
  return spans;
}

}  // namespace pagemapd
