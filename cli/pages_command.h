#ifndef PAGEMAPD_CLI_PAGES_COMMAND_H_
#define PAGEMAPD_CLI_PAGES_COMMAND_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/address_span.h"
#include "cli/page_listing.h"
#include "cli/session.h"

namespace pagemapd {

struct PagesOptions {
  int32_t pid = 0;
  // Set: about the object mapped there; `ranges` are byte offsets into it, `view` is VIEW_OBJECT,
  // and there are no globs.
  std::optional<uint64_t> object_address;
  std::vector<AddressSpan> ranges;
  std::vector<std::string> globs;
  // None: every state.
  std::vector<v1::PageState> states;
  v1::View view = v1::VIEW_PROCESS;
  PageDetails details;
};

// `pagemapctl pages PID`: extents of a process or of an object, written as they come.
ExitCode RunPages(const Session& session, const PagesOptions& options);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PAGES_COMMAND_H_
