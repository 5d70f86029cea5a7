#include "cli/vm/block_places.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"

namespace pagemapd {

BlockPlaces::BlockPlaces(const std::vector<const RamBlock*>& blocks) {
  for (const RamBlock* block : blocks) {
    if (block->host_address.has_value()) AddPieces(*block);
  }
  std::sort(pieces_.begin(), pieces_.end(),
            [](const Piece& a, const Piece& b) { return a.host < b.host; });
}

void BlockPlaces::AddPieces(const RamBlock& block) {
  struct Part {
    uint64_t end;
    uint64_t guest_address;
  };
  // By offset, beside each other. The ranges come with the lowest guest address first.
  std::map<uint64_t, Part> parts;
  for (const GuestRange& range : block.guest_ranges) {
    const uint64_t range_end = std::min(block.size_bytes, range.offset + (range.end - range.start));
    uint64_t offset = range.offset;
    while (offset < range_end) {
      const auto next = parts.upper_bound(offset);
      if (next != parts.begin() && std::prev(next)->second.end > offset) {
        offset = std::prev(next)->second.end;
        continue;
      }
      const uint64_t end = next == parts.end() ? range_end : std::min(range_end, next->first);
      parts[offset] = {end, range.start + (offset - range.offset)};
      offset = end;
    }
  }
  const uint64_t host = *block.host_address;
  uint64_t offset = 0;
  for (const auto& [start, part] : parts) {
    if (offset < start) pieces_.push_back({host + offset, host + start, &block, std::nullopt});
    // A range that the guest sees in one piece may be told in several, ROM in the midst of RAM.
    if (offset == start && offset > 0 && pieces_.back().guest_address.has_value() &&
        *pieces_.back().guest_address + (host + start - pieces_.back().host) ==
            part.guest_address) {
      pieces_.back().end = host + part.end;
    } else {
      pieces_.push_back({host + start, host + part.end, &block, part.guest_address});
    }
    offset = part.end;
  }
  if (offset < block.size_bytes) {
    pieces_.push_back({host + offset, host + block.size_bytes, &block, std::nullopt});
  }
}

GuestPlace BlockPlaces::PlaceOf(uint64_t host) const {
  const auto next =
      std::upper_bound(pieces_.begin(), pieces_.end(), host,
                       [](uint64_t address, const Piece& piece) { return address < piece.host; });
  if (next == pieces_.begin() || std::prev(next)->end <= host) return {};
  const Piece& piece = *std::prev(next);
  GuestPlace place;
  place.block = piece.block;
  place.offset = host - *piece.block->host_address;
  if (piece.guest_address.has_value())
    place.guest_address = *piece.guest_address + (host - piece.host);
  place.bytes = piece.end - host;
  return place;
}

absl::StatusOr<std::vector<AddressSpan>> HostSpansOf(const AddressSpan& span,
                                                     const std::vector<const RamBlock*>& blocks) {
  // By guest-physical address.
  std::map<uint64_t, AddressSpan> found;
  for (const RamBlock* block : blocks) {
    if (!block->host_address.has_value()) continue;
    for (const GuestRange& range : block->guest_ranges) {
      const uint64_t in_use = block->size_bytes - std::min(block->size_bytes, range.offset);
      const uint64_t start = std::max(span.start, range.start);
      const uint64_t end =
          std::min(span.end, range.start + std::min(in_use, range.end - range.start));
      if (start >= end) continue;
      const uint64_t base = *block->host_address + range.offset - range.start;
      found[start] = {base + start, base + end};
    }
  }
  if (found.empty()) {
    return absl::NotFoundError(
        absl::StrCat("none of the VM's RAM is at the guest-physical addresses ", ToString(span)));
  }
  std::vector<AddressSpan> spans;
  for (const auto& entry : found) spans.push_back(entry.second);
  return spans;
}

absl::StatusOr<AddressSpan> HostSpanOf(const AddressSpan& span, const RamBlock& block) {
  if (span.start >= span.end || span.end > block.size_bytes) {
    return absl::OutOfRangeError(absl::StrCat("the range ", ToString(span), " is not within ",
                                              block.name, ", which is 0-",
                                              absl::Hex(block.size_bytes)));
  }
  return AddressSpan{*block.host_address + span.start, *block.host_address + span.end};
}

}  // namespace pagemapd
