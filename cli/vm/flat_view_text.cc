#include "cli/vm/flat_view_text.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cli/address_span.h"

namespace pagemapd {
namespace {

absl::Status Unreadable(absl::string_view line) {
  return absl::DataLossError(absl::StrCat("not a line of QEMU's memory map: \"",
                                          absl::CEscape(line.substr(0, 200)), "\""));
}

// Whether a range of this kind is memory: RAM, ROM, and that of devices that is mapped ("romd",
// "ramd"), each perhaps "nv-", against what is emulated ("i/o", "container", ...).
bool IsMemory(absl::string_view kind) {
  absl::ConsumePrefix(&kind, "nv-");
  return kind == "ram" || kind == "rom" || kind == "romd" || kind == "ramd";
}

// "  0000000000100000-000000007fffffff (prio 0, ram): pc.ram @0000000000100000". Sets `*memory` to
// whether it is of memory, and only then `*flat`.
bool ParseLine(absl::string_view line, bool* memory, FlatRange* flat) {
  line = absl::StripLeadingAsciiWhitespace(line);
  const size_t opening = line.find(" (prio ");
  if (opening == absl::string_view::npos) return false;
  AddressSpan span;
  if (!ParseAddressSpan(line.substr(0, opening), &span) || span.end < span.start) return false;
  line.remove_prefix(opening);
  const size_t comma = line.find(", ");
  const size_t closing = line.find("): ");
  if (closing == absl::string_view::npos || comma > closing) return false;
  const absl::string_view kind = line.substr(comma + 2, closing - comma - 2);
  *memory = IsMemory(kind);
  if (!*memory) return true;
  absl::string_view region = line.substr(closing + 3);
  flat->range = {span.start, span.end + 1, 0, absl::StrContains(kind, "rom")};
  const size_t at = region.rfind(" @");
  if (at != absl::string_view::npos && ParseAddress(region.substr(at + 2), &flat->range.offset)) {
    region = region.substr(0, at);
  }
  flat->region = std::string(region);
  const uint64_t bytes = span.end - span.start + 1;
  // The last byte of the address space is never memory.
  return flat->range.end != 0 && flat->range.offset + bytes >= bytes && !region.empty();
}

}  // namespace

absl::StatusOr<std::vector<FlatRange>> ParseFlatView(absl::string_view text) {
  std::vector<FlatRange> ranges;
  bool wanted = false;
  bool found = false;
  // A view is an empty line, the spaces that it is the view of, its root, and its ranges.
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripSuffix(line, "\r");
    if (absl::StartsWith(line, "FlatView #")) {
      if (found) break;
      wanted = false;
      continue;
    }
    if (absl::StartsWith(line, " AS \"memory\", root: ")) wanted = found = true;
    if (!wanted || !absl::StartsWith(line, "  ") || absl::StrContains(line, "No rendered"))
      continue;
    bool memory;
    FlatRange flat;
    if (!ParseLine(line, &memory, &flat)) return Unreadable(line);
    if (!memory) continue;
    if (!ranges.empty() && flat.range.start < ranges.back().range.end) return Unreadable(line);
    if (ranges.size() == kMaxFlatRanges) {
      return absl::ResourceExhaustedError(
          absl::StrCat("more than ", kMaxFlatRanges, " ranges in QEMU's memory map"));
    }
    ranges.push_back(std::move(flat));
  }
  if (!found) return absl::DataLossError("QEMU's memory map has no address space \"memory\"");
  return ranges;
}

}  // namespace pagemapd
