#include "cli/vm/vm_summary_command.h"

#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/output/byte_size.h"
#include "cli/output/csv_row.h"
#include "cli/output/json_string.h"
#include "cli/output/table.h"
#include "cli/page_counts.h"
#include "cli/page_line.h"
#include "cli/swap_use.h"
#include "cli/vm/block_summaries.h"
#include "cli/vm/uncounted_blocks.h"
#include "cli/vm/vm_target.h"

namespace pagemapd {
namespace {

using SwapUses = google::protobuf::RepeatedPtrField<v1::SwapUse>;

// All of them together.
v1::TargetSummary TotalOf(const std::vector<BlockSummary>& blocks) {
  v1::TargetSummary total;
  // By type; -1: not told.
  std::map<int64_t, uint64_t> swapped;
  for (const BlockSummary& block : blocks) {
    AddCounts(block.summary.total(), total.mutable_total());
    for (const v1::SwapUse& use : block.summary.swap()) {
      swapped[use.has_type() ? use.type() : -1] += use.pages();
    }
  }
  for (const auto& [type, pages] : swapped) {
    v1::SwapUse& use = *total.add_swap();
    if (type >= 0) use.set_type(type);
    use.set_pages(pages);
  }
  return total;
}

nlohmann::ordered_json Json(const v1::TargetSummary& summary, const SwapAreaPaths& areas) {
  nlohmann::ordered_json json;
  PutCounts(summary.total(), &json);
  json["swap"] = SwapUseJson(summary.swap(), areas);
  return json;
}

nlohmann::ordered_json BlockJson(const BlockSummary& block, const SwapAreaPaths& areas) {
  nlohmann::ordered_json json = {{"block", block.block->name},
                                 {"size_bytes", block.block->size_bytes}};
  json.update(Json(block.summary, areas));
  return json;
}

void WriteTable(const Session& session, const std::vector<BlockSummary>& blocks,
                const v1::TargetSummary& total, const SwapAreaPaths& areas,
                uint64_t page_size_bytes) {
  using Align = Table::Align;
  std::vector<Table::Column> columns = {{"BLOCK"}};
  for (const char* heading :
       {"HOLE", "MAPPED", "CACHED", "SWAPPED", "SPECIAL", "UNKNOWN", "PAGES", "SIZE"}) {
    columns.push_back({heading, Align::kRight});
  }
  Table table(std::move(columns));
  Table swap({{"BLOCK"},
              {"SWAP AREA"},
              {"TYPE", Align::kRight},
              {"PAGES", Align::kRight},
              {"SIZE", Align::kRight}});
  const auto add = [&](const std::string& name, const v1::TargetSummary& summary) {
    std::vector<std::string> row = {name};
    for (std::string& text : CountTexts(summary.total())) row.push_back(std::move(text));
    const uint64_t pages = SumOf(summary.total());
    row.push_back(absl::StrCat(pages));
    row.push_back(ByteSize(pages * page_size_bytes));
    table.AddRow(std::move(row));
    for (const v1::SwapUse& use : summary.swap()) {
      const auto area = use.has_type() ? areas.find(use.type()) : areas.end();
      swap.AddRow({name, area == areas.end() ? "not known" : session.Printable(area->second),
                   use.has_type() ? absl::StrCat(use.type()) : "-", absl::StrCat(use.pages()),
                   ByteSize(use.pages() * page_size_bytes)});
    }
  };
  for (const BlockSummary& block : blocks) add(session.Printable(block.block->name), block.summary);
  if (blocks.size() > 1) add("total", total);
  table.Write(session.with_heading(), session.out());
  if (swap.empty()) return;
  session.out().Append("\n");
  swap.Write(session.with_heading(), session.out());
}

}  // namespace

ExitCode RunVmSummary(const Session& session, const VmSummaryOptions& options) {
  std::optional<VmTarget> vm;
  const ExitCode opened = VmTarget::Open(session, options.qmp_path, &vm);
  if (!vm.has_value()) return opened;
  const auto selected = vm->Select(options.blocks);
  if (!selected.ok()) return vm->Fail(selected.status());
  const auto known = vm->SelectKnown(options.blocks);
  if (!known.ok()) return vm->Fail(known.status());
  v1::ListSwapAreasResponse swap_areas;
  {
    grpc::ClientContext context;
    const grpc::Status status = session.service().ListSwapAreas(&context, {}, &swap_areas);
    if (!status.ok()) return session.Fail(status);
  }
  const SwapAreaPaths areas = SwapAreaPathsOf(swap_areas);

  ExitTally tally;
  const std::vector<BlockSummary> blocks = SummarizeBlocks(*vm, *known, &tally);
  if (blocks.empty()) return tally.code();
  const v1::TargetSummary total = TotalOf(blocks);
  const v1::ProcessRef& process = vm->process();
  OutputStream& out = session.out();
  switch (session.format()) {
    case OutputFormat::kTable: {
      WriteTable(session, blocks, total, areas, vm->page_size_bytes());
      const std::string uncounted = UncountedText(session, *selected);
      if (!uncounted.empty()) out.Append("\n" + uncounted);
      break;
    }
    case OutputFormat::kJson: {
      nlohmann::ordered_json list = nlohmann::ordered_json::array();
      for (const BlockSummary& block : blocks) list.push_back(BlockJson(block, areas));
      out.Append(JsonText({{"pid", process.pid()},
                           {"start_time_ticks", process.start_time_ticks()},
                           {"total", Json(total, areas)},
                           {"blocks", std::move(list)},
                           {"not_counted", UncountedJson(*selected)}},
                          2));
      out.Append("\n");
      break;
    }
    case OutputFormat::kJsonLines:
      for (const BlockSummary& block : blocks) {
        nlohmann::ordered_json json = {{"pid", process.pid()},
                                       {"start_time_ticks", process.start_time_ticks()}};
        json.update(BlockJson(block, areas));
        out.Append(JsonText(json, -1));
        out.Append("\n");
      }
      break;
    case OutputFormat::kCsv:
      if (session.with_heading()) {
        out.Append(
            "pid,start_time_ticks,block,size_bytes,hole,mapped,cached,swapped,special,unknown\n");
      }
      for (const BlockSummary& block : blocks) {
        std::vector<std::string> fields = {
            absl::StrCat(process.pid()), absl::StrCat(process.start_time_ticks()),
            block.block->name, absl::StrCat(block.block->size_bytes)};
        for (std::string& text : CountTexts(block.summary.total())) {
          fields.push_back(std::move(text));
        }
        AppendCsvRow(fields, out.text());
      }
  }
  return vm->Finish(tally.code());
}

}  // namespace pagemapd
