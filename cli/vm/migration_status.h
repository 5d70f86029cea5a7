#ifndef PAGEMAPD_CLI_VM_MIGRATION_STATUS_H_
#define PAGEMAPD_CLI_VM_MIGRATION_STATUS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "cli/vm/qmp_client.h"

namespace pagemapd {

// How a VM's migration stands, as far as QEMU tells (qapi/migration.json). Bytes, unless the name
// says otherwise.
struct MigrationStatus {
  // "none" before any; "setup", "active", "completed", "failed", ... QEMU has more, and may get
  // others.
  std::string state = "none";
  std::optional<uint64_t> total;
  std::optional<uint64_t> transferred;
  std::optional<uint64_t> remaining;
  // Pages that the guest dirties a second, measured by a running migration.
  std::optional<uint64_t> dirty_pages_per_second;
  // MiB that it dirties a second, by the last calc-dirty-rate.
  std::optional<uint64_t> measured_dirty_mib_per_second;
  // The capability x-ignore-shared: memory that is mapped shared is not sent.
  bool ignores_shared = false;
};

// Errors: those of QmpClient; what QEMU does not know is left out.
absl::StatusOr<MigrationStatus> AskForMigration(QmpClient& qmp);

nlohmann::ordered_json MigrationJson(const MigrationStatus& status);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_MIGRATION_STATUS_H_
