#include "cli/vm/vm_map_command.h"

#include <algorithm>
#include <optional>

#include "cli/map_drawing.h"
#include "cli/page_query.h"
#include "cli/vm/vm_target.h"

namespace pagemapd {

ExitCode RunVmMap(const Session& session, const VmMapOptions& options) {
  std::optional<VmTarget> vm;
  const ExitCode opened = VmTarget::Open(session, options.qmp_path, &vm);
  if (!vm.has_value()) return opened;
  absl::StatusOr<std::vector<const RamBlock*>> blocks = vm->SelectKnown(options.blocks);
  if (!blocks.ok()) return vm->Fail(blocks.status());
  std::sort(blocks->begin(), blocks->end(), [](const RamBlock* a, const RamBlock* b) {
    return *a->host_address < *b->host_address;
  });

  PageQuery query;
  query.process = vm->process();
  MapSubject subject;
  subject.process = vm->process();
  subject.page_size_bytes = vm->page_size_bytes();
  for (const RamBlock* block : *blocks) {
    // A block is drawn like a mapping, under its own name.
    v1::Mapping& drawn = subject.mappings.emplace_back();
    if (const v1::Mapping* mapping = MappingAt(vm->mappings(), *block->host_address)) {
      drawn = *mapping;
    }
    drawn.mutable_range()->set_start(*block->host_address);
    drawn.mutable_range()->set_end(block->host_end());
    drawn.set_path(block->name);
    query.spans.push_back({*block->host_address, block->host_end()});
  }
  return vm->Finish(DrawMap(session, vm->capabilities(), query, subject,
                            subject.mappings.size() <= kMaxDetailedPictures));
}

}  // namespace pagemapd
