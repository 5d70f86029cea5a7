#ifndef PAGEMAPD_CLI_MAPPINGS_COMMAND_H_
#define PAGEMAPD_CLI_MAPPINGS_COMMAND_H_

#include <cstdint>

#include "cli/session.h"

namespace pagemapd {

// `pagemapctl mappings PID`: the process's VMAs.
ExitCode RunMappings(const Session& session, int32_t pid);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_MAPPINGS_COMMAND_H_
