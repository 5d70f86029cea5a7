#include "cli/vm/vm_selection.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/vm/block_places.h"

namespace pagemapd {
namespace {

absl::Status CheckSpan(const AddressSpan& span, uint64_t page_size_bytes) {
  if (span.start >= span.end) {
    return absl::InvalidArgumentError(absl::StrCat("the range ", ToString(span), " is empty"));
  }
  if (span.start % page_size_bytes != 0 || span.end % page_size_bytes != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("the range ", ToString(span), " is not of whole pages"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SelectedMemory> SelectMemory(const VmTarget& vm, const VmSelection& selection) {
  absl::StatusOr<std::vector<const RamBlock*>> blocks = vm.SelectKnown(selection.blocks);
  if (!blocks.ok()) return blocks.status();
  SelectedMemory memory;
  if (!selection.offsets.empty() && blocks->size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("--range takes one RAM block; ", blocks->size(), " are meant"));
  }
  for (const AddressSpan& span : selection.offsets) {
    if (absl::Status status = CheckSpan(span, vm.page_size_bytes()); !status.ok()) return status;
    const absl::StatusOr<AddressSpan> host = HostSpanOf(span, *blocks->front());
    if (!host.ok()) return host.status();
    memory.spans.push_back(*host);
  }
  for (const AddressSpan& span : selection.guest_spans) {
    if (absl::Status status = CheckSpan(span, vm.page_size_bytes()); !status.ok()) return status;
    const absl::StatusOr<std::vector<AddressSpan>> hosts = HostSpansOf(span, *blocks);
    if (!hosts.ok()) return hosts.status();
    memory.spans.insert(memory.spans.end(), hosts->begin(), hosts->end());
  }
  if (selection.offsets.empty() && selection.guest_spans.empty()) {
    for (const RamBlock* block : *blocks) {
      memory.spans.push_back({*block->host_address, block->host_end()});
    }
  }
  memory.spans = Union(std::move(memory.spans));
  memory.blocks = *std::move(blocks);
  return memory;
}

}  // namespace pagemapd
