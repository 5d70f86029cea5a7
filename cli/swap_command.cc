#include "cli/swap_command.h"

#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/output/byte_size.h"
#include "cli/output/csv_row.h"
#include "cli/output/json_string.h"
#include "cli/output/table.h"

namespace pagemapd {
namespace {

const char* AreaKind(const v1::SwapArea& area) { return area.is_file() ? "file" : "device"; }

nlohmann::ordered_json AreaJson(const v1::SwapArea& area) {
  nlohmann::ordered_json json;
  if (area.has_type()) json["type"] = area.type();
  json["path"] = area.path();
  json["kind"] = AreaKind(area);
  json["priority"] = area.priority();
  json["size_pages"] = area.size_pages();
  json["used_pages"] = area.used_pages();
  if (!area.uuid().empty()) json["uuid"] = area.uuid();
  if (!area.label().empty()) json["label"] = area.label();
  return json;
}

void WriteTable(const Session& session, const v1::ListSwapAreasResponse& response,
                uint64_t page_size_bytes) {
  using Align = Table::Align;
  Table table({{"TYPE", Align::kRight},
               {"PATH"},
               {"KIND"},
               {"PRIO", Align::kRight},
               {"SIZE", Align::kRight},
               {"USED", Align::kRight},
               {"UUID"},
               {"LABEL"}});
  bool all_types_certain = true;
  for (const v1::SwapArea& area : response.areas()) {
    all_types_certain &= area.has_type();
    table.AddRow({area.has_type() ? absl::StrCat(area.type()) : "?", session.Printable(area.path()),
                  AreaKind(area), absl::StrCat(area.priority()),
                  ByteSize(area.size_pages() * page_size_bytes),
                  ByteSize(area.used_pages() * page_size_bytes),
                  area.uuid().empty() ? "-" : session.Printable(area.uuid()),
                  area.label().empty() ? "-" : session.Printable(area.label())});
  }
  OutputStream& out = session.out();
  if (!table.empty()) {
    table.Write(session.with_heading(), out);
    out.Append("\n");
  } else {
    out.Append("no swap areas\n");
  }
  out.Append(response.zswap_enabled()
                 ? "zswap is on: what is on disk at an offset need not be the page\n"
                 : "zswap is off\n");
  if (!all_types_certain) {
    session.Complain("type ?: the daemon cannot tell for certain which swap type the area has");
  }
}

}  // namespace

ExitCode RunSwap(const Session& session) {
  v1::GetCapabilitiesResponse capabilities;
  grpc::Status status = session.GetCapabilities(&capabilities);
  if (!status.ok()) return session.Fail(status);
  v1::ListSwapAreasResponse response;
  grpc::ClientContext context;
  status = session.service().ListSwapAreas(&context, {}, &response);
  if (!status.ok()) return session.Fail(status);

  OutputStream& out = session.out();
  switch (session.format()) {
    case OutputFormat::kTable:
      WriteTable(session, response, capabilities.page_size_bytes());
      break;
    case OutputFormat::kJson: {
      nlohmann::ordered_json areas = nlohmann::ordered_json::array();
      for (const v1::SwapArea& area : response.areas()) areas.push_back(AreaJson(area));
      out.Append(
          JsonText({{"areas", std::move(areas)}, {"zswap_enabled", response.zswap_enabled()}}, 2));
      out.Append("\n");
      break;
    }
    case OutputFormat::kJsonLines:
      for (const v1::SwapArea& area : response.areas()) {
        out.Append(JsonText(AreaJson(area), -1));
        out.Append("\n");
        out.EndRow();
      }
      break;
    case OutputFormat::kCsv:
      if (session.with_heading()) {
        out.Append("type,path,kind,priority,size_pages,used_pages,uuid,label\n");
      }
      for (const v1::SwapArea& area : response.areas()) {
        AppendCsvRow({area.has_type() ? absl::StrCat(area.type()) : "", area.path(), AreaKind(area),
                      absl::StrCat(area.priority()), absl::StrCat(area.size_pages()),
                      absl::StrCat(area.used_pages()), area.uuid(), area.label()},
                     out.text());
        out.EndRow();
      }
  }
  return ExitCode::kDone;
}

}  // namespace pagemapd
