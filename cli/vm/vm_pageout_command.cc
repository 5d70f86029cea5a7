#include "cli/vm/vm_pageout_command.h"

#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/pageout/input_file.h"
#include "cli/pageout/page_out_job.h"
#include "cli/pageout/page_out_range.h"
#include "cli/pageout/recorded_extent.h"
#include "cli/pageout/recording.h"
#include "cli/vm/expected_ranges.h"
#include "cli/vm/vm_target.h"

namespace pagemapd {
namespace {

// Where `vm` has the pages of a line of `vm pages`, whichever VM that was of: a migration keeps
// blocks and offsets, not addresses.
absl::StatusOr<std::vector<v1::PageOutRange>> RangesOf(const VmTarget& vm,
                                                       const RecordedExtent& extent) {
  if (!extent.guest_place.has_value()) {
    return absl::InvalidArgumentError("has no block and offset: it is not of `vm pages`");
  }
  const RecordedGuestPlace& place = *extent.guest_place;
  for (const RamBlock& block : vm.blocks()) {
    if (block.name != place.block) continue;
    if (!block.host_address.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("where the RAM block ", block.name, " is, is not known: ", block.why_not));
    }
    const uint64_t bytes = extent.range.range().end() - extent.range.range().start();
    if (place.offset_bytes % vm.page_size_bytes() != 0 || bytes > block.size_bytes ||
        place.offset_bytes > block.size_bytes - bytes) {
      return absl::InvalidArgumentError(absl::StrCat("offset 0x", absl::Hex(place.offset_bytes),
                                                     " with ", bytes, " bytes is not within ",
                                                     block.name));
    }
    const uint64_t start = *block.host_address + place.offset_bytes;
    return ExpectedRanges(vm.mappings(), {start, start + bytes}, vm.page_size_bytes());
  }
  return absl::InvalidArgumentError(absl::StrCat("the VM has no RAM block ", place.block));
}

ExitCode PageOutFrom(const VmTarget& vm, const VmPageOutOptions& options) {
  const InputFile file(vm.session(), options.from);
  if (file.fd() < 0) return ExitCode::kFailed;
  return PageOutRelocated(vm.session(), vm.capabilities(), vm.process(), options.switches,
                          file.fd(), file.shown(),
                          [&](const RecordedExtent& extent) { return RangesOf(vm, extent); });
}

}  // namespace

ExitCode RunVmPageOut(const Session& session, const VmPageOutOptions& options) {
  std::optional<VmTarget> vm;
  const ExitCode opened = VmTarget::Open(session, options.qmp_path, &vm);
  if (!vm.has_value()) return opened;
  if (!CanPageOut(session, vm->capabilities(), options.switches)) return ExitCode::kFailed;
  if (!options.from.empty()) return vm->Finish(PageOutFrom(*vm, options));
  const absl::StatusOr<SelectedMemory> memory = SelectMemory(*vm, options.selection);
  if (!memory.ok()) return vm->Fail(memory.status());
  std::vector<v1::PageOutRange> ranges;
  for (const AddressSpan& span : memory->spans) {
    for (v1::PageOutRange& range : ExpectedRanges(vm->mappings(), span, vm->page_size_bytes())) {
      ranges.push_back(std::move(range));
    }
  }
  PageOutJob job(session, vm->capabilities(), vm->process(), options.switches,
                 PagesOf(ranges, vm->page_size_bytes()));
  for (const v1::PageOutRange& range : ranges) {
    if (!job.Add(range)) break;
  }
  return vm->Finish(job.Finish(/*input_failed=*/false));
}

}  // namespace pagemapd
