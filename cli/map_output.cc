#include "cli/map_output.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cli/address_span.h"
#include "cli/output/byte_size.h"
#include "cli/output/csv_row.h"
#include "cli/output/json_string.h"
#include "cli/output/printable_text.h"
#include "cli/page_names.h"
#include "cli/picture/picture_text.h"
#include "cli/process_mappings.h"

namespace pagemapd {
namespace {

// The label of a bar: "7f1200000000   512M  /memfd:ram        ".
constexpr int kAddressColumns = 12;
constexpr int kSizeColumns = 5;
constexpr int kGap = 2;

int NameColumns(const Terminal& terminal) { return std::clamp(terminal.width / 5, 10, 32); }

// Rows that are multiples of 16 cells, where there is room, start at round addresses.
uint64_t RoundCells(int columns) {
  const int step = columns >= 16 ? 16 : 8;
  return std::max(columns / step * step, 1);
}

std::string Plural(uint64_t n, absl::string_view noun) {
  return absl::StrCat(n, " ", noun, n == 1 ? "" : "s");
}

std::string Hex(uint64_t address) { return absl::StrCat("0x", absl::Hex(address)); }

uint64_t Sum(const PageStateCounts& counts) {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

AddressSpan SpanOf(const v1::Mapping& mapping) {
  return {mapping.range().start(), mapping.range().end()};
}

// The file's name says more than the start of a long path.
std::string ShortName(const v1::Mapping& mapping, size_t columns, bool utf8) {
  std::string name = PrintableText(absl::StripSuffix(MappingName(mapping), " (deleted)"), utf8);
  const size_t slash = name.rfind('/');
  if (TextColumns(name) > columns && slash != std::string::npos) name.erase(0, slash + 1);
  return KeepTail(name, columns, utf8);
}

std::string PadRight(std::string text, size_t columns) {
  text.append(columns - std::min(columns, TextColumns(text)), ' ');
  return text;
}

// "a cell is 1024 pages (4M)".
std::string CellSize(uint64_t pages_per_cell, uint64_t page_size_bytes) {
  return absl::StrCat("one cell is ", Plural(pages_per_cell, "page"), " (",
                      ByteSize(pages_per_cell * page_size_bytes), ")");
}

nlohmann::ordered_json PictureJson(const MapSubject& subject, const PageMap::Picture& picture) {
  const v1::Mapping& mapping = subject.mappings[picture.mapping];
  nlohmann::ordered_json cells = nlohmann::ordered_json::array();
  for (const PageStateCounts& cell : picture.strip.cells()) {
    cells.push_back({{"hole", cell[kHoleState]},
                     {"mapped", cell[kMappedState]},
                     {"cached", cell[kCachedState]},
                     {"swapped", cell[kSwappedState]},
                     {"special", cell[kSpecialState]},
                     {"unknown", cell[kUnknownState]}});
  }
  return {{"start", Hex(mapping.range().start())},
          {"end", Hex(mapping.range().end())},
          {"kind", KindName(mapping.kind())},
          {"path", mapping.path()},
          {"pages", picture.strip.pages()},
          {"pages_per_cell", picture.strip.pages_per_cell()},
          {"cells", std::move(cells)}};
}

}  // namespace

uint64_t DetailCellsPerRow(const Terminal& terminal) {
  return RoundCells(terminal.width - kAddressColumns - kGap);
}

OverviewRoom RoomOf(const Terminal& terminal) {
  OverviewRoom room;
  room.cells_per_row = RoundCells(terminal.width - kAddressColumns - 1 - kSizeColumns - kGap -
                                  NameColumns(terminal) - kGap);
  return room;
}

void WriteDetail(const MapSubject& subject, const PageMap& map, const Terminal& terminal,
                 OutputStream& out) {
  const uint64_t per_row = DetailCellsPerRow(terminal);
  bool first_picture = true;
  for (const PageMap::Picture& picture : map.pictures()) {
    const v1::Mapping& mapping = subject.mappings[picture.mapping];
    const uint64_t pages_per_cell = picture.strip.pages_per_cell();
    if (!std::exchange(first_picture, false)) out.Append("\n");
    out.Append(absl::StrCat(ToString(SpanOf(mapping)), "  ",
                            ByteSize(picture.strip.pages() * subject.page_size_bytes), "  ",
                            PermissionsText(mapping), "  ", KindName(mapping.kind()), "  ",
                            PrintableText(MappingName(mapping), terminal.utf8), "\n",
                            CellSize(pages_per_cell, subject.page_size_bytes), "\n\n"));
    for (size_t cell = 0; cell < picture.strip.cells().size(); cell += per_row) {
      const uint64_t address =
          mapping.range().start() + cell * pages_per_cell * subject.page_size_bytes;
      out.Append(absl::StrCat(absl::Hex(address, absl::kSpacePad12), "  ",
                              CellRow(picture.strip.cells(), cell, per_row, terminal), "\n"));
    }
    out.Append("\n");
    out.Append(LegendText(picture.counts, subject.page_size_bytes, terminal));
    if (!out.EndRow()) return;
  }
}

void WriteOverview(const MapSubject& subject, const PageMap& map, const Terminal& terminal,
                   OutputStream& out) {
  const uint64_t page_size = subject.page_size_bytes;
  const uint64_t per_row = RoomOf(terminal).cells_per_row;
  const size_t name_columns = NameColumns(terminal);
  uint64_t pages = 0;
  uint64_t mappings = 0;
  uint64_t reserved_pages = 0;
  uint64_t reserved_mappings = 0;
  for (const DrawnMapping& mapping : map.mappings()) {
    (mapping.reserved ? reserved_pages : pages) += mapping.pages;
    ++(mapping.reserved ? reserved_mappings : mappings);
  }
  out.Append(absl::StrCat("process ", subject.process.pid(), ": ", Plural(mappings, "mapping"),
                          ", ", Plural(pages, "page"), " (", ByteSize(pages * page_size), ")"));
  if (!map.pictures().empty()) {
    out.Append("; " + CellSize(map.pictures()[0].strip.pages_per_cell(), page_size));
  }
  out.Append("\n\n");

  for (const PageMap::Picture& picture : map.pictures()) {
    const bool shared = picture.mapping == PageMap::kShared;
    const std::string name =
        shared ? Plural(picture.mappings, map.pictures().size() > 1 ? "other" : "mapping")
               : ShortName(subject.mappings[picture.mapping], name_columns, terminal.utf8);
    const uint64_t start = shared ? 0 : subject.mappings[picture.mapping].range().start();
    for (size_t cell = 0; cell < picture.strip.cells().size(); cell += per_row) {
      const uint64_t address = start + cell * picture.strip.pages_per_cell() * page_size;
      const std::string address_text = shared ? std::string(kAddressColumns, ' ')
                                              : absl::StrCat(absl::Hex(address, absl::kSpacePad12));
      const std::string size = ByteSize(picture.strip.pages() * page_size);
      out.Append(
          cell == 0
              ? absl::StrCat(
                    address_text, " ",
                    std::string(kSizeColumns - std::min<size_t>(kSizeColumns, size.size()), ' '),
                    size, "  ", PadRight(name, name_columns), "  ")
              : PadRight(address_text,
                         kAddressColumns + 1 + kSizeColumns + kGap + name_columns + kGap));
      out.Append(CellRow(picture.strip.cells(), cell, per_row, terminal));
      out.Append("\n");
    }
    out.EndRow();
  }
  PageStateCounts drawn = {};
  for (const PageMap::Picture& picture : map.pictures()) {
    for (size_t i = 0; i < kPageStates; ++i) drawn[i] += picture.counts[i];
  }
  if (!map.pictures().empty()) out.Append("\n" + LegendText(drawn, page_size, terminal));
  if (reserved_mappings > 0) {
    const uint64_t held = Sum(map.reserved_counts()) - map.reserved_counts()[kHoleState];
    out.Append(absl::StrCat("\nNot drawn: ", Plural(reserved_mappings, "mapping"),
                            " without access (", ByteSize(reserved_pages * page_size), "), ",
                            held == 0 ? "all holes" : Plural(held, "page") + " in them", ".\n"));
  }
  out.EndRow();
}

void WriteMapJson(const MapSubject& subject, const PageMap& map, OutputStream& out) {
  nlohmann::ordered_json pictures = nlohmann::ordered_json::array();
  for (const PageMap::Picture& picture : map.pictures()) {
    pictures.push_back(PictureJson(subject, picture));
  }
  out.Append(JsonText({{"pid", subject.process.pid()},
                       {"start_time_ticks", subject.process.start_time_ticks()},
                       {"page_size_bytes", subject.page_size_bytes},
                       {"pictures", std::move(pictures)}},
                      -1));
  out.Append("\n");
  out.EndRow();
}

void WriteMapJsonLines(const MapSubject& subject, const PageMap& map, OutputStream& out) {
  for (const PageMap::Picture& picture : map.pictures()) {
    nlohmann::ordered_json line = {{"pid", subject.process.pid()},
                                   {"start_time_ticks", subject.process.start_time_ticks()},
                                   {"page_size_bytes", subject.page_size_bytes}};
    line.update(PictureJson(subject, picture));
    out.Append(JsonText(line, -1));
    out.Append("\n");
    if (!out.EndRow()) return;
  }
}

void WriteMapCsv(const MapSubject& subject, const PageMap& map, bool with_heading,
                 OutputStream& out) {
  if (with_heading) {
    out.Append(
        "pid,start_time_ticks,start,end,pages,hole,mapped,cached,swapped,special,unknown,path\n");
  }
  for (const PageMap::Picture& picture : map.pictures()) {
    const v1::Mapping& mapping = subject.mappings[picture.mapping];
    const uint64_t per_cell = picture.strip.pages_per_cell();
    for (size_t i = 0; i < picture.strip.cells().size(); ++i) {
      const uint64_t first = i * per_cell;
      const uint64_t pages = std::min(per_cell, picture.strip.pages() - first);
      const uint64_t start = mapping.range().start() + first * subject.page_size_bytes;
      std::vector<std::string> fields = {
          absl::StrCat(subject.process.pid()), absl::StrCat(subject.process.start_time_ticks()),
          Hex(start), Hex(start + pages * subject.page_size_bytes), absl::StrCat(pages)};
      for (const uint64_t count : picture.strip.cells()[i]) fields.push_back(absl::StrCat(count));
      fields.push_back(mapping.path());
      AppendCsvRow(fields, out.text());
      if (!out.EndRow()) return;
    }
  }
}

}  // namespace pagemapd
