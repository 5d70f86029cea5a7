#include "cli/page_listing.h"

#include <unistd.h>

#include "cli/extent_writer.h"
#include "cli/output/progress_line.h"
#include "cli/page_line.h"
#include "cli/process_mappings.h"
#include "cli/query_end.h"

namespace pagemapd {

ExitCode ListPages(const Session& session, const v1::GetCapabilitiesResponse& capabilities,
                   PageQuery query, const PageDetails& details,
                   const std::vector<v1::Mapping>& mappings, const PageAnnotator* annotator) {
  const bool table = session.format() == OutputFormat::kTable;
  const bool with_locations = details.locations.value_or(!table);
  const uint64_t page_size_bytes = capabilities.page_size_bytes();

  if (with_locations) query.fields.push_back(v1::PAGE_FIELD_LOCATION);
  if (!table) {
    query.fields.insert(query.fields.end(), {v1::PAGE_FIELD_FLAGS, v1::PAGE_FIELD_SOURCE});
  }
  if (details.flags) query.fields.push_back(v1::PAGE_FIELD_FRAME_FLAGS);
  if (details.swap_cache) query.fields.push_back(v1::PAGE_FIELD_SWAP_CACHE);
  v1::ListSwapAreasResponse areas;
  if (with_locations) {
    grpc::ClientContext context;
    const grpc::Status status = session.service().ListSwapAreas(&context, {}, &areas);
    if (!status.ok()) return session.Fail(status);
  }

  ExtentWriter::Options options;
  options.page_size_bytes = page_size_bytes;
  options.with_locations = with_locations;
  options.with_flags = details.flags || details.swap_cache;
  options.object_address = query.object_address;
  options.annotator = annotator;
  ExtentWriter writer(session, SwapAreaPathsOf(areas), mappings, options);
  // Of an object the total is not known: a position without mappings says 0.
  const std::vector<v1::Mapping> none;
  const ScanPosition position(query.object_address.has_value() ? none : mappings, query.spans,
                              page_size_bytes);
  const bool to_terminal = session.out_terminal().is_terminal;
  PageQueryEnd end;
  {
    ProgressLine progress(STDERR_FILENO, session.error_terminal(), position.total_pages());
    end = RunPageQuery(
        session.service(), query, capabilities.limits().max_ranges(),
        [&](const v1::ProcessRef& found, const v1::PageChunk& chunk) {
          progress.SetDone(position.PagesBelow(chunk.start() + chunk.pages() * page_size_bytes));
          if (!writer.Write(found, chunk)) return false;
          // Rows and progress may share the terminal.
          if (!to_terminal || chunk.extents().empty()) return true;
          progress.Hide();
          return session.out().Flush();
        });
  }

  writer.Finish(Failed(end));
  session.out().Flush();
  return TellOfEnd(session, query, end, writer.extents() > 0);
}

}  // namespace pagemapd
