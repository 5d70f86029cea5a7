#ifndef PAGEMAPD_CLI_VM_VM_MAP_COMMAND_H_
#define PAGEMAPD_CLI_VM_VM_MAP_COMMAND_H_

#include <string>
#include <vector>

#include "cli/session.h"

namespace pagemapd {

struct VmMapOptions {
  std::string qmp_path;
  // Names or patterns; none: all.
  std::vector<std::string> blocks;
};

// `pagemapctl vm map`: a picture of each RAM block.
ExitCode RunVmMap(const Session& session, const VmMapOptions& options);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_VM_MAP_COMMAND_H_
