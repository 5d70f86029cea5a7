#include "cli/summary_command.h"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/address_span.h"
#include "cli/output/byte_size.h"
#include "cli/output/csv_row.h"
#include "cli/output/json_string.h"
#include "cli/output/progress_line.h"
#include "cli/output/table.h"
#include "cli/page_counts.h"
#include "cli/page_line.h"
#include "cli/page_names.h"
#include "cli/process_mappings.h"
#include "cli/swap_use.h"

namespace pagemapd {
namespace {

std::string Hex(uint64_t address) { return absl::StrCat("0x", absl::Hex(address)); }

// Takes the summaries of processes one by one and writes them in one format.
class SummaryWriter {
 public:
  SummaryWriter(const Session& session, const SummaryOptions& options, uint64_t page_size_bytes,
                SwapAreaPaths areas)
      : session_(session),
        options_(options),
        page_size_bytes_(page_size_bytes),
        areas_(std::move(areas)) {}

  void Add(const v1::TargetSummary& summary);
  void Finish();

 private:
  nlohmann::ordered_json Json(const v1::TargetSummary& summary) const;
  void AddJson(const v1::TargetSummary& summary);
  void AddTableRows(const v1::TargetSummary& summary);
  void AddCsvRows(const v1::TargetSummary& summary);
  void AddTableRow(std::vector<std::string> names, const v1::PageCounts& counts);
  void FinishTable();

  const Session& session_;
  const SummaryOptions& options_;
  const uint64_t page_size_bytes_;
  const SwapAreaPaths areas_;

  bool json_written_ = false;
  bool csv_heading_written_ = false;

