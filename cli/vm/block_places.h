#ifndef PAGEMAPD_CLI_VM_BLOCK_PLACES_H_
#define PAGEMAPD_CLI_VM_BLOCK_PLACES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/address_span.h"
#include "cli/vm/ram_block.h"

namespace pagemapd {

// What a host address of QEMU's is to the guest.
struct GuestPlace {
  const RamBlock* block = nullptr;
  uint64_t offset = 0;
  // Unset: the guest sees it nowhere. If it sees it in several places, the lowest.
  std::optional<uint64_t> guest_address;
  // Bytes from the host address on that go on like this: in the block, guest-physical addresses
  // consecutive, or none.
  uint64_t bytes = 0;
};

// The way between host addresses and the guest's. Thread-safe.
class BlockPlaces {
 public:
  // Of those blocks whose host address is known. `blocks` must outlive this object, unchanged, and
  // be beside each other.
  explicit BlockPlaces(const std::vector<const RamBlock*>& blocks);

  // The place of `host`; without a block, and no bytes, if none is there.
  GuestPlace PlaceOf(uint64_t host) const;

 private:
  // By ascending host address.
  struct Piece {
    uint64_t host;
    uint64_t end;
    const RamBlock* block;
    std::optional<uint64_t> guest_address;
  };
  void AddPieces(const RamBlock& block);

  std::vector<Piece> pieces_;
};

// Host addresses at which the guest-physical `span` is, as far as that is in `blocks`: in the order
// of the guest's addresses. What is no memory in it, such as the hole below 4 GiB of a PC, is left
// out; NOT_FOUND, naming the span, if all of it is.
absl::StatusOr<std::vector<AddressSpan>> HostSpansOf(const AddressSpan& span,
                                                     const std::vector<const RamBlock*>& blocks);

// Host addresses of the bytes `span` of `block`, whose host address is known. OUT_OF_RANGE if the
// block ends before.
absl::StatusOr<AddressSpan> HostSpanOf(const AddressSpan& span, const RamBlock& block);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_BLOCK_PLACES_H_
