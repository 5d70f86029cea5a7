#ifndef PAGEMAPD_CLI_STATUS_COMMAND_H_
#define PAGEMAPD_CLI_STATUS_COMMAND_H_

#include "cli/session.h"

namespace pagemapd {

// `pagemapctl status`: what the daemon on this kernel can tell.
ExitCode RunStatus(const Session& session);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_STATUS_COMMAND_H_
