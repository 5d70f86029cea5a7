#ifndef PAGEMAPD_CLI_VM_VM_SELECTION_H_
#define PAGEMAPD_CLI_VM_VM_SELECTION_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/address_span.h"
#include "cli/vm/vm_target.h"

namespace pagemapd {

// Which of a VM's memory a command is about: at most one of `blocks` and `guest_spans` is given.
struct VmSelection {
  // Names or patterns.
  std::vector<std::string> blocks;
  // Offsets into the one block that is meant.
  std::vector<AddressSpan> offsets;
  // Guest-physical.
  std::vector<AddressSpan> guest_spans;
};

struct SelectedMemory {
  std::vector<const RamBlock*> blocks;
  // Host addresses, merged, in address order.
  std::vector<AddressSpan> spans;
};

// INVALID_ARGUMENT for a span that is not of whole pages, or offsets that do not have one block;
// otherwise as VmTarget::SelectKnown, HostSpansOf and HostSpanOf.
absl::StatusOr<SelectedMemory> SelectMemory(const VmTarget& vm, const VmSelection& selection);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_VM_SELECTION_H_
