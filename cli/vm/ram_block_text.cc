#include "cli/vm/ram_block_text.h"

#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cli/address_span.h"

namespace pagemapd {
namespace {

// What QEMU has room for (RAMBlock.idstr).
constexpr size_t kMaxNameBytes = 255;

absl::Status Unreadable(absl::string_view line) {
  return absl::DataLossError(absl::StrCat("not a line of QEMU's RAM blocks: \"",
                                          absl::CEscape(line.substr(0, 200)), "\""));
}

// Cuts the last word off `line`; empty if there is none.
absl::string_view TakeLastWord(absl::string_view* line) {
  *line = absl::StripTrailingAsciiWhitespace(*line);
  const size_t space = line->find_last_of(" \t");
  const absl::string_view word = space == absl::string_view::npos ? *line : line->substr(space + 1);
  line->remove_suffix(word.size());
  return word;
}

bool TakeHex(absl::string_view* line, uint64_t* value) {
  const absl::string_view word = TakeLastWord(line);
  return absl::StartsWith(word, "0x") && ParseAddress(word, value);
}

// "4 KiB", as QEMU writes powers of two.
bool TakePageSize(absl::string_view* line, uint64_t* bytes) {
  static constexpr absl::string_view kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  const absl::string_view unit = TakeLastWord(line);
  uint64_t count;
  if (!absl::SimpleAtoi(TakeLastWord(line), &count)) return false;
  int shift = 0;
  for (const absl::string_view name : kUnits) {
    if (name == unit) {
      *bytes = count << shift;
      return count > 0 && *bytes >> shift == count;
    }
    shift += 10;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::vector<RamBlock>> ParseRamBlocks(absl::string_view text) {
  std::vector<RamBlock> blocks;
  std::set<std::string> names;
  bool with_host = false;
  bool heading = true;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripSuffix(line, "\r");
    if (absl::StripAsciiWhitespace(line).empty()) continue;
    if (heading) {
      const std::vector<absl::string_view> words =
          absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
      const std::vector<absl::string_view> always = {"Block",  "Name", "PSize",
                                                     "Offset", "Used", "Total"};
      if (words.size() < always.size() ||
          !std::equal(always.begin(), always.end(), words.begin())) {
        return Unreadable(line);
      }
      with_host = words.size() == 8 && words[6] == "HVA" && words[7] == "RO";
      if (words.size() != always.size() && !with_host) return Unreadable(line);
      heading = false;
      continue;
    }
    RamBlock block;
    absl::string_view rest = line;
    uint64_t host = 0;
    uint64_t ram_offset;
    if (with_host) {
      const absl::string_view access = TakeLastWord(&rest);
      if ((access != "ro" && access != "rw") || !TakeHex(&rest, &host)) return Unreadable(line);
    }
    if (!TakeHex(&rest, &block.max_bytes) || !TakeHex(&rest, &block.size_bytes) ||
        !TakeHex(&rest, &ram_offset) || !TakePageSize(&rest, &block.page_size_bytes)) {
      return Unreadable(line);
    }
    block.name = std::string(absl::StripAsciiWhitespace(rest));
    if (block.name.empty() || block.name.size() > kMaxNameBytes ||
        block.size_bytes > block.max_bytes || host + block.max_bytes < host ||
        !names.insert(block.name).second) {
      return Unreadable(line);
    }
    if (host != 0) block.host_address = host;
    if (blocks.size() == kMaxRamBlocks) {
      return absl::ResourceExhaustedError(absl::StrCat("more than ", kMaxRamBlocks, " RAM blocks"));
    }
    blocks.push_back(std::move(block));
  }
  if (heading) return absl::DataLossError("QEMU's list of RAM blocks is empty");
  return blocks;
}

}  // namespace pagemapd
