#ifndef PAGEMAPD_CLI_VM_VM_ESTIMATE_COMMAND_H_
#define PAGEMAPD_CLI_VM_VM_ESTIMATE_COMMAND_H_

#include <string>

#include "cli/session.h"

namespace pagemapd {

struct VmEstimateOptions {
  std::string qmp_path;
};

// `pagemapctl vm estimate`: what a migration that began now would meet.
ExitCode RunVmEstimate(const Session& session, const VmEstimateOptions& options);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_VM_ESTIMATE_COMMAND_H_
