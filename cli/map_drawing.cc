#include "cli/map_drawing.h"

#include <unistd.h>

#include <utility>

#include "cli/output/progress_line.h"
#include "cli/picture/page_map.h"
#include "cli/process_mappings.h"
#include "cli/query_end.h"

namespace pagemapd {
namespace {

// Cells for programs, in all.
constexpr uint64_t kEvenCells = 1024;

bool IsReserved(const v1::Mapping& mapping) {
  return mapping.kind() == v1::MAPPING_KIND_ANON && !mapping.readable() && !mapping.writable() &&
         !mapping.executable();
}

PageMap MakeMap(const Session& session, const MapSubject& subject, bool detailed) {
  std::vector<DrawnMapping> drawn;
  for (const v1::Mapping& mapping : subject.mappings) {
    drawn.push_back({mapping.range().start(),
                     (mapping.range().end() - mapping.range().start()) / subject.page_size_bytes,
                     IsReserved(mapping)});
  }
  const Terminal& terminal = session.out_terminal();
  if (detailed) {
    const bool table = session.format() == OutputFormat::kTable;
    return PageMap::Detail(std::move(drawn), subject.page_size_bytes,
                           table ? DetailCellsPerRow(terminal) * kDetailRows : kEvenCells);
  }
  return session.format() == OutputFormat::kTable
             ? PageMap::Overview(std::move(drawn), subject.page_size_bytes, RoomOf(terminal))
             : PageMap::Even(std::move(drawn), subject.page_size_bytes, kEvenCells);
}

void WriteMap(const Session& session, const MapSubject& subject, const PageMap& map,
              bool detailed) {
  OutputStream& out = session.out();
  switch (session.format()) {
    case OutputFormat::kTable:
      if (detailed) {
        WriteDetail(subject, map, session.out_terminal(), out);
      } else {
        WriteOverview(subject, map, session.out_terminal(), out);
      }
      break;
    case OutputFormat::kJson:
      WriteMapJson(subject, map, out);
      break;
    case OutputFormat::kJsonLines:
      WriteMapJsonLines(subject, map, out);
      break;
    case OutputFormat::kCsv:
      WriteMapCsv(subject, map, session.with_heading(), out);
  }
}

}  // namespace

ExitCode DrawMap(const Session& session, const v1::GetCapabilitiesResponse& capabilities,
                 const PageQuery& query, const MapSubject& subject, bool detailed) {
  PageMap map = MakeMap(session, subject, detailed);
  const ScanPosition position(subject.mappings, query.spans, subject.page_size_bytes);
  PageQueryEnd end;
  {
    ProgressLine progress(STDERR_FILENO, session.error_terminal(), position.total_pages());
    end = RunPageQuery(session.service(), query, capabilities.limits().max_ranges(),
                       [&](const v1::ProcessRef&, const v1::PageChunk& chunk) {
                         progress.SetDone(position.PagesBelow(
                             chunk.start() + chunk.pages() * subject.page_size_bytes));
                         for (const v1::PageExtent& extent : chunk.extents()) {
                           // A newer daemon's state is unknown to this program.
                           const int index = static_cast<int>(extent.state()) - 1;
                           const bool known = index >= 0 && index < static_cast<int>(kPageStates);
                           map.Add(extent.start(), extent.pages(),
                                   known ? static_cast<PageStateIndex>(index) : kUnknownState);
                         }
                         return true;
                       });
  }

  const bool drawn = map.counts() != PageStateCounts{};
  if (drawn || !Failed(end)) WriteMap(session, subject, map, detailed);
  session.out().Flush();
  return TellOfEnd(session, query, end, drawn);
}

}  // namespace pagemapd
