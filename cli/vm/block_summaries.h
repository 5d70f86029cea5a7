#ifndef PAGEMAPD_CLI_VM_BLOCK_SUMMARIES_H_
#define PAGEMAPD_CLI_VM_BLOCK_SUMMARIES_H_

#include <vector>

#include "cli/exit_code.h"
#include "cli/vm/ram_block.h"
#include "cli/vm/vm_target.h"
#include "pagemapd/v1/pagemap_service.pb.h"

namespace pagemapd {

struct BlockSummary {
  const RamBlock* block;
  v1::TargetSummary summary;
};

// Counts the pages of `blocks`, whose host addresses are known, in their order. Complains of those
// that cannot be counted, and leaves them out; `tally` has how asking ended.
std::vector<BlockSummary> SummarizeBlocks(const VmTarget& vm,
                                          const std::vector<const RamBlock*>& blocks,
                                          ExitTally* tally);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_BLOCK_SUMMARIES_H_
