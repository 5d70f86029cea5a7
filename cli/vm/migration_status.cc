#include "cli/vm/migration_status.h"

#include "cli/vm/qmp_value.h"

namespace pagemapd {

using nlohmann::json;

absl::StatusOr<MigrationStatus> AskForMigration(QmpClient& qmp) {
  MigrationStatus status;
  const absl::StatusOr<json> migration = AskIfKnown(qmp, "query-migrate");
  if (!migration.ok()) return migration.status();
  if (const std::string state = TextAt(*migration, "status"); !state.empty()) status.state = state;
  const json& ram = MemberAt(*migration, "ram");
  status.total = NumberAt(ram, "total");
  status.transferred = NumberAt(ram, "transferred");
  status.remaining = NumberAt(ram, "remaining");
  status.dirty_pages_per_second = NumberAt(ram, "dirty-pages-rate");

  const absl::StatusOr<json> rate = AskIfKnown(qmp, "query-dirty-rate");
  if (!rate.ok()) return rate.status();
  if (TextAt(*rate, "status") == "measured") {
    status.measured_dirty_mib_per_second = NumberAt(*rate, "dirty-rate");
  }
  const absl::StatusOr<json> capabilities = AskIfKnown(qmp, "query-migrate-capabilities");
  if (!capabilities.ok()) return capabilities.status();
  if (capabilities->is_array()) {
    for (const json& capability : *capabilities) {
      if (TextAt(capability, "capability") != "x-ignore-shared") continue;
      status.ignores_shared = FlagAt(capability, "state");
    }
  }
  return status;
}

nlohmann::ordered_json MigrationJson(const MigrationStatus& status) {
  nlohmann::ordered_json json = {{"state", status.state}};
  const auto put = [&](const char* name, const std::optional<uint64_t>& value) {
    if (value.has_value()) json[name] = *value;
  };
  put("total_bytes", status.total);
  put("transferred_bytes", status.transferred);
  put("remaining_bytes", status.remaining);
  put("dirty_pages_per_second", status.dirty_pages_per_second);
  put("measured_dirty_mib_per_second", status.measured_dirty_mib_per_second);
  json["ignores_shared"] = status.ignores_shared;
  return json;
}

}  // namespace pagemapd
