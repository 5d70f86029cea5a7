#include "cli/mappings_command.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/address_span.h"
#include "cli/output/byte_size.h"
#include "cli/output/csv_row.h"
#include "cli/output/json_string.h"
#include "cli/output/table.h"
#include "cli/page_line.h"
#include "cli/page_names.h"
#include "cli/process_mappings.h"

namespace pagemapd {
namespace {

// The codes of smaps' VmFlags that change what the kernel does with the pages, in words.
constexpr struct {
  const char* code;
  const char* word;
} kNotableFlags[] = {
    {"mg", "mergeable"}, {"hg", "hugepage"},     {"nh", "nohugepage"}, {"ht", "hugetlb"},
    {"lo", "locked"},    {"lf", "lockonfault"},  {"dc", "dontfork"},   {"wf", "wipeonfork"},
    {"dd", "dontdump"},  {"um", "uffd_missing"}, {"uw", "uffd_wp"},    {"ui", "uffd_minor"},
    {"pf", "pfnmap"},    {"io", "io"},           {"sl", "sealed"},
};

bool HasFlag(const v1::Mapping& mapping, absl::string_view code) {
  return std::find(mapping.vm_flags().begin(), mapping.vm_flags().end(), code) !=
         mapping.vm_flags().end();
}

std::string Object(const v1::Mapping& mapping) {
  return mapping.has_object() ? ObjectText(mapping.object()) : "";
}

std::string OrDash(std::string text) { return text.empty() ? "-" : text; }

std::string Hex(uint64_t address) { return absl::StrCat("0x", absl::Hex(address)); }

nlohmann::ordered_json MappingJson(const v1::Mapping& mapping, uint64_t page_size_bytes) {
  nlohmann::ordered_json json = {
      {"start", Hex(mapping.range().start())},
      {"end", Hex(mapping.range().end())},
      {"pages", (mapping.range().end() - mapping.range().start()) / page_size_bytes},
      {"perms", PermissionsText(mapping)},
      {"offset_bytes", mapping.offset_bytes()},
  };
  if (mapping.has_object()) json["object"] = Object(mapping);
  json["kind"] = KindName(mapping.kind());
  json["path"] = mapping.path();
  json["mergeable"] = HasFlag(mapping, "mg");
  json["hugepage"] = HasFlag(mapping, "hg");
  json["vm_flags"] = nlohmann::ordered_json::array();
  for (const std::string& code : mapping.vm_flags()) json["vm_flags"].push_back(code);
  return json;
}

void WriteTable(const Session& session, const ProcessMappings& process) {
  using Align = Table::Align;
  Table table({{"RANGE"},
               {"PERMS"},
               {"SIZE", Align::kRight},
               {"OFFSET", Align::kRight},
               {"OBJECT"},
               {"KIND"},
               {"FLAGS"},
               {"PATH"}});
  for (const v1::Mapping& mapping : process.mappings) {
    std::vector<std::string> words;
    for (const auto& flag : kNotableFlags) {
      if (HasFlag(mapping, flag.code)) words.push_back(flag.word);
    }
    const AddressSpan span = {mapping.range().start(), mapping.range().end()};
    table.AddRow({ToString(span), PermissionsText(mapping), ByteSize(span.end - span.start),
                  absl::StrCat(absl::Hex(mapping.offset_bytes())), OrDash(Object(mapping)),
                  KindName(mapping.kind()), OrDash(absl::StrJoin(words, ",")),
                  session.Printable(MappingName(mapping))});
  }
  table.Write(session.with_heading(), session.out());
}

void WriteJson(const Session& session, const ProcessMappings& process, uint64_t page_size_bytes) {
  nlohmann::ordered_json mappings = nlohmann::ordered_json::array();
  for (const v1::Mapping& mapping : process.mappings) {
    mappings.push_back(MappingJson(mapping, page_size_bytes));
  }
  session.out().Append(JsonText({{"pid", process.process.pid()},
                                 {"start_time_ticks", process.process.start_time_ticks()},
                                 {"mappings", std::move(mappings)}},
                                2));
  session.out().Append("\n");
}

void WriteJsonLines(const Session& session, const ProcessMappings& process,
                    uint64_t page_size_bytes) {
  for (const v1::Mapping& mapping : process.mappings) {
    nlohmann::ordered_json line = {{"pid", process.process.pid()},
                                   {"start_time_ticks", process.process.start_time_ticks()}};
    line.update(MappingJson(mapping, page_size_bytes));
    session.out().Append(JsonText(line, -1));
    session.out().Append("\n");
    if (!session.out().EndRow()) return;
  }
}

void WriteCsv(const Session& session, const ProcessMappings& process, uint64_t page_size_bytes) {
  OutputStream& out = session.out();
  if (session.with_heading()) {
    out.Append(
        "pid,start_time_ticks,start,end,pages,perms,offset_bytes,object,kind,path,mergeable,"
        "hugepage,vm_flags\n");
  }
  for (const v1::Mapping& mapping : process.mappings) {
    AppendCsvRow(
        {absl::StrCat(process.process.pid()), absl::StrCat(process.process.start_time_ticks()),
         Hex(mapping.range().start()), Hex(mapping.range().end()),
         absl::StrCat((mapping.range().end() - mapping.range().start()) / page_size_bytes),
         PermissionsText(mapping), absl::StrCat(mapping.offset_bytes()), Object(mapping),
         KindName(mapping.kind()), mapping.path(), HasFlag(mapping, "mg") ? "true" : "false",
         HasFlag(mapping, "hg") ? "true" : "false", absl::StrJoin(mapping.vm_flags(), "|")},
        out.text());
    if (!out.EndRow()) return;
  }
}

}  // namespace

ExitCode RunMappings(const Session& session, int32_t pid) {
  v1::GetCapabilitiesResponse capabilities;
  grpc::Status status = session.GetCapabilities(&capabilities);
  if (!status.ok()) return session.Fail(status);
  ProcessMappings process;
  status = ListAllMappings(session.service(), pid, /*include_vm_flags=*/true, &process);
  if (!status.ok()) return session.Fail(status);

  const uint64_t page_size_bytes = capabilities.page_size_bytes();
  switch (session.format()) {
    case OutputFormat::kTable:
      WriteTable(session, process);
      break;
    case OutputFormat::kJson:
      WriteJson(session, process, page_size_bytes);
      break;
    case OutputFormat::kJsonLines:
      WriteJsonLines(session, process, page_size_bytes);
      break;
    case OutputFormat::kCsv:
      WriteCsv(session, process, page_size_bytes);
  }
  return ExitCode::kDone;
}

}  // namespace pagemapd
