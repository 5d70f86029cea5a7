#include "cli/status_command.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/output/byte_size.h"
#include "cli/output/csv_row.h"
#include "cli/output/json_string.h"
#include "cli/output/table.h"

namespace pagemapd {
namespace {

nlohmann::ordered_json CallerJson(const v1::GetCapabilitiesResponse::Caller& caller) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  // One that came by TCP has names in place of a user and groups.
  if (caller.has_uid()) {
    json["uid"] = caller.uid();
    json["gids"] = std::vector<uint32_t>(caller.gids().begin(), caller.gids().end());
  } else {
    json["certificate_names"] = std::vector<std::string>(caller.certificate_names().begin(),
                                                         caller.certificate_names().end());
  }
  json["rights"] = std::vector<std::string>(caller.rights().begin(), caller.rights().end());
  return json;
}

nlohmann::ordered_json StatusJson(const v1::GetCapabilitiesResponse& capabilities) {
  nlohmann::ordered_json sources = nlohmann::ordered_json::array();
  for (const auto& source : capabilities.sources()) {
    sources.push_back({{"name", source.name()},
                       {"available", source.available()},
                       {"active", source.active()},
                       {"detail", source.detail()}});
  }
  const auto& features = capabilities.kernel_features();
  const auto& limits = capabilities.limits();
  nlohmann::ordered_json json = {
      {"version", capabilities.version()},
      {"kernel_release", capabilities.kernel_release()},
      {"page_size_bytes", capabilities.page_size_bytes()},
      {"kernel_features",
       {{"pagemap_scan", features.pagemap_scan()},
        {"cachestat", features.cachestat()},
        {"locations", features.locations()},
        {"frame_flags", features.frame_flags()},
        {"page_out", features.page_out()},
        {"idle_pages", features.idle_pages()}}},
      {"sources", std::move(sources)},
      {"limits",
       {{"max_targets", limits.max_targets()},
        {"max_ranges", limits.max_ranges()},
        {"max_scans", limits.max_scans()},
        {"max_bytes_in_flight", limits.max_bytes_in_flight()},
        {"workers", limits.workers()},
        {"max_calls_per_caller", limits.max_calls_per_caller()},
        {"max_connections_per_user", limits.max_connections_per_user()}}}};
  if (capabilities.has_caller()) json["caller"] = CallerJson(capabilities.caller());
  return json;
}

// "uid 1000, gids 1000, 27", or what the certificate says.
std::string CallerText(const v1::GetCapabilitiesResponse::Caller& caller) {
  if (!caller.has_uid()) {
    return absl::StrCat("certificate of ", absl::StrJoin(caller.certificate_names(), ", "));
  }
  return absl::StrCat("uid ", caller.uid(), caller.gids().empty() ? "" : ", gids ",
                      absl::StrJoin(caller.gids(), ", "));
}

// Name and value a line.
std::vector<std::pair<std::string, std::string>> StatusFacts(
    const Session& session, const v1::GetCapabilitiesResponse& capabilities) {
  const auto yes_no = [](bool value) { return std::string(value ? "yes" : "no"); };
  const auto& features = capabilities.kernel_features();
  const auto& limits = capabilities.limits();
  std::vector<std::pair<std::string, std::string>> facts = {
      {"address", session.address()},
      {"version", capabilities.version()},
      {"kernel", capabilities.kernel_release()},
      {"page size", absl::StrCat(capabilities.page_size_bytes(), " bytes")},
      {"PAGEMAP_SCAN", yes_no(features.pagemap_scan())},
      {"cachestat", yes_no(features.cachestat())},
      {"locations", yes_no(features.locations())},
      {"frame flags", yes_no(features.frame_flags())},
      {"page-out", yes_no(features.page_out())},
      {"idle pages", yes_no(features.idle_pages())},
  };
  for (const auto& source : capabilities.sources()) {
    facts.emplace_back(absl::StrCat("source ", source.name()),
                       absl::StrCat(source.active()      ? "active"
                                    : source.available() ? "available"
                                                         : "not available",
                                    source.detail().empty() ? "" : ": ", source.detail()));
  }
  facts.emplace_back("targets a request", absl::StrCat(limits.max_targets()));
  facts.emplace_back("ranges a request", absl::StrCat(limits.max_ranges()));
  facts.emplace_back("scans at once", absl::StrCat(limits.max_scans()));
  facts.emplace_back("bytes in flight", ByteSize(limits.max_bytes_in_flight()));
  facts.emplace_back("workers", absl::StrCat(limits.workers()));
  facts.emplace_back("calls at once", absl::StrCat(limits.max_calls_per_caller(), " a caller"));
  facts.emplace_back("connections", absl::StrCat(limits.max_connections_per_user(), " a user"));
  if (!capabilities.has_caller()) return facts;
  facts.emplace_back("caller", CallerText(capabilities.caller()));
  for (const std::string& right : capabilities.caller().rights()) {
    facts.emplace_back("right", right);
  }
  if (capabilities.caller().rights().empty()) facts.emplace_back("right", "none");
  return facts;
}

}  // namespace

ExitCode RunStatus(const Session& session) {
  v1::GetCapabilitiesResponse capabilities;
  const grpc::Status status = session.GetCapabilities(&capabilities);
  if (!status.ok()) return session.Fail(status);

  OutputStream& out = session.out();
  switch (session.format()) {
    case OutputFormat::kJson:
    case OutputFormat::kJsonLines:
      out.Append(
          JsonText(StatusJson(capabilities), session.format() == OutputFormat::kJson ? 2 : -1));
      out.Append("\n");
      break;
    case OutputFormat::kCsv:
      if (session.with_heading()) out.Append("name,value\n");
      for (const auto& [name, value] : StatusFacts(session, capabilities)) {
        AppendCsvRow({name, value}, out.text());
      }
      break;
    case OutputFormat::kTable:
      Table table({{"NAME"}, {"VALUE"}});
      for (const auto& [name, value] : StatusFacts(session, capabilities)) {
        table.AddRow({session.Printable(name), session.Printable(value)});
      }
      table.Write(session.with_heading(), out);
  }
  return ExitCode::kDone;
}

}  // namespace pagemapd
