#include "cli/vm/vm_pages_command.h"

#include <optional>

#include "cli/page_query.h"
#include "cli/vm/guest_page_annotator.h"
#include "cli/vm/vm_target.h"

namespace pagemapd {

ExitCode RunVmPages(const Session& session, const VmPagesOptions& options) {
  std::optional<VmTarget> vm;
  const ExitCode opened = VmTarget::Open(session, options.qmp_path, &vm);
  if (!vm.has_value()) return opened;
  const absl::StatusOr<SelectedMemory> memory = SelectMemory(*vm, options.selection);
  if (!memory.ok()) return vm->Fail(memory.status());
  const GuestPageAnnotator annotator(memory->blocks, session.out_terminal().utf8);
  PageQuery query;
  query.process = vm->process();
  query.spans = memory->spans;
  query.states = options.states;
  return vm->Finish(ListPages(session, vm->capabilities(), std::move(query), options.details,
                              vm->mappings(), &annotator));
}

}  // namespace pagemapd
