#ifndef PAGEMAPD_CLI_VM_GUEST_RAM_H_
#define PAGEMAPD_CLI_VM_GUEST_RAM_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/vm/qmp_client.h"
#include "cli/vm/ram_block.h"
#include "pagemapd/v1/pages.pb.h"

namespace pagemapd {

// Asks QEMU for its RAM blocks, in the order it has them: the largest first. Where QEMU does not
// tell a block's host address itself, it is asked which one is behind the first and
// the last byte of every guest-physical range of the block; all must agree. So of a block that the
// guest does not see, such a QEMU tells none. Backends are added as far as they are told. Nothing
// is looked at beyond QEMU's words: see ProveHostAddresses.
//
// Errors: those of QmpClient, and DATA_LOSS for words that cannot be read.
absl::StatusOr<std::vector<RamBlock>> AskForGuestRam(QmpClient& qmp);

// Takes the host address from each block of which `mappings`, those of QEMU in address order, do
// not show that it is there: mapped from end to end, writable or not, as one piece of one object or
// as anonymous memory, and beside all other blocks.
void ProveHostAddresses(const std::vector<v1::Mapping>& mappings, uint64_t page_size_bytes,
                        std::vector<RamBlock>* blocks);

// For tests: the address in "Host virtual address for 0x0 (pc.ram) is 0x7f3993fff000".
absl::StatusOr<uint64_t> ParseHostAddress(absl::string_view text);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_GUEST_RAM_H_
