#ifndef PAGEMAPD_CLI_VM_VM_PAGES_COMMAND_H_
#define PAGEMAPD_CLI_VM_VM_PAGES_COMMAND_H_

#include <string>
#include <vector>

#include "cli/page_listing.h"
#include "cli/session.h"
#include "cli/vm/vm_selection.h"

namespace pagemapd {

struct VmPagesOptions {
  std::string qmp_path;
  VmSelection selection;
  // None: every state.
  std::vector<v1::PageState> states;
  PageDetails details;
};

// `pagemapctl vm pages`: as `pages`, each extent with its RAM block, its offset there and its
// guest-physical address, and split where that does not go on.
ExitCode RunVmPages(const Session& session, const VmPagesOptions& options);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_VM_PAGES_COMMAND_H_
