#ifndef PAGEMAPD_CLI_MAP_OUTPUT_H_
#define PAGEMAPD_CLI_MAP_OUTPUT_H_

#include <cstdint>
#include <vector>

#include "cli/output/output_stream.h"
#include "cli/output/terminal.h"
#include "cli/picture/overview_layout.h"
#include "cli/picture/page_map.h"
#include "pagemapd/v1/pages.pb.h"

namespace pagemapd {

// What was drawn, for the writers below.
struct MapSubject {
  v1::ProcessRef process;
  // As many as map.mappings(), in the same order.
  std::vector<v1::Mapping> mappings;
  uint64_t page_size_bytes = 0;
};

// Cells that a line of a detailed picture has room for, and the room of an overview.
uint64_t DetailCellsPerRow(const Terminal& terminal);
OverviewRoom RoomOf(const Terminal& terminal);
// Lines of a detailed picture, at most.
constexpr uint64_t kDetailRows = 16;

// Pictures of PageMap::Detail: rows of cells behind the address of the first.
void WriteDetail(const MapSubject& subject, const PageMap& map, const Terminal& terminal,
                 OutputStream& out);

// The picture of PageMap::Overview: a bar for each large mapping.
void WriteOverview(const MapSubject& subject, const PageMap& map, const Terminal& terminal,
                   OutputStream& out);

// The cells as counts: a document, a line a picture, a row a cell. For maps without a shared strip.
void WriteMapJson(const MapSubject& subject, const PageMap& map, OutputStream& out);
void WriteMapJsonLines(const MapSubject& subject, const PageMap& map, OutputStream& out);
void WriteMapCsv(const MapSubject& subject, const PageMap& map, bool with_heading,
                 OutputStream& out);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_MAP_OUTPUT_H_
