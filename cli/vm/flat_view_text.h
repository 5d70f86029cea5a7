#ifndef PAGEMAPD_CLI_VM_FLAT_VIEW_TEXT_H_
#define PAGEMAPD_CLI_VM_FLAT_VIEW_TEXT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/vm/ram_block.h"

namespace pagemapd {

// Guest-physical addresses that lead to memory.
struct FlatRange {
  // Of the memory region: the last part of the block's name.
  std::string region;
  GuestRange range;
};

// Reads from what QEMU answers to "info mtree -f" the ranges of RAM and ROM in the address space
// "memory", which is the guest's physical one, by ascending address. DATA_LOSS, with the line, if
// one within that is not such, and if there is no such address space; RESOURCE_EXHAUSTED for more
// than kMaxFlatRanges.
absl::StatusOr<std::vector<FlatRange>> ParseFlatView(absl::string_view text);

constexpr size_t kMaxFlatRanges = 16384;

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_FLAT_VIEW_TEXT_H_
