#include "cli/pages_command.h"

#include <unistd.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/output/byte_size.h"
#include "cli/output/printable_text.h"
#include "cli/output/progress_line.h"
#include "cli/page_line.h"
#include "cli/page_names.h"
#include "cli/page_query.h"
#include "cli/process_mappings.h"

namespace pagemapd {
namespace {

// Writes extents in one format as they come.
class ExtentWriter {
 public:
  // `mappings` name the extents of a table; for extents of an object the one at its address does.
  ExtentWriter(const Session& session, PageLineWriter lines,
               const std::vector<v1::Mapping>& mappings, std::optional<uint64_t> object_address,
               uint64_t page_size_bytes, bool with_locations, bool with_flags)
      : session_(session),
        lines_(std::move(lines)),
        mappings_(mappings),
        object_address_(object_address),
        page_size_bytes_(page_size_bytes),
        with_locations_(with_locations),
        with_flags_(with_flags) {}

  // False once the output takes no more.
  bool Write(const v1::ProcessRef& process, const v1::PageChunk& chunk) {
    for (const v1::PageExtent& extent : chunk.extents()) {
      Open();
      WriteExtent(process, chunk, extent);
      ++extents_;
      if (!session_.out().EndRow()) return false;
    }
    return true;
  }

  // Ends the document. Without extents there is none if the query failed.
  void Finish(bool failed) {
    if (extents_ == 0 && failed) return;
    Open();
    if (session_.format() == OutputFormat::kJson) {
      session_.out().Append(extents_ == 0 ? "]\n" : "\n]\n");
    }
  }

  uint64_t extents() const { return extents_; }

 private:
  void Open() {
    if (std::exchange(opened_, true)) return;
    OutputStream& out = session_.out();
    if (session_.format() == OutputFormat::kJson) out.Append("[");
    if (!session_.with_heading()) return;
    if (session_.format() == OutputFormat::kCsv) out.Append(PageLineWriter::kCsvHeading);
    if (session_.format() == OutputFormat::kTable) {
      AppendRow(object_address_.has_value() ? "OFFSET" : "RANGE", "PAGES", "SIZE", "STATE",
                "LOCATION", "FLAGS", "MAPPING");
    }
  }

  void WriteExtent(const v1::ProcessRef& process, const v1::PageChunk& chunk,
                   const v1::PageExtent& extent) {
    OutputStream& out = session_.out();
    switch (session_.format()) {
      case OutputFormat::kJson:
        out.Append(extents_ == 0 ? "\n" : ",\n");
        lines_.AppendJson(process, chunk, extent, out.text());
        break;
      case OutputFormat::kJsonLines:
        lines_.AppendJson(process, chunk, extent, out.text());
        out.Append("\n");
        break;
      case OutputFormat::kCsv:
        lines_.AppendCsv(process, chunk, extent, out.text());
        break;
      case OutputFormat::kTable:
        WriteTableRow(extent);
    }
  }

  void WriteTableRow(const v1::PageExtent& extent) {
    const uint64_t bytes = extent.pages() * page_size_bytes_;
    const v1::Mapping* mapping = MappingAt(mappings_, object_address_.value_or(extent.start()));
    if (mapping != named_) {
      named_ = mapping;
      name_ = mapping == nullptr ? "-" : session_.Printable(MappingName(*mapping));
    }
    const auto or_dash = [](std::string text) { return text.empty() ? std::string("-") : text; };
    AppendRow(ToString(AddressSpan{extent.start(), extent.start() + bytes}),
              absl::StrCat(extent.pages()), ByteSize(bytes), StateName(extent.state()),
              with_locations_ ? or_dash(session_.Printable(lines_.LocationText(extent))) : "",
              with_flags_ ? or_dash(absl::StrJoin(FlagNames(extent.flags()), ",")) : "", name_);
  }

  // The rows are too many to fit the columns to them: the widths are what most rows need.
  void AppendRow(const std::string& range, const std::string& pages, const std::string& size,
                 const std::string& state, const std::string& location, const std::string& flags,
                 const std::string& mapping) {
    AppendCell(range, 25, /*right=*/false);
    AppendCell(pages, 8, /*right=*/true);
    AppendCell(size, 5, /*right=*/true);
    AppendCell(state, 7, /*right=*/false);
    if (with_locations_) AppendCell(location, 20, /*right=*/false);
    if (with_flags_) AppendCell(flags, 24, /*right=*/false);
    session_.out().Append(mapping);
    session_.out().Append("\n");
  }

