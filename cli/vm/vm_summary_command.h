#ifndef PAGEMAPD_CLI_VM_VM_SUMMARY_COMMAND_H_
#define PAGEMAPD_CLI_VM_VM_SUMMARY_COMMAND_H_

#include <string>
#include <vector>

#include "cli/session.h"

namespace pagemapd {

struct VmSummaryOptions {
  std::string qmp_path;
  // Names or patterns; none: all.
  std::vector<std::string> blocks;
};

// `pagemapctl vm summary`: pages by state of each RAM block and in total.
ExitCode RunVmSummary(const Session& session, const VmSummaryOptions& options);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_VM_SUMMARY_COMMAND_H_
