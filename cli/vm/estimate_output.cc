#include "cli/vm/estimate_output.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/output/byte_size.h"
#include "cli/output/csv_row.h"
#include "cli/output/json_string.h"
#include "cli/output/table.h"
#include "cli/page_counts.h"
#include "cli/page_names.h"
#include "cli/vm/uncounted_blocks.h"

namespace pagemapd {
namespace {

// The area that certainly has this swap type; null if that is not certain.
const v1::SwapArea* AreaOf(const v1::ListSwapAreasResponse& areas, int64_t type) {
  for (const auto& name : areas.type_names()) {
    if (name.type() == type && name.area_index() < static_cast<uint32_t>(areas.areas_size())) {
      return &areas.areas(name.area_index());
    }
  }
  return nullptr;
}

nlohmann::ordered_json SwapJson(const VmEstimate& all, const MigrationEstimate& estimate) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& [type, pages] : estimate.swapped) {
    nlohmann::ordered_json entry = nlohmann::ordered_json::object();
    if (type != MigrationEstimate::kNoType) entry["type"] = type;
    const v1::SwapArea* const area = AreaOf(all.areas, type);
    if (area != nullptr) entry["area"] = area->path();
    entry["home"] = SwapHomeName(area == nullptr ? SwapHome::kUnknown : SwapHomeOf(*area));
    entry["swapped_bytes"] = pages.pages * all.page_size_bytes;
    entry["with_copy_bytes"] = pages.with_copy * all.page_size_bytes;
    entry["read_pages"] = pages.pages - pages.with_copy;
    entry["read_bytes"] = (pages.pages - pages.with_copy) * all.page_size_bytes;
    list.push_back(std::move(entry));
  }
  return list;
}

nlohmann::ordered_json EstimateJson(const VmEstimate& all, const MigrationEstimate& estimate) {
  const uint64_t page = all.page_size_bytes;
  return {{"size_bytes", SumOf(estimate.counts) * page},
          {"resident_bytes", estimate.resident() * page},
          {"swapped_bytes", estimate.counts.swapped() * page},
          {"with_copy_bytes", estimate.with_copy() * page},
          {"copy_not_told_bytes", estimate.copy_not_told * page},
          {"hole_bytes", estimate.counts.hole() * page},
          {"special_bytes", estimate.counts.special() * page},
          {"unknown_bytes", estimate.counts.unknown() * page},
          {"read_pages", estimate.to_read},
          {"read_bytes", estimate.to_read * page},
          {"send_bytes", estimate.to_send * page},
          {"grow_bytes", estimate.to_grow * page},
          {"swap", SwapJson(all, estimate)}};
}

nlohmann::ordered_json BlockJson(const VmEstimate& all, const BlockEstimate& block) {
  nlohmann::ordered_json json = {{"block", block.block->name},
                                 {"kind", KindName(block.kind)},
                                 {"shared", block.shared},
                                 {"sent", block.estimate.left_out == 0},
                                 {"hole_read", HoleReadName(HoleReadOf(block.kind))}};
  json.update(EstimateJson(all, block.estimate));
  return json;
}

std::string Size(const VmEstimate& all, uint64_t pages) {
  return ByteSize(pages * all.page_size_bytes);
}

void WriteBlocks(const Session& session, const VmEstimate& all) {
  using Align = Table::Align;
  Table table({{"BLOCK"},
               {"KIND"},
               {"SIZE", Align::kRight},
               {"RESIDENT", Align::kRight},
               {"SWAPPED", Align::kRight},
               {"WITH COPY", Align::kRight},
               {"HOLE", Align::kRight},
               {"SPECIAL", Align::kRight},
               {"UNKNOWN", Align::kRight},
               {"READ", Align::kRight},
               {"SEND", Align::kRight},
               {"GROW", Align::kRight}});
  const auto add = [&](const std::string& name, const std::string& kind,
                       const MigrationEstimate& estimate) {
    const bool none_told =
        estimate.counts.swapped() > 0 && estimate.copy_not_told == estimate.counts.swapped();
    table.AddRow({name, kind, Size(all, SumOf(estimate.counts)), Size(all, estimate.resident()),
                  Size(all, estimate.counts.swapped()),
                  none_told ? "?" : Size(all, estimate.with_copy()),
                  Size(all, estimate.counts.hole()), Size(all, estimate.counts.special()),
                  Size(all, estimate.counts.unknown()), Size(all, estimate.to_read),
                  Size(all, estimate.to_send), Size(all, estimate.to_grow)});
  };
  for (const BlockEstimate& block : all.blocks) {
    add(session.Printable(block.block->name), KindName(block.kind), block.estimate);
  }
  if (all.blocks.size() > 1) add("total", "", all.total);
  table.Write(session.with_heading(), session.out());
}