  void AppendCell(const std::string& text, size_t width, bool right) {
    static constexpr char kSpaces[] = "                         ";
    const size_t columns = TextColumns(text);
    const absl::string_view padding(kSpaces, columns < width ? width - columns : 0);
    OutputStream& out = session_.out();
    if (right) out.Append(padding);
    out.Append(text);
    if (!right) out.Append(padding);
    out.Append("  ");
  }

  const Session& session_;
  const PageLineWriter lines_;
  const std::vector<v1::Mapping>& mappings_;
  const std::optional<uint64_t> object_address_;
  const uint64_t page_size_bytes_;
  const bool with_locations_;
  const bool with_flags_;
  bool opened_ = false;
  uint64_t extents_ = 0;
  // The mapping of the last row, and its name: most rows have the same.
  const v1::Mapping* named_ = nullptr;
  std::string name_ = "-";
};

}  // namespace

ExitCode RunPages(const Session& session, const PagesOptions& options) {
  const bool table = session.format() == OutputFormat::kTable;
  const bool with_locations = options.locations.value_or(!table);
  const bool of_object = options.object_address.has_value();

  v1::GetCapabilitiesResponse capabilities;
  grpc::Status status = session.GetCapabilities(&capabilities);
  if (!status.ok()) return session.Fail(status);
  const uint64_t page_size_bytes = capabilities.page_size_bytes();

  PageQuery query;
  query.process.set_pid(options.pid);
  query.object_address = options.object_address;
  query.spans = Union(options.ranges);
  query.view = options.view;
  query.states = options.states;
  if (with_locations) query.fields.push_back(v1::PAGE_FIELD_LOCATION);
  if (!table) {
    query.fields.insert(query.fields.end(), {v1::PAGE_FIELD_FLAGS, v1::PAGE_FIELD_SOURCE});
  }
  if (options.flags) query.fields.push_back(v1::PAGE_FIELD_FRAME_FLAGS);
  if (options.swap_cache) query.fields.push_back(v1::PAGE_FIELD_SWAP_CACHE);

  ProcessMappings process;
  // How large an object is they do not tell: they are not worth a call for its progress.
  if (table || !options.globs.empty() || (session.error_terminal().is_terminal && !of_object)) {
    status = ListAllMappings(session.service(), options.pid, /*include_vm_flags=*/false, &process);
    if (!status.ok()) return session.Fail(status);
    query.process = process.process;
    std::string unmatched;
    if (!SelectSpans(process.mappings, options.globs, options.ranges, &query.spans, &unmatched)) {
      session.Complain(absl::StrCat("no mapping of process ", options.pid, " matches ", unmatched));
      return ExitCode::kFailed;
    }
  }
  v1::ListSwapAreasResponse areas;
  if (with_locations) {
    grpc::ClientContext context;
    status = session.service().ListSwapAreas(&context, {}, &areas);
    if (!status.ok()) return session.Fail(status);
  }

  ExtentWriter writer(session,
                      PageLineWriter(page_size_bytes, SwapAreaPathsOf(areas),
                                     of_object ? StartOrigin::kObject : StartOrigin::kAddressSpace),
                      process.mappings, options.object_address, page_size_bytes, with_locations,
                      options.flags || options.swap_cache);
  // Of an object the total is not known: a position without mappings says 0.
  const std::vector<v1::Mapping> none;
  const ScanPosition position(of_object ? none : process.mappings, query.spans, page_size_bytes);
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

  const bool failed = !end.status.ok() || end.error.has_value();
  writer.Finish(failed);
  session.out().Flush();
  ExitTally tally;
  if (writer.extents() > 0 || !failed) tally.Answered();
  if (!end.status.ok()) tally.Failed(session.Fail(end.status));
  if (end.error.has_value()) tally.Failed(session.Fail(*end.error));
  if (end.mappings_changed) {
    session.Complain(
        absl::StrCat("note: the mappings of process ", options.pid, " changed during the scan"));
  }
  return tally.code();
}

}  // namespace pagemapd
