#ifndef PAGEMAPD_CLI_VM_VM_RAM_COMMAND_H_
#define PAGEMAPD_CLI_VM_VM_RAM_COMMAND_H_

#include <string>

#include "cli/session.h"

namespace pagemapd {

struct VmRamOptions {
  std::string qmp_path;
};

// `pagemapctl vm ram`: the RAM blocks, where QEMU has them mapped, and where the guest sees them.
ExitCode RunVmRam(const Session& session, const VmRamOptions& options);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_VM_RAM_COMMAND_H_
