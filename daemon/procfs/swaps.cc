#include "daemon/procfs/swaps.h"

#include <limits>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daemon/page/page_size.h"
#include "daemon/procfs/field_scanner.h"
#include "daemon/procfs/line_reader.h"

namespace pagemapd {
namespace {

constexpr size_t kMaxAreas = 32;

// union swap_header of include/linux/swap.h: bootbits[1024], version, last_page, nr_badpages,
// sws_uuid[16], sws_volume[16]; the signature fills the page's last ten bytes.
constexpr absl::string_view kSignature = "SWAPSPACE2";
constexpr size_t kUuidOffset = 1024 + 3 * sizeof(uint32_t);
constexpr size_t kUuidBytes = 16;
constexpr size_t kLabelOffset = kUuidOffset + kUuidBytes;
constexpr size_t kLabelBytes = 16;

// A size in KiB, and the tabs behind it.
bool KibibytesAndTabs(FieldScanner* fields, uint64_t* bytes) {
  uint64_t kibibytes;
  if (!fields->Decimal(&kibibytes) || !fields->Blanks()) return false;
  if (kibibytes > std::numeric_limits<uint64_t>::max() / 1024) return false;
  *bytes = kibibytes * 1024;
  return true;
}

}  // namespace

absl::StatusOr<SwapArea> ParseSwapsLine(absl::string_view line) {
  FieldScanner fields(line);
  SwapArea area;
  absl::string_view path;
  absl::string_view kind;
  const bool parsed = fields.Word(&path) && fields.Blanks() && fields.Word(&kind) &&
                      fields.Blanks() && KibibytesAndTabs(&fields, &area.size_bytes) &&
                      KibibytesAndTabs(&fields, &area.used_bytes) &&
                      fields.Decimal(&area.priority) && fields.rest().empty();
  area.is_file = kind == "file";
  area.path = UnescapeOctal(path);
  if (!parsed || (!area.is_file && kind != "partition") || absl::StrContains(area.path, '\0')) {
    return MalformedLine("swaps", line);
  }
  return area;
}

absl::StatusOr<std::vector<SwapArea>> ReadSwaps(const ProcRoot& root) {
  auto fd = root.Open("swaps");
  if (!fd.ok()) return fd.status();
  const std::string shown = absl::StrCat(root.path(), "/swaps");
  LineReader lines(*std::move(fd), shown);
  const auto heading = lines.Next();
  if (!heading.ok()) return heading.status();
  if (!*heading || !absl::StartsWith(**heading, "Filename")) {
    return absl::DataLossError(absl::StrCat(shown, " has no heading"));
  }
  std::vector<SwapArea> areas;
  while (true) {
    const auto line = lines.Next();
    if (!line.ok()) return line.status();
    if (!*line) return areas;
    if (areas.size() == kMaxAreas) {
      return absl::DataLossError(absl::StrCat(shown, " has more than ", kMaxAreas, " areas"));
    }
    auto area = ParseSwapsLine(**line);
    if (!area.ok()) return area.status();
    areas.push_back(*std::move(area));
  }
}

std::optional<size_t> AreaOfSwapType(uint32_t type, size_t area_count) {
  // Type T lies in one of the lines 0 to T: certain only where these are one.
  if (area_count == 1 || (area_count > 1 && type == 0)) return 0;
  return std::nullopt;
}

std::optional<SwapHeader> ParseSwapHeader(absl::string_view page) {
  if (page.size() < kPageSizeBytes) return std::nullopt;
  page = page.substr(0, kPageSizeBytes);
  if (!absl::EndsWith(page, kSignature)) return std::nullopt;
  SwapHeader header;
  const absl::string_view uuid = page.substr(kUuidOffset, kUuidBytes);
  if (uuid.find_first_not_of('\0') != absl::string_view::npos) {
    const std::string hex = absl::BytesToHexString(uuid);
    header.uuid = absl::StrCat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-",
                               hex.substr(16, 4), "-", hex.substr(20));
  }
  const absl::string_view label = page.substr(kLabelOffset, kLabelBytes);
  header.label = std::string(label.substr(0, label.find('\0')));
  return header;
}

}  // namespace pagemapd
