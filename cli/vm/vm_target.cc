#include "cli/vm/vm_target.h"

#include <fnmatch.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/local_process.h"
#include "cli/vm/guest_ram.h"

namespace pagemapd {
namespace {

bool Means(const std::string& name, const RamBlock& block) {
  return name == block.name || fnmatch(name.c_str(), block.name.c_str(), 0) == 0;
}

}  // namespace

ExitCode VmTarget::Open(const Session& session, const std::string& qmp_path,
                        std::optional<VmTarget>* target, absl::Duration patience) {
  const auto fail = [&](const absl::Status& status) {
    session.Complain(absl::StrCat("QEMU at ", qmp_path, ": ", status.message()));
    return absl::IsPermissionDenied(status) ? ExitCode::kPermissionDenied : ExitCode::kFailed;
  };
  absl::StatusOr<QmpClient> qmp = QmpClient::Connect(qmp_path, patience);
  if (!qmp.ok()) return fail(qmp.status());
  VmTarget vm(session, *std::move(qmp));
  grpc::Status status = session.GetCapabilities(&vm.capabilities_);
  if (!status.ok()) return session.Fail(status);
  absl::StatusOr<std::vector<RamBlock>> blocks = AskForGuestRam(vm.qmp_);
  if (!blocks.ok()) return fail(blocks.status());
  vm.blocks_ = *std::move(blocks);

  const pid_t pid = vm.qmp_.peer_pid();
  status = ListAllMappings(session.service(), pid, /*include_vm_flags=*/false, &vm.mappings_);
  if (!status.ok()) return session.Fail(status);
  // The same number may be another process where the daemon is.
  const std::optional<LocalProcess> local = ReadLocalProcess(pid);
  if (local.has_value() && local->start_time_ticks != vm.process().start_time_ticks()) {
    session.Complain(absl::StrCat("the daemon knows another process than QEMU as ", pid,
                                  ": it is in another pid namespace"));
    return ExitCode::kFailed;
  }
  // It has answered after the daemon looked: so that was at the same process.
  const absl::Status answers = vm.qmp_.Execute("query-status").status();
  if (!answers.ok()) return fail(answers);
  ProveHostAddresses(vm.mappings(), vm.page_size_bytes(), &vm.blocks_);
  *target = std::move(vm);
  return ExitCode::kDone;
}

absl::StatusOr<std::vector<const RamBlock*>> VmTarget::Select(
    const std::vector<std::string>& names) const {
  for (const std::string& name : names) {
    const bool meant = std::any_of(blocks_.begin(), blocks_.end(),
                                   [&](const RamBlock& block) { return Means(name, block); });
    if (!meant) {
      return absl::NotFoundError(absl::StrCat("the VM has no RAM block ", name));
    }
  }
  std::vector<const RamBlock*> selected;
  for (const RamBlock& block : blocks_) {
    const bool wanted = names.empty() || std::any_of(names.begin(), names.end(), [&](auto& name) {
                          return Means(name, block);
                        });
    if (wanted) selected.push_back(&block);
  }
  return selected;
}

absl::StatusOr<std::vector<const RamBlock*>> VmTarget::SelectKnown(
    const std::vector<std::string>& names) const {
  absl::StatusOr<std::vector<const RamBlock*>> selected = Select(names);
  if (!selected.ok()) return selected;
  std::vector<const RamBlock*> known;
  for (const RamBlock* block : *selected) {
    if (block->host_address.has_value()) {
      known.push_back(block);
    } else if (std::find(names.begin(), names.end(), block->name) != names.end()) {
      return absl::FailedPreconditionError(
          absl::StrCat("where the RAM block ", block->name, " is, is not known: ", block->why_not));
    }
  }
  if (known.empty()) {
    return absl::FailedPreconditionError("of none of the RAM blocks is known where it is");
  }
  return known;
}

ExitCode VmTarget::Fail(const absl::Status& status) const {
  session_->Complain(status.message());
  return absl::IsPermissionDenied(status) ? ExitCode::kPermissionDenied : ExitCode::kFailed;
}

ExitCode VmTarget::Finish(ExitCode code) {
  const absl::Status status = qmp_.Execute("query-status").status();
  if (status.ok()) return code;
  session_->Complain(
      absl::StrCat("QEMU, process ", qmp_.peer_pid(), ", no longer answers: ", status.message()));
  return code == ExitCode::kDone ? ExitCode::kPartlyDone : code;
}

}  // namespace pagemapd
