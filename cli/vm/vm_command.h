#ifndef PAGEMAPD_CLI_VM_VM_COMMAND_H_
#define PAGEMAPD_CLI_VM_VM_COMMAND_H_

#include <variant>

#include "cli/session.h"
#include "cli/vm/vm_estimate_command.h"
#include "cli/vm/vm_map_command.h"
#include "cli/vm/vm_pageout_command.h"
#include "cli/vm/vm_pages_command.h"
#include "cli/vm/vm_ram_command.h"
#include "cli/vm/vm_summary_command.h"

namespace pagemapd {

struct VmOptions {
  std::variant<VmRamOptions, VmSummaryOptions, VmPagesOptions, VmMapOptions, VmPageOutOptions,
               VmEstimateOptions>
      command;
};

// `pagemapctl vm COMMAND --qmp PATH`: about the RAM of a running QEMU.
ExitCode RunVm(const Session& session, const VmOptions& options);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_VM_COMMAND_H_