  std::vector<std::vector<std::string>> rows_;
  Table swap_{{{"PID", Table::Align::kRight},
               {"SWAP AREA"},
               {"TYPE", Table::Align::kRight},
               {"PAGES", Table::Align::kRight},
               {"SIZE", Table::Align::kRight}}};
  Table folios_{{{"PID", Table::Align::kRight},
                 {"ORDER", Table::Align::kRight},
                 {"FOLIO", Table::Align::kRight},
                 {"RESIDENT", Table::Align::kRight},
                 {"SWAPPED", Table::Align::kRight}}};
  int answered_ = 0;
  v1::PageCounts total_;
};

nlohmann::ordered_json SummaryWriter::Json(const v1::TargetSummary& summary) const {
  nlohmann::ordered_json json = {{"pid", summary.process().pid()},
                                 {"start_time_ticks", summary.process().start_time_ticks()}};
  PutCounts(summary.total(), &json["total"]);
  if (summary.mappings_truncated()) json["mappings_truncated"] = true;
  json["mappings"] = nlohmann::ordered_json::array();
  for (const v1::MappingSummary& mapping : summary.mappings()) {
    nlohmann::ordered_json entry = {{"start", Hex(mapping.mapping().range().start())},
                                    {"end", Hex(mapping.mapping().range().end())},
                                    {"kind", KindName(mapping.mapping().kind())},
                                    {"path", mapping.mapping().path()}};
    PutCounts(mapping.counts(), &entry);
    json["mappings"].push_back(std::move(entry));
  }
  json["swap"] = SwapUseJson(summary.swap(), areas_);
  if (!options_.folios) return json;
  json["folios"] = nlohmann::ordered_json::array();
  for (const v1::FolioSize& size : summary.folios()) {
    json["folios"].push_back({{"order", size.order()},
                              {"resident_pages", size.resident_pages()},
                              {"swapped_pages", size.swapped_pages()}});
  }
  return json;
}

// One process is a document, and several are an array, of which only one is held at a time.
void SummaryWriter::AddJson(const v1::TargetSummary& summary) {
  std::string text = JsonText(Json(summary), 2);
  if (options_.pids.size() != 1) {
    session_.out().Append(json_written_ ? ",\n  " : "[\n  ");
    text = absl::StrReplaceAll(text, {{"\n", "\n  "}});
  }
  session_.out().Append(text);
  session_.out().EndRow();
  json_written_ = true;
}

void SummaryWriter::AddTableRow(std::vector<std::string> names, const v1::PageCounts& counts) {
  for (std::string& text : CountTexts(counts)) names.push_back(std::move(text));
  const uint64_t pages = SumOf(counts);
  names.push_back(absl::StrCat(pages));
  names.push_back(ByteSize(pages * page_size_bytes_));
  rows_.push_back(std::move(names));
}

void SummaryWriter::AddTableRows(const v1::TargetSummary& summary) {
  const std::string pid = absl::StrCat(summary.process().pid());
  if (options_.mappings) {
    for (const v1::MappingSummary& mapping : summary.mappings()) {
      const v1::AddressRange& range = mapping.mapping().range();
      AddTableRow({pid, ToString(AddressSpan{range.start(), range.end()}),
                   session_.Printable(MappingName(mapping.mapping()))},
                  mapping.counts());
    }
    AddTableRow({pid, "all", ""}, summary.total());
  } else {
    AddTableRow({pid}, summary.total());
  }
  for (const v1::SwapUse& use : summary.swap()) {
    const auto area = use.has_type() ? areas_.find(use.type()) : areas_.end();
    swap_.AddRow({pid, area == areas_.end() ? "not known" : session_.Printable(area->second),
                  use.has_type() ? absl::StrCat(use.type()) : "-", absl::StrCat(use.pages()),
                  ByteSize(use.pages() * page_size_bytes_)});
  }
  for (const v1::FolioSize& size : summary.folios()) {
    // Bounded, since the kernel knows no order near it and a shift must stay within its type.
    const std::string folio = size.order() < 40 ? ByteSize(page_size_bytes_ << size.order()) : "?";
    folios_.AddRow({pid, absl::StrCat(size.order()), folio, absl::StrCat(size.resident_pages()),
                    absl::StrCat(size.swapped_pages())});
  }
  ++answered_;
  AddCounts(summary.total(), &total_);
}

void SummaryWriter::AddCsvRows(const v1::TargetSummary& summary) {
  OutputStream& out = session_.out();
  if (!csv_heading_written_ && session_.with_heading()) {
    out.Append(
        "pid,start_time_ticks,start,end,kind,path,hole,mapped,cached,swapped,special,unknown\n");
  }
  csv_heading_written_ = true;
  for (const v1::MappingSummary& mapping : summary.mappings()) {
    std::vector<std::string> fields = {
        absl::StrCat(summary.process().pid()),  absl::StrCat(summary.process().start_time_ticks()),
        Hex(mapping.mapping().range().start()), Hex(mapping.mapping().range().end()),
        KindName(mapping.mapping().kind()),     mapping.mapping().path()};
    for (std::string& text : CountTexts(mapping.counts())) fields.push_back(std::move(text));
    AppendCsvRow(fields, out.text());
    out.EndRow();
  }
}

void SummaryWriter::Add(const v1::TargetSummary& summary) {
  switch (session_.format()) {
    case OutputFormat::kTable:
      AddTableRows(summary);
      break;
    case OutputFormat::kJson:
      AddJson(summary);
      break;
    case OutputFormat::kJsonLines:
      session_.out().Append(JsonText(Json(summary), -1));
      session_.out().Append("\n");
      session_.out().EndRow();
      break;
    case OutputFormat::kCsv:
      AddCsvRows(summary);
  }
}

void SummaryWriter::FinishTable() {
  using Align = Table::Align;
  if (answered_ == 0) return;
  std::vector<Table::Column> columns = {{"PID", Align::kRight}};
  if (options_.mappings) {
    columns.push_back({"RANGE"});
    columns.push_back({"PATH"});
  }
  for (const char* heading :
       {"HOLE", "MAPPED", "CACHED", "SWAPPED", "SPECIAL", "UNKNOWN", "PAGES", "SIZE"}) {
    columns.push_back({heading, Align::kRight});
  }
  if (answered_ > 1) {
    std::vector<std::string> names = {"total"};
    if (options_.mappings) names.insert(names.end(), {"", ""});
    AddTableRow(std::move(names), total_);
  }
  Table table(std::move(columns));
  for (std::vector<std::string>& row : rows_) table.AddRow(std::move(row));
  table.Write(session_.with_heading(), session_.out());
  for (const Table* more : {&swap_, &folios_}) {
    if (more->empty()) continue;
    session_.out().Append("\n");
    more->Write(session_.with_heading(), session_.out());
  }
}

void SummaryWriter::Finish() {
  if (session_.format() == OutputFormat::kTable) FinishTable();
  if (session_.format() == OutputFormat::kJson && json_written_) {
    session_.out().Append(options_.pids.size() == 1 ? "\n" : "\n]\n");
  }
}

v1::SummarizePagesRequest RequestFor(const Session& session, const SummaryOptions& options) {
  v1::SummarizePagesRequest request;
  request.set_view(v1::VIEW_PROCESS);
  request.set_include_mappings(options.mappings || session.format() != OutputFormat::kTable);
  request.set_include_folios(options.folios && session.format() != OutputFormat::kCsv);
  return request;
}

grpc::Status Ask(const Session& session, const v1::SummarizePagesRequest& request,
                 v1::SummarizePagesResponse* response) {
  ProgressLine progress(STDERR_FILENO, session.error_terminal(), 0);
  grpc::ClientContext context;
  const grpc::Status status = session.service().SummarizePages(&context, request, response);
  if (status.ok() && response->targets_size() != request.targets_size()) {
    return grpc::Status(grpc::StatusCode::INTERNAL, "the daemon did not answer all targets");
  }
  return status;
}

// The targets of a call share the room for mappings. Asks about that of `summary` again, alone, for
// it to have all of that. If the call fails `summary` stays.
grpc::Status AskAlone(const Session& session, const SummaryOptions& options,
                      v1::TargetSummary* summary) {
  v1::SummarizePagesRequest request = RequestFor(session, options);
  *request.add_targets()->mutable_process() = summary->process();
  v1::SummarizePagesResponse response;
  grpc::Status status = Ask(session, request, &response);
  if (status.ok()) *summary = std::move(*response.mutable_targets(0));
  return status;
}

}  // namespace

ExitCode RunSummary(const Session& session, const SummaryOptions& options) {
  v1::GetCapabilitiesResponse capabilities;
  grpc::Status status = session.GetCapabilities(&capabilities);
  if (!status.ok()) return session.Fail(status);
  v1::ListSwapAreasResponse areas;
  {
    grpc::ClientContext context;
    status = session.service().ListSwapAreas(&context, {}, &areas);
    if (!status.ok()) return session.Fail(status);
  }

  SummaryWriter writer(session, options, capabilities.page_size_bytes(), SwapAreaPathsOf(areas));
  ExitTally tally;
  const size_t step = std::max<size_t>(capabilities.limits().max_targets(), 1);
  for (size_t next = 0; next < options.pids.size();) {
    v1::SummarizePagesRequest request = RequestFor(session, options);
    for (const size_t end = std::min(options.pids.size(), next + step); next < end; ++next) {
      request.add_targets()->mutable_process()->set_pid(options.pids[next]);
    }
    v1::SummarizePagesResponse response;
    status = Ask(session, request, &response);
    if (!status.ok()) {
      tally.Failed(session.Fail(status));
      break;
    }
    for (v1::TargetSummary& summary : *response.mutable_targets()) {
      if (summary.mappings_truncated() && !summary.has_error() && response.targets_size() > 1) {
        status = AskAlone(session, options, &summary);
        if (!status.ok()) tally.Failed(session.Fail(status));
      }
      if (summary.has_error()) {
        tally.Failed(session.Fail(summary.error()));
        continue;
      }
      tally.Answered();
      const int32_t pid = summary.process().pid();
      if (summary.mappings_changed()) {
        session.Complain(
            absl::StrCat("note: the mappings of process ", pid, " changed during the scan"));
      }
      if (summary.mappings_truncated()) {
        session.Complain(absl::StrCat("note: process ", pid,
                                      " has more mappings than are listed; its total counts all"));
        tally.Failed(ExitCode::kPartlyDone);
      }
      writer.Add(summary);
    }
  }
  writer.Finish();
  return tally.code();
}

}  // namespace pagemapd
