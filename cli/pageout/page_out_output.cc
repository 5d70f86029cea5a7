#include "cli/pageout/page_out_output.h"

#include <fmt/compile.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/output/byte_size.h"
#include "cli/output/table.h"
#include "cli/page_names.h"
#include "cli/pageout/page_out_outcome.h"

namespace pagemapd {
namespace {

template <typename Format, typename... Values>
void AppendFormat(fmt::memory_buffer& out, const Format& format, const Values&... values) {
  fmt::format_to(fmt::appender(out), format, values...);
}

}  // namespace

bool PageOutOutput::Write(const v1::ProcessRef& process, const v1::PageOutExtent& extent) {
  OutputStream& out = session_.out();
  const uint64_t end = extent.start() + extent.pages() * page_size_bytes_;
  const std::string& outcome = OutcomeName(extent.outcome());
  Open(process);
  switch (session_.format()) {
    case OutputFormat::kTable:
      Note(extent);
      return true;
    case OutputFormat::kJson:
      out.Append(extents_ == 0 ? "\n" : ",\n");
      AppendFormat(out.text(),
                   FMT_COMPILE("{{\"start\":\"0x{:x}\",\"end\":\"0x{:x}\",\"pages\":{},"
                               "\"outcome\":\"{}\"}}"),
                   extent.start(), end, extent.pages(), outcome);
      break;
    case OutputFormat::kJsonLines:
      AppendFormat(out.text(),
                   FMT_COMPILE("{{\"pid\":{},\"start_time_ticks\":{},\"start\":\"0x{:x}\","
                               "\"end\":\"0x{:x}\",\"pages\":{},\"outcome\":\"{}\"}}\n"),
                   process.pid(), process.start_time_ticks(), extent.start(), end, extent.pages(),
                   outcome);
      break;
    case OutputFormat::kCsv:
      AppendFormat(out.text(), FMT_COMPILE("{},{},0x{:x},0x{:x},{},{}\n"), process.pid(),
                   process.start_time_ticks(), extent.start(), end, extent.pages(), outcome);
  }
  ++extents_;
  return out.EndRow();
}

void PageOutOutput::Finish(const PageOutTotal& total) {
  if (!total.process.has_value()) return;
  OutputStream& out = session_.out();
  Open(*total.process);
  switch (session_.format()) {
    case OutputFormat::kTable:
      WriteTable(total);
      break;
    case OutputFormat::kJson:
      out.Append(extents_ == 0 ? "]," : "\n],");
      AppendTotals(total);
      break;
    case OutputFormat::kJsonLines:
      AppendFormat(out.text(), FMT_COMPILE("{{\"pid\":{},\"start_time_ticks\":{},\"dry_run\":{},"),
                   total.process->pid(), total.process->start_time_ticks(), dry_run_);
      AppendTotals(total);
      break;
    case OutputFormat::kCsv:
      break;
  }
}

void PageOutOutput::Open(const v1::ProcessRef& process) {
  if (std::exchange(opened_, true)) return;
  if (session_.format() == OutputFormat::kJson) {
    AppendFormat(session_.out().text(),
                 FMT_COMPILE("{{\"pid\":{},\"start_time_ticks\":{},\"dry_run\":{},\"extents\":["),
                 process.pid(), process.start_time_ticks(), dry_run_);
  }
  if (session_.format() == OutputFormat::kCsv && session_.with_heading()) {
    session_.out().Append("pid,start_time_ticks,start,end,pages,outcome\n");
  }
}

void PageOutOutput::AppendTotals(const PageOutTotal& total) {
  fmt::memory_buffer& out = session_.out().text();
  AppendFormat(out, FMT_COMPILE("\"asked\":{},\"attempted\":{},\"achieved\":{},\"outcomes\":{{"),
               total.counts.asked(), total.counts.attempted(), total.counts.achieved());
  absl::string_view separator = "";
  for (const auto& entry : total.counts.outcomes()) {
    AppendFormat(out, FMT_COMPILE("{}\"{}\":{}"),
                 fmt::string_view(separator.data(), separator.size()), OutcomeName(entry.outcome()),
                 entry.pages());
    separator = ",";
  }
  AppendFormat(out, FMT_COMPILE("}},\"mappings_changed\":{}}}\n"), total.mappings_changed);
}

void PageOutOutput::Note(const v1::PageOutExtent& extent) {
  if (IsFine(extent.outcome())) return;
  Hindrance& hindrance = hindrances_[extent.outcome()];
  const AddressSpan span = {extent.start(), extent.start() + extent.pages() * page_size_bytes_};
  // Messages and calls end where they end, in the middle of a run as well.
  if (hindrance.ranges > 0 && hindrance.last_end == span.start) {
    if (hindrance.ranges <= kRangesShown) hindrance.first.back().end = span.end;
  } else if (++hindrance.ranges <= kRangesShown) {
    hindrance.first.push_back(span);
  }
  hindrance.last_end = span.end;
}

void PageOutOutput::WriteTable(const PageOutTotal& total) {
  using Align = Table::Align;
  const auto size = [&](uint64_t pages) { return ByteSize(pages * page_size_bytes_); };
  Table sums({{"PAGES", Align::kRight},
              {"SIZE", Align::kRight},
              {absl::StrCat("OF PROCESS ", total.process->pid())}});
  for (const auto& [pages, name] : {std::pair(total.counts.asked(), "asked for"),
                                    std::pair(total.counts.attempted(), "attempted"),
                                    std::pair(total.counts.achieved(), "achieved")}) {
    sums.AddRow({absl::StrCat(pages), size(pages), name});
  }
  sums.Write(session_.with_heading(), session_.out());

  Table outcomes({{"PAGES", Align::kRight}, {"SIZE", Align::kRight}, {"OUTCOME"}, {"WHERE"}});
  for (const auto& entry : total.counts.outcomes()) {
    std::vector<std::string> where;
    const auto hindrance = hindrances_.find(entry.outcome());
    if (hindrance != hindrances_.end()) {
      for (const AddressSpan& span : hindrance->second.first) where.push_back(ToString(span));
      if (hindrance->second.ranges > kRangesShown) {
        where.push_back(absl::StrCat("and ", hindrance->second.ranges - kRangesShown, " more"));
      }
    }
    outcomes.AddRow({absl::StrCat(entry.pages()), size(entry.pages()),
                     std::string(OutcomeText(entry.outcome())), absl::StrJoin(where, ", ")});
  }
  if (outcomes.empty()) return;
  session_.out().Append("\n");
  outcomes.Write(session_.with_heading(), session_.out());
}

}  // namespace pagemapd
