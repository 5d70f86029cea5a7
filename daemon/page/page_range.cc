#include "daemon/page/page_range.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace pagemapd {
namespace {

constexpr uint64_t kUserEnd = (uint64_t{1} << 56) - kPageSizeBytes;
constexpr uint64_t kObjectEnd = uint64_t{1} << 63;
constexpr PageRange kVsyscall = {0xffffffffff600000, 0xffffffffff601000};

absl::Status Invalid(const PageRange& range, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("range ", ToString(range), " ", why));
}

absl::Status ValidateShape(const PageRange& range) {
  if (range.start == range.end) return Invalid(range, "is empty");
  if (range.start > range.end) return Invalid(range, "is reversed");
  if ((range.start | range.end) & (kPageSizeBytes - 1)) {
    return Invalid(range, absl::StrCat("is not aligned to ", kPageSizeBytes, " bytes"));
  }
  return absl::OkStatus();
}

}  // namespace

std::string ToString(const PageRange& range) {
  return absl::StrCat("0x", absl::Hex(range.start), "-0x", absl::Hex(range.end));
}

PageRange Intersect(const PageRange& a, const PageRange& b) {
  const uint64_t start = std::max(a.start, b.start);
  return {start, std::max(start, std::min(a.end, b.end))};
}

absl::Status ValidateRange(const PageRange& range) {
  if (absl::Status status = ValidateShape(range); !status.ok()) return status;
  if (range.end > kUserEnd && !(range == kVsyscall)) {
    return Invalid(range, "reaches past the user address space");
  }
  return absl::OkStatus();
}

absl::Status ValidateObjectRange(const PageRange& range) {
  if (absl::Status status = ValidateShape(range); !status.ok()) return status;
  if (range.end > kObjectEnd) return Invalid(range, "reaches past the largest file");
  return absl::OkStatus();
}

std::vector<PageRange> Normalize(std::vector<PageRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const PageRange& a, const PageRange& b) { return a.start < b.start; });
  size_t kept = 0;
  for (const PageRange& range : ranges) {
    if (kept > 0 && range.start <= ranges[kept - 1].end) {
      ranges[kept - 1].end = std::max(ranges[kept - 1].end, range.end);
    } else {
      ranges[kept++] = range;
    }
  }
  ranges.resize(kept);
  return ranges;
}

}  // namespace pagemapd
