#ifndef PAGEMAPD_CLI_PAGES_COMMAND_H_
#define PAGEMAPD_CLI_PAGES_COMMAND_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/address_span.h"
#include "cli/session.h"

namespace pagemapd {

struct PagesOptions {
  int32_t pid = 0;
  std::vector<AddressSpan> ranges;
  std::vector<std::string> globs;
  // None: every state.
  std::vector<v1::PageState> states;
  v1::View view = v1::VIEW_PROCESS;
  bool flags = false;
  // Unset: in every format but the table.
  std::optional<bool> locations;
};

// `pagemapctl pages PID`: extents, written as they come.
ExitCode RunPages(const Session& session, const PagesOptions& options);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PAGES_COMMAND_H_
