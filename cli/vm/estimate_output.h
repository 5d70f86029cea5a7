#ifndef PAGEMAPD_CLI_VM_ESTIMATE_OUTPUT_H_
#define PAGEMAPD_CLI_VM_ESTIMATE_OUTPUT_H_

#include <cstdint>
#include <vector>

#include "cli/session.h"
#include "cli/vm/migration_estimate.h"
#include "cli/vm/migration_status.h"
#include "cli/vm/ram_block.h"

namespace pagemapd {

struct BlockEstimate {
  const RamBlock* block = nullptr;
  // What the block begins in.
  v1::MappingKind kind = v1::MAPPING_KIND_UNSPECIFIED;
  bool shared = false;
  MigrationEstimate estimate;
};

struct VmEstimate {
  v1::ProcessRef process;
  uint64_t page_size_bytes = 0;
  // Those that are counted, and all that were meant.
  std::vector<BlockEstimate> blocks;
  std::vector<const RamBlock*> selected;
  MigrationEstimate total;
  v1::ListSwapAreasResponse areas;
  MigrationStatus migration;
};

// In the session's format: a table with sentences, a document, or a line a block.
void WriteEstimate(const Session& session, const VmEstimate& estimate);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_ESTIMATE_OUTPUT_H_
