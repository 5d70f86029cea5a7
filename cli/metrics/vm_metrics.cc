#include "cli/metrics/vm_metrics.h"

#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "cli/metrics/page_samples.h"
#include "cli/vm/block_summaries.h"
#include "cli/vm/vm_target.h"

namespace pagemapd {
namespace {

constexpr MetricFamily kUp = {"pagemapd_vm_up", MetricType::kGauge,
                              "Whether the RAM of a VM could be counted."};
constexpr MetricFamily kError = {"pagemapd_vm_error", MetricType::kGauge,
                                 "Always 1: why the RAM of a VM could not be counted."};
constexpr MetricFamily kMemory = {"pagemapd_vm_memory_bytes", MetricType::kGauge,
                                  "A VM's RAM by block and by the state of its pages."};
constexpr MetricFamily kSwapped = {"pagemapd_vm_swapped_bytes", MetricType::kGauge,
                                   "Swapped pages of a VM's RAM by block and swap area."};
constexpr MetricFamily kUncounted = {
    "pagemapd_vm_uncounted_bytes", MetricType::kGauge,
    "A VM's RAM blocks that are not counted, since it is not known where they are."};

const char* ReasonName(ExitCode code) {
  switch (code) {
    case ExitCode::kPermissionDenied:
      return "permission_denied";
    case ExitCode::kPartlyDone:
      return "counted_in_part";
    default:
      return "failed";
  }
}

// The name that the VM was given; empty if it was given none.
std::string NameOf(QmpClient& qmp) {
  const absl::StatusOr<nlohmann::json> answer = qmp.Execute("query-name");
  if (!answer.ok() || !answer->is_object()) return "";
  const auto name = answer->find("name");
  return name != answer->end() && name->is_string() ? name->get<std::string>() : "";
}

// How it ended: kDone if all of the RAM that can be counted is.
ExitCode AddVm(const MetricsSubject& subject, const std::string& qmp_path, absl::Duration patience,
               Exposition* exposition) {
  std::optional<VmTarget> vm;
  const ExitCode opened = VmTarget::Open(subject.session, qmp_path, &vm, patience);
  if (!vm.has_value()) return opened;
  const std::string name = NameOf(vm->qmp());
  std::vector<const RamBlock*> known;
  std::vector<const RamBlock*> uncounted;
  for (const RamBlock& block : vm->blocks()) {
    (block.host_address.has_value() ? known : uncounted).push_back(&block);
  }
  ExitTally tally;
  const std::vector<BlockSummary> summaries = SummarizeBlocks(*vm, known, &tally);
  // If QEMU is gone by now it is not certain whose memory that was.
  if (vm->Finish(ExitCode::kDone) != ExitCode::kDone) return ExitCode::kFailed;

  const auto labels = [&](const RamBlock& block) -> MetricLabels {
    return {{"vm", name},
            {"qmp", qmp_path},
            {"pid", absl::StrCat(vm->process().pid())},
            {"block", block.name}};
  };
  for (const BlockSummary& summary : summaries) {
    AddPages({kMemory, kSwapped}, labels(*summary.block), summary.summary, subject.areas,
             vm->page_size_bytes(), exposition);
  }
  for (const RamBlock* block : uncounted) {
    exposition->Add(kUncounted, labels(*block), block->size_bytes);
  }
  return tally.code();
}

}  // namespace

void AddVms(const MetricsSubject& subject, const std::vector<std::string>& qmp_paths,
            absl::Duration patience, Exposition* exposition, ExitTally* tally) {
  for (const std::string& path : std::set<std::string>(qmp_paths.begin(), qmp_paths.end())) {
    const ExitCode code = AddVm(subject, path, patience, exposition);
    const bool up = code == ExitCode::kDone;
    exposition->Add(kUp, {{"qmp", path}}, up ? 1 : 0);
    if (up) {
      tally->Answered();
      continue;
    }
    exposition->Add(kError, {{"qmp", path}, {"reason", ReasonName(code)}}, 1);
    tally->Failed(code);
  }
}

}  // namespace pagemapd
