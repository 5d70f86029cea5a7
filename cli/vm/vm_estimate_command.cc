#include "cli/vm/vm_estimate_command.h"

#include <unistd.h>

#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "cli/output/progress_line.h"
#include "cli/page_query.h"
#include "cli/query_end.h"
#include "cli/vm/estimate_output.h"
#include "cli/vm/vm_target.h"

namespace pagemapd {
namespace {

// Asks about one block, and adds it to `all`.
PageQueryEnd EstimateBlock(const VmTarget& vm, const RamBlock& block, VmEstimate* all) {
  BlockEstimate result;
  result.block = &block;
  if (const v1::Mapping* mapping = MappingAt(vm.mappings(), *block.host_address)) {
    result.kind = mapping->kind();
    result.shared = mapping->shared();
  }
  PageQuery query;
  query.process = vm.process();
  query.spans = {{*block.host_address, block.host_end()}};
  // Holes too, so that the daemon tells them from what is cached, by whichever source.
  query.states = {v1::PAGE_STATE_SWAPPED, v1::PAGE_STATE_HOLE};
  query.fields = {v1::PAGE_FIELD_LOCATION, v1::PAGE_FIELD_SWAP_CACHE};
  const bool copies_told = result.kind == v1::MAPPING_KIND_SHMEM && result.shared;
  PageQueryEnd end =
      RunPageQuery(vm.session().service(), query, vm.capabilities().limits().max_ranges(),
                   [&](const v1::ProcessRef&, const v1::PageChunk& chunk) {
                     for (const v1::PageExtent& extent : chunk.extents()) {
                       result.estimate.Add(extent, copies_told);
                     }
                     return true;
                   });
  if (Failed(end)) return end;
  result.estimate.Conclude(end.counts, result.kind,
                           /*leave_out=*/result.shared && all->migration.ignores_shared);
  all->blocks.push_back(std::move(result));
  return end;
}

}  // namespace

ExitCode RunVmEstimate(const Session& session, const VmEstimateOptions& options) {
  std::optional<VmTarget> vm;
  const ExitCode opened = VmTarget::Open(session, options.qmp_path, &vm);
  if (!vm.has_value()) return opened;
  const auto blocks = vm->SelectKnown({});
  if (!blocks.ok()) return vm->Fail(blocks.status());
  VmEstimate all;
  all.process = vm->process();
  all.page_size_bytes = vm->page_size_bytes();
  all.selected = vm->Select({}).value();
  absl::StatusOr<MigrationStatus> migration = AskForMigration(vm->qmp());
  if (!migration.ok()) return vm->Fail(migration.status());
  all.migration = *std::move(migration);
  {
    grpc::ClientContext context;
    const grpc::Status status = session.service().ListSwapAreas(&context, {}, &all.areas);
    if (!status.ok()) return session.Fail(status);
  }

  ExitTally tally;
  bool changed = false;
  std::set<v1::PageField> redacted;
  {
    ProgressLine progress(STDERR_FILENO, session.error_terminal(), 0);
    for (const RamBlock* block : *blocks) {
      const PageQueryEnd end = EstimateBlock(*vm, *block, &all);
      changed |= end.mappings_changed;
      redacted.insert(end.redacted.begin(), end.redacted.end());
      if (!end.status.ok()) {
        tally.Failed(session.Fail(end.status));
        break;
      }
      if (end.error.has_value()) {
        tally.Failed(session.Fail(*end.error));
        continue;
      }
      tally.Answered();
    }
  }
  if (changed) {
    session.Complain(absl::StrCat("note: the mappings of process ", vm->process().pid(),
                                  " changed during the scan"));
  }
  if (all.blocks.empty()) return tally.code();
  TellOfRedaction(session, vm->process().pid(), redacted);
  if (!redacted.empty()) tally.Failed(ExitCode::kPermissionDenied);
  for (const BlockEstimate& block : all.blocks) all.total.Add(block.estimate);
  WriteEstimate(session, all);
  return vm->Finish(tally.code());
}

}  // namespace pagemapd
