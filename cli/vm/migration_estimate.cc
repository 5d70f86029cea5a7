#include "cli/vm/migration_estimate.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "cli/page_counts.h"

namespace pagemapd {

HoleRead HoleReadOf(v1::MappingKind kind) {
  switch (kind) {
    case v1::MAPPING_KIND_SHMEM:
      return HoleRead::kAllocates;
    case v1::MAPPING_KIND_ANON:
      return HoleRead::kZeroPage;
    case v1::MAPPING_KIND_FILE:
      return HoleRead::kReadsFile;
    case v1::MAPPING_KIND_HUGETLB:
      return HoleRead::kTakesHugePage;
    default:
      return HoleRead::kUnknown;
  }
}

const char* HoleReadName(HoleRead what) {
  switch (what) {
    case HoleRead::kAllocates:
      return "allocates";
    case HoleRead::kZeroPage:
      return "zero_page";
    case HoleRead::kReadsFile:
      return "reads_file";
    case HoleRead::kTakesHugePage:
      return "takes_huge_page";
    case HoleRead::kUnknown:
      break;
  }
  return "unknown";
}

SwapHome SwapHomeOf(const v1::SwapArea& area) {
  if (area.is_file()) return SwapHome::kFile;
  absl::string_view number = area.path();
  const bool zram = absl::ConsumePrefix(&number, "/dev/zram") && !number.empty() &&
                    std::all_of(number.begin(), number.end(), absl::ascii_isdigit);
  return zram ? SwapHome::kZram : SwapHome::kDevice;
}

const char* SwapHomeName(SwapHome home) {
  switch (home) {
    case SwapHome::kZram:
      return "zram";
    case SwapHome::kDevice:
      return "device";
    case SwapHome::kFile:
      return "file";
    case SwapHome::kUnknown:
      break;
  }
  return "unknown";
}

void MigrationEstimate::Add(const v1::PageExtent& extent, bool copies_told) {
  if (extent.state() != v1::PAGE_STATE_SWAPPED) return;
  SwappedPages& area =
      swapped[extent.has_swap_type() ? static_cast<int64_t>(extent.swap_type()) : kNoType];
  area.pages += extent.pages();
  if (!copies_told) {
    copy_not_told += extent.pages();
  } else if ((extent.flags() & 1u << v1::PAGE_FLAG_SWAP_CACHE) != 0) {
    area.with_copy += extent.pages();
  }
}

void MigrationEstimate::Conclude(const v1::PageCounts& all, v1::MappingKind kind, bool leave_out) {
  counts = all;
  if (leave_out) {
    left_out = SumOf(all);
    return;
  }
  to_read = counts.swapped() - std::min(counts.swapped(), with_copy());
  to_send = resident() + counts.swapped();
  if (HoleReadOf(kind) == HoleRead::kAllocates) to_grow = counts.hole();
}

void MigrationEstimate::Add(const MigrationEstimate& other) {
  AddCounts(other.counts, &counts);
  for (const auto& [type, area] : other.swapped) {
    swapped[type].pages += area.pages;
    swapped[type].with_copy += area.with_copy;
  }
  copy_not_told += other.copy_not_told;
  to_read += other.to_read;
  to_send += other.to_send;
  to_grow += other.to_grow;
  left_out += other.left_out;
}

uint64_t MigrationEstimate::with_copy() const {
  uint64_t pages = 0;
  for (const auto& entry : swapped) pages += entry.second.with_copy;
  return pages;
}

}  // namespace pagemapd
