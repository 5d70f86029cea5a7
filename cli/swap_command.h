#ifndef PAGEMAPD_CLI_SWAP_COMMAND_H_
#define PAGEMAPD_CLI_SWAP_COMMAND_H_

#include "cli/session.h"

namespace pagemapd {

// `pagemapctl swap`: the active swap areas.
ExitCode RunSwap(const Session& session);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_SWAP_COMMAND_H_
