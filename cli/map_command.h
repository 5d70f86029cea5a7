#ifndef PAGEMAPD_CLI_MAP_COMMAND_H_
#define PAGEMAPD_CLI_MAP_COMMAND_H_

#include <cstdint>
#include <string>
#include <vector>

#include "cli/session.h"

namespace pagemapd {

struct MapOptions {
  int32_t pid = 0;
  // None: the whole address space.
  std::vector<std::string> globs;
};

// `pagemapctl map PID`: a picture of the address space, or of some mappings.
ExitCode RunMap(const Session& session, const MapOptions& options);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_MAP_COMMAND_H_
