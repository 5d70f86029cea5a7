#include "daemon/query/chunk_output.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace pagemapd {

void ChunkOutput::Reset() {
  counts = PageCounts();
  swap_types = {};
  folios = {};
  extents.clear();
  bytes.clear();
  uniform.reset();
}

void ChunkOutputWriter::Append(uint64_t address, absl::Span<const PageRecord> records) {
  PageCounts counts;
  counts.Add(records);
  switch (spec_.format) {
    case Format::kCounts:
      if (const uint64_t swapped = counts.of(PageState::kSwapped); !spec_.names_swap_types) {
        output_->swap_types[kSwapTypes] += swapped;
      } else if (swapped > 0) {
        AddSwapTypes(records, &output_->swap_types);
      }
      break;
    case Format::kExtents:
      extents_.Append(address, records);
      break;
    case Format::kPacked:
      AppendPacked(records);
      break;
    case Format::kBitmap:
      AppendBitmap(records);
      break;
  }
  output_->counts += counts;
}

void ChunkOutputWriter::AppendPacked(absl::Span<const PageRecord> records) {
  const size_t old_size = output_->bytes.size();
  output_->bytes.resize(old_size + records.size() * sizeof(PageRecord));
  char* out = &output_->bytes[old_size];
  const uint64_t mask = spec_.fields | PageRecord::kStateMask;
  const uint64_t states = spec_.states;
  const auto append = [&out](uint64_t bits) {
    std::memcpy(out, &bits, sizeof(bits));
    out += sizeof(bits);
  };
  if (states == ScanSpec::kAllStates) {
    for (PageRecord record : records) append(record.bits() & mask);
    return;
  }
  for (PageRecord record : records) {
    const uint64_t wanted = -((states >> (record.bits() & PageRecord::kStateMask)) & 1);
    append(record.bits() & mask & wanted);
  }
}

void ChunkOutputWriter::AppendBitmap(absl::Span<const PageRecord> records) {
  for (size_t begin = 0; begin < records.size(); begin += 64) {
    const size_t pages = std::min<size_t>(64, records.size() - begin);
    uint64_t word = 0;
    for (size_t i = 0; i < pages; ++i) {
      const uint64_t state = records[begin + i].bits() & PageRecord::kStateMask;
      word |= uint64_t{(spec_.states >> state) & 1u} << i;
    }
    output_->bytes.append(reinterpret_cast<const char*>(&word), (pages + 7) / 8);
  }
}

void ChunkOutputWriter::AppendAll(uint64_t address, uint64_t pages, PageRecord record) {
  output_->counts.Add(record.state(), pages);
  switch (spec_.format) {
    case Format::kCounts:
      if (record.state() == PageState::kSwapped) output_->swap_types[kSwapTypes] += pages;
      break;
    case Format::kExtents:
      extents_.AppendRun(address, pages, record);
      break;
    case Format::kPacked:
      if (spec_.Wants(record.state())) output_->uniform = record.Only(spec_.fields).bits();
      break;
    case Format::kBitmap:
      if (spec_.Wants(record.state())) output_->uniform = 1;
      break;
  }
}

void ChunkOutputWriter::Finish() {
  std::string& bytes = output_->bytes;
  if (spec_.format == Format::kPacked && bytes.size() >= sizeof(uint64_t)) {
    // Equal to itself one record further on: all records are the first.
    if (std::memcmp(bytes.data(), bytes.data() + sizeof(uint64_t),
                    bytes.size() - sizeof(uint64_t)) == 0) {
      uint64_t bits;
      std::memcpy(&bits, bytes.data(), sizeof(bits));
      if (bits != 0) output_->uniform = bits;
      bytes.clear();
    }
  } else if (spec_.format == Format::kBitmap && !bytes.empty()) {
    uint64_t wanted = 0;
    for (int state = 0; state <= kPageStates; ++state) {
      if ((spec_.states >> state) & 1) wanted += output_->counts.of(static_cast<PageState>(state));
    }
    if (wanted == output_->counts.total()) output_->uniform = 1;
    if (wanted == 0 || output_->uniform.has_value()) bytes.clear();
  }
}

}  // namespace pagemapd
