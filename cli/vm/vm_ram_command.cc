#include "cli/vm/vm_ram_command.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/address_span.h"
#include "cli/output/byte_size.h"
#include "cli/output/csv_row.h"
#include "cli/output/json_string.h"
#include "cli/output/table.h"
#include "cli/page_line.h"
#include "cli/page_names.h"
#include "cli/vm/vm_target.h"

namespace pagemapd {
namespace {

std::string Hex(uint64_t address) { return absl::StrCat("0x", absl::Hex(address)); }

// The mapping that a block begins in; null if it is not known where it is.
const v1::Mapping* MappingOf(const VmTarget& vm, const RamBlock& block) {
  return block.host_address.has_value() ? MappingAt(vm.mappings(), *block.host_address) : nullptr;
}

nlohmann::ordered_json BackendJson(const MemoryBackend& backend) {
  nlohmann::ordered_json json = {{"id", backend.id},
                                 {"share", backend.share},
                                 {"prealloc", backend.prealloc},
                                 {"policy", backend.policy},
                                 {"host_nodes", backend.host_nodes}};
  if (backend.guest_node.has_value()) json["guest_node"] = *backend.guest_node;
  return json;
}

nlohmann::ordered_json BlockJson(const VmTarget& vm, const RamBlock& block) {
  nlohmann::ordered_json json = {{"block", block.name},
                                 {"size_bytes", block.size_bytes},
                                 {"max_bytes", block.max_bytes},
                                 {"page_size_bytes", block.page_size_bytes}};
  if (block.host_address.has_value()) {
    json["start"] = Hex(*block.host_address);
    json["end"] = Hex(block.host_end());
  } else {
    json["not_known"] = block.why_not;
  }
  if (const v1::Mapping* mapping = MappingOf(vm, block)) {
    json["kind"] = KindName(mapping->kind());
    json["shared"] = mapping->shared();
    json["path"] = mapping->path();
    if (mapping->has_object()) {
      json["object"] = ObjectText(mapping->object());
      json["index"] = (mapping->offset_bytes() + (*block.host_address - mapping->range().start())) /
                      vm.page_size_bytes();
    }
  }
  if (block.backend.has_value()) json["memdev"] = BackendJson(*block.backend);
  json["guest"] = nlohmann::ordered_json::array();
  for (const GuestRange& range : block.guest_ranges) {
    json["guest"].push_back({{"start", Hex(range.start)},
                             {"end", Hex(range.end)},
                             {"offset", Hex(range.offset)},
                             {"read_only", range.read_only}});
  }
  return json;
}

void WriteTable(const VmTarget& vm) {
  const Session& session = vm.session();
  using Align = Table::Align;
  Table table({{"BLOCK"},
               {"SIZE", Align::kRight},
               {"HOST"},
               {"KIND"},
               {"SHARE"},
               {"PAGE", Align::kRight},
               {"NODE", Align::kRight},
               {"GPA"},
               {"MAPPING"}});
  for (const RamBlock& block : vm.blocks()) {
    const v1::Mapping* const mapping = MappingOf(vm, block);
    const bool with_node = block.backend.has_value() && block.backend->guest_node.has_value();
    std::vector<std::string> row = {
        session.Printable(block.name),
        ByteSize(block.size_bytes),
        mapping == nullptr ? "-" : ToString(AddressSpan{*block.host_address, block.host_end()}),
        mapping == nullptr ? "-" : KindName(mapping->kind()),
        mapping == nullptr ? "-" : (mapping->shared() ? "shared" : "private"),
        ByteSize(block.page_size_bytes),
        with_node ? absl::StrCat(*block.backend->guest_node) : "-",
        "-",
        mapping == nullptr ? "-" : session.Printable(MappingName(*mapping))};
    // A row more for each range beyond the first.
    for (const GuestRange& range : block.guest_ranges) {
      row[7] = ToString(AddressSpan{range.start, range.end});
      table.AddRow(std::exchange(row, std::vector<std::string>(row.size())));
    }
    if (block.guest_ranges.empty()) table.AddRow(std::move(row));
  }
  table.Write(session.with_heading(), session.out());
}

void WriteCsv(const VmTarget& vm) {
  OutputStream& out = vm.session().out();
  if (vm.session().with_heading()) {
    out.Append(
        "pid,start_time_ticks,block,size_bytes,max_bytes,page_size_bytes,start,end,kind,shared,"
        "path,object,memdev,guest_node,guest_start,guest_end,guest_offset,guest_read_only\n");
  }
  for (const RamBlock& block : vm.blocks()) {
    const v1::Mapping* const mapping = MappingOf(vm, block);
    const bool known = mapping != nullptr;
    const bool with_node = block.backend.has_value() && block.backend->guest_node.has_value();
    const std::vector<std::string> fields = {
        absl::StrCat(vm.process().pid()),
        absl::StrCat(vm.process().start_time_ticks()),
        block.name,
        absl::StrCat(block.size_bytes),
        absl::StrCat(block.max_bytes),
        absl::StrCat(block.page_size_bytes),
        known ? Hex(*block.host_address) : "",
        known ? Hex(block.host_end()) : "",
        known ? KindName(mapping->kind()) : "",
        known ? (mapping->shared() ? "true" : "false") : "",
        known ? mapping->path() : "",
        known && mapping->has_object() ? ObjectText(mapping->object()) : "",
        block.backend.has_value() ? block.backend->id : "",
        with_node ? absl::StrCat(*block.backend->guest_node) : ""};
    const auto add = [&](std::vector<std::string> guest) {
      std::vector<std::string> row = fields;
      row.insert(row.end(), guest.begin(), guest.end());
      AppendCsvRow(row, out.text());
    };
    for (const GuestRange& range : block.guest_ranges) {
      add({Hex(range.start), Hex(range.end), Hex(range.offset),
           range.read_only ? "true" : "false"});
    }
    if (block.guest_ranges.empty()) add({"", "", "", ""});
  }
}

}  // namespace

ExitCode RunVmRam(const Session& session, const VmRamOptions& options) {
  std::optional<VmTarget> vm;
  const ExitCode opened = VmTarget::Open(session, options.qmp_path, &vm);
  if (!vm.has_value()) return opened;
  const v1::ProcessRef& process = vm->process();
  OutputStream& out = session.out();
  switch (session.format()) {
    case OutputFormat::kTable:
      WriteTable(*vm);
      break;
    case OutputFormat::kJson: {
      nlohmann::ordered_json blocks = nlohmann::ordered_json::array();
      for (const RamBlock& block : vm->blocks()) blocks.push_back(BlockJson(*vm, block));
      out.Append(JsonText({{"pid", process.pid()},
                           {"start_time_ticks", process.start_time_ticks()},
                           {"blocks", std::move(blocks)}},
                          2));
      out.Append("\n");
      break;
    }
    case OutputFormat::kJsonLines:
      for (const RamBlock& block : vm->blocks()) {
        nlohmann::ordered_json json = {{"pid", process.pid()},
                                       {"start_time_ticks", process.start_time_ticks()}};
        json.update(BlockJson(*vm, block));
        out.Append(JsonText(json, -1));
        out.Append("\n");
      }
      break;
    case OutputFormat::kCsv:
      WriteCsv(*vm);
  }
  return vm->Finish(ExitCode::kDone);
}

}  // namespace pagemapd
