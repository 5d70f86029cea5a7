#ifndef PAGEMAPD_CLI_VM_VM_PAGEOUT_COMMAND_H_
#define PAGEMAPD_CLI_VM_VM_PAGEOUT_COMMAND_H_

#include <string>

#include "cli/pageout/page_out_calls.h"
#include "cli/session.h"
#include "cli/vm/vm_selection.h"

namespace pagemapd {

struct VmPageOutOptions {
  std::string qmp_path;
  VmSelection selection;
  // Not empty: a recording, the jsonl of `vm pages`, of this VM or of another that its blocks are
  // alike, such as the one it was migrated from; there is no selection then. "-" is standard input.
  std::string from;
  PageOutSwitches switches;
};

// `pagemapctl vm pageout`: pages RAM of a VM out, and tells of every page what became of it.
ExitCode RunVmPageOut(const Session& session, const VmPageOutOptions& options);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_VM_PAGEOUT_COMMAND_H_
