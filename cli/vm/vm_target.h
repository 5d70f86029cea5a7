#ifndef PAGEMAPD_CLI_VM_VM_TARGET_H_
#define PAGEMAPD_CLI_VM_VM_TARGET_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "cli/process_mappings.h"
#include "cli/session.h"
#include "cli/vm/qmp_client.h"
#include "cli/vm/ram_block.h"

namespace pagemapd {

// A running QEMU as the vm commands see it: the process behind a QMP socket, as the daemon knows
// it, and its RAM blocks. Not thread-safe.
class VmTarget {
 public:
  // A host that swaps keeps QEMU waiting.
  static constexpr absl::Duration kPatience = absl::Seconds(60);

  // Connects, asks QEMU and the daemon, and proves where the blocks are. Complains, and gives what
  // to exit with, if that fails. `session` must outlive the target. QEMU has `patience` for all of
  // its answers together.
  static ExitCode Open(const Session& session, const std::string& qmp_path,
                       std::optional<VmTarget>* target, absl::Duration patience = kPatience);

  const Session& session() const { return *session_; }
  const v1::GetCapabilitiesResponse& capabilities() const { return capabilities_; }
  uint64_t page_size_bytes() const { return capabilities_.page_size_bytes(); }
  // With its start time.
  const v1::ProcessRef& process() const { return mappings_.process; }
  const std::vector<v1::Mapping>& mappings() const { return mappings_.mappings; }
  const std::vector<RamBlock>& blocks() const { return blocks_; }
  QmpClient& qmp() { return qmp_; }

  // The blocks that `names`, each a name or a pattern as in fnmatch(3), mean; all if there are
  // none. NOT_FOUND for a name that means no block.
  absl::StatusOr<std::vector<const RamBlock*>> Select(const std::vector<std::string>& names) const;

  // The same, without those whose host address is not known. They are left out in silence where a
  // pattern, or no name, meant them; FAILED_PRECONDITION if one was named, or none is left.
  absl::StatusOr<std::vector<const RamBlock*>> SelectKnown(
      const std::vector<std::string>& names) const;

  // Complains of `status`, and says what to exit with.
  ExitCode Fail(const absl::Status& status) const;

  // To be called when all is answered: `code`, unless QEMU no longer answers. Then the process that
  // the answers are of is not certain to be the VM, and this complains.
  ExitCode Finish(ExitCode code);

 private:
  VmTarget(const Session& session, QmpClient qmp) : session_(&session), qmp_(std::move(qmp)) {}

  const Session* session_;
  QmpClient qmp_;
  v1::GetCapabilitiesResponse capabilities_;
  ProcessMappings mappings_;
  std::vector<RamBlock> blocks_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_VM_TARGET_H_
