// ParseRamBlocks, ParseFlatView and ParseHostAddress on the whole text, and JsonObjectReader on it
// in pieces and at once.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "cli/vm/flat_view_text.h"
#include "cli/vm/guest_ram.h"
#include "cli/vm/json_object_reader.h"
#include "cli/vm/ram_block_text.h"
#include "tests/fuzz/require.h"

namespace pagemapd {
namespace {

void RequireTyped(const absl::Status& status) {
  REQUIRE(absl::IsDataLoss(status) || absl::IsResourceExhausted(status));
  REQUIRE(!status.message().empty());
  REQUIRE(status.message().size() < 2048);
}

void CheckRamBlocks(absl::string_view text) {
  const auto blocks = ParseRamBlocks(text);
  if (!blocks.ok()) return RequireTyped(blocks.status());
  std::set<std::string> names;
  for (const RamBlock& block : *blocks) {
    REQUIRE(!block.name.empty());
    REQUIRE(names.insert(block.name).second);
    REQUIRE(block.page_size_bytes > 0);
    REQUIRE(block.size_bytes <= block.max_bytes);
    const uint64_t host = block.host_address.value_or(0);
    REQUIRE(host + block.max_bytes >= host);
  }
}

void CheckFlatView(absl::string_view text) {
  const auto ranges = ParseFlatView(text);
  if (!ranges.ok()) return RequireTyped(ranges.status());
  uint64_t previous_end = 0;
  for (const FlatRange& flat : *ranges) {
    REQUIRE(!flat.region.empty());
    REQUIRE(flat.range.start >= previous_end);
    REQUIRE(flat.range.start < flat.range.end);
    REQUIRE(flat.range.offset + (flat.range.end - flat.range.start) > flat.range.offset);
    previous_end = flat.range.end;
  }
}

// The objects, and whether an error came behind them.
std::pair<std::vector<std::string>, bool> ObjectsOf(absl::string_view text, size_t step) {
  JsonObjectReader reader(/*max_bytes=*/256, /*max_depth=*/8);
  std::vector<std::string> objects;
  while (true) {
    const absl::StatusOr<std::optional<std::string>> next = reader.Next();
    if (!next.ok()) {
      RequireTyped(next.status());
      return {std::move(objects), true};
    }
    if (next->has_value()) {
      REQUIRE((*next)->size() <= 256 && (*next)->front() == '{');
      objects.push_back(**next);
    } else if (text.empty()) {
      return {std::move(objects), false};
    } else {
      reader.Append(text.substr(0, step));
      text.remove_prefix(std::min(step, text.size()));
    }
  }
}

}  // namespace
}  // namespace pagemapd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  pagemapd::CheckRamBlocks(text);
  pagemapd::CheckFlatView(text);
  pagemapd::ParseHostAddress(text).IgnoreError();
  REQUIRE(pagemapd::ObjectsOf(text, 1) == pagemapd::ObjectsOf(text, size + 1));
  return 0;
}
