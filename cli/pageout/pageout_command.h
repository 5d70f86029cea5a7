#ifndef PAGEMAPD_CLI_PAGEOUT_PAGEOUT_COMMAND_H_
#define PAGEMAPD_CLI_PAGEOUT_PAGEOUT_COMMAND_H_

#include <cstdint>
#include <string>
#include <vector>

#include "cli/address_span.h"
#include "cli/pageout/page_out_calls.h"
#include "cli/session.h"

namespace pagemapd {

struct PageOutOptions {
  int32_t pid = 0;
  std::vector<AddressSpan> ranges;
  std::vector<std::string> globs;
  // Not empty: a recording, the jsonl of `pages`; there are no ranges and globs then. "-" is
  // standard input.
  std::string from;
  PageOutSwitches switches;
};

// `pagemapctl pageout PID`: pages out, and tells of every page what became of it.
ExitCode RunPageOut(const Session& session, const PageOutOptions& options);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PAGEOUT_PAGEOUT_COMMAND_H_