void WriteSwap(const Session& session, const VmEstimate& all) {
  using Align = Table::Align;
  Table table({{"SWAP AREA"},
               {"TYPE", Align::kRight},
               {"HOME"},
               {"SWAPPED", Align::kRight},
               {"WITH COPY", Align::kRight},
               {"READ", Align::kRight},
               {"PAGES", Align::kRight}});
  for (const auto& [type, pages] : all.total.swapped) {
    const v1::SwapArea* const area = AreaOf(all.areas, type);
    const uint64_t read = pages.pages - pages.with_copy;
    table.AddRow({area == nullptr ? "not known" : session.Printable(area->path()),
                  type == MigrationEstimate::kNoType ? "-" : absl::StrCat(type),
                  SwapHomeName(area == nullptr ? SwapHome::kUnknown : SwapHomeOf(*area)),
                  Size(all, pages.pages), Size(all, pages.with_copy), Size(all, read),
                  absl::StrCat(read)});
  }
  if (table.empty()) return;
  session.out().Append("\n");
  table.Write(session.with_heading(), session.out());
}

std::string MigrationText(const Session& session, const VmEstimate& all) {
  const MigrationStatus& status = all.migration;
  std::string text = absl::StrCat("migration: ", session.Printable(status.state));
  if (status.remaining.has_value() && status.total.has_value()) {
    absl::StrAppend(&text, ", ", ByteSize(*status.remaining), " of ", ByteSize(*status.total),
                    " left");
  }
  if (status.dirty_pages_per_second.has_value()) {
    absl::StrAppend(&text, ", ", *status.dirty_pages_per_second, " pages dirtied a second");
  }
  if (status.measured_dirty_mib_per_second.has_value()) {
    absl::StrAppend(&text, ", measured before: ", *status.measured_dirty_mib_per_second,
                    " MiB dirtied a second");
  }
  return text + "\n";
}

// What the columns mean, and what they leave open.
void WriteWords(const Session& session, const VmEstimate& all) {
  OutputStream& out = session.out();
  out.Append("\nA migration reads every page of a block, the first time all of them:\n");
  out.Append(absl::StrCat("  READ  ", Size(all, all.total.to_read), " (", all.total.to_read,
                          " pages) ", all.total.copy_not_told > 0 ? "at most " : "",
                          "from swap; it comes back into RAM\n"));
  out.Append(
      absl::StrCat("  SEND  ", Size(all, all.total.to_send),
                   " of pages that exist, once; a page of zeros, so each hole, goes as 9 bytes,\n"
                   "        and what the guest writes meanwhile goes again\n"));
  out.Append(absl::StrCat("  GROW  ", Size(all, all.total.to_grow),
                          " at most: reading a hole of shared memory allocates its page; of\n"
                          "        private memory it does not\n"));
  if (all.total.copy_not_told > 0) {
    out.Append(absl::StrCat(Size(all, all.total.copy_not_told),
                            " are private memory in swap: whether a copy is still in RAM is not "
                            "told of that\n"));
  }
  if (all.total.left_out > 0) {
    out.Append(
        absl::StrCat(Size(all, all.total.left_out),
                     " of shared memory are neither read nor sent: x-ignore-shared is on\n"));
  }
  if (all.areas.zswap_enabled() && all.total.counts.swapped() > 0) {
    out.Append("zswap is on: what is swapped may be in RAM, compressed, in place of its area\n");
  }
  out.Append(UncountedText(session, all.selected));
  out.Append(MigrationText(session, all));
}

}  // namespace

void WriteEstimate(const Session& session, const VmEstimate& all) {
  OutputStream& out = session.out();
  const nlohmann::ordered_json process = {{"pid", all.process.pid()},
                                          {"start_time_ticks", all.process.start_time_ticks()}};
  switch (session.format()) {
    case OutputFormat::kTable:
      WriteBlocks(session, all);
      WriteSwap(session, all);
      WriteWords(session, all);
      break;
    case OutputFormat::kJson: {
      nlohmann::ordered_json json = process;
      json["page_size_bytes"] = all.page_size_bytes;
      json["total"] = EstimateJson(all, all.total);
      json["blocks"] = nlohmann::ordered_json::array();
      for (const BlockEstimate& block : all.blocks) json["blocks"].push_back(BlockJson(all, block));
      json["not_counted"] = UncountedJson(all.selected);
      json["zswap_enabled"] = all.areas.zswap_enabled();
      json["migration"] = MigrationJson(all.migration);
      out.Append(JsonText(json, 2));
      out.Append("\n");
      break;
    }
    case OutputFormat::kJsonLines:
      for (const BlockEstimate& block : all.blocks) {
        nlohmann::ordered_json json = process;
        json.update(BlockJson(all, block));
        out.Append(JsonText(json, -1));
        out.Append("\n");
      }
      break;
    case OutputFormat::kCsv:
      if (session.with_heading()) {
        out.Append(
            "pid,start_time_ticks,block,kind,shared,sent,hole_read,size_bytes,resident_bytes,"
            "swapped_bytes,with_copy_bytes,copy_not_told_bytes,hole_bytes,special_bytes,"
            "unknown_bytes,read_pages,read_bytes,send_bytes,grow_bytes\n");
      }
      for (const BlockEstimate& block : all.blocks) {
        std::vector<std::string> fields = {absl::StrCat(all.process.pid()),
                                           absl::StrCat(all.process.start_time_ticks())};
        const nlohmann::ordered_json json = BlockJson(all, block);
        for (const auto& member : json.items()) {
          const nlohmann::ordered_json& value = member.value();
          if (value.is_array()) continue;
          fields.push_back(value.is_string() ? value.get<std::string>() : value.dump());
        }
        AppendCsvRow(fields, out.text());
      }
  }
}

}  // namespace pagemapd
