#ifndef PAGEMAPD_CLI_PAGEOUT_RECORDED_EXTENT_H_
#define PAGEMAPD_CLI_PAGEOUT_RECORDED_EXTENT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "pagemapd/v1/pagemap_service.pb.h"

namespace pagemapd {

// A place in a guest's RAM: the block of it, as QEMU names it, and an offset in that.
struct RecordedGuestPlace {
  std::string block;
  uint64_t offset_bytes = 0;
};

// One line of `pages -o jsonl`, as PageLineWriter writes it: what `pageout --from` needs of it.
struct RecordedExtent {
  v1::ProcessRef process;
  v1::PageState state = v1::PAGE_STATE_UNSPECIFIED;
  // Where the pages were, and what was mapped there.
  v1::PageOutRange range;

  // Where the pages are in the guest: in a line of `vm pages`.
  std::optional<RecordedGuestPlace> guest_place;
};

// Reads a line, without its newline. It may come from anywhere: whatever it holds, the answer is an
// extent that makes sense (pid and start time not 0, a range that is aligned, not empty, and as
// long as its pages; object and index together or neither) or INVALID_ARGUMENT, which says in a few
// words what is wrong with it. FAILED_PRECONDITION for a line of `pages --object`, which has
// offsets into an object in place of addresses. Keys that it does not know, it passes over.
absl::StatusOr<RecordedExtent> ParseRecordedExtent(absl::string_view line,
                                                   uint64_t page_size_bytes);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PAGEOUT_RECORDED_EXTENT_H_
