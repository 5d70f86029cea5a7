#ifndef PAGEMAPD_CLI_SUMMARY_COMMAND_H_
#define PAGEMAPD_CLI_SUMMARY_COMMAND_H_

#include <cstdint>
#include <vector>

#include "cli/session.h"

namespace pagemapd {

struct SummaryOptions {
  std::vector<int32_t> pids;
  // Rows for mappings in the table; the other formats have them anyway.
  bool mappings = false;
  // Count by the size of folios too. CSV, whose rows are mappings, leaves that out as it does swap.
  bool folios = false;
};

// `pagemapctl summary PID...`: pages by state.
ExitCode RunSummary(const Session& session, const SummaryOptions& options);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_SUMMARY_COMMAND_H_
