// ValidateRange, Normalize and Intersect.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "daemon/page/page_range.h"
#include "tests/fuzz/require.h"

namespace pagemapd {
namespace {

constexpr uint64_t kUserEnd = 0x00fffffffffff000;
constexpr PageRange kVsyscall = {0xffffffffff600000, 0xffffffffff601000};

// Any range, of valid ones and of ones that nearly meet each other more than chance would make.
PageRange TakeRange(FuzzedDataProvider* input) {
  switch (input->ConsumeIntegralInRange<int>(0, 3)) {
    case 0:
      return {input->ConsumeIntegral<uint64_t>(), input->ConsumeIntegral<uint64_t>()};
    case 1: {
      const uint64_t page = input->ConsumeIntegralInRange<uint64_t>(0, 31);
      const uint64_t pages = input->ConsumeIntegralInRange<uint64_t>(0, 31);
      return {page << kPageShift, (page + pages) << kPageShift};
    }
    case 2: {
      const uint64_t page = input->ConsumeIntegral<uint64_t>();
      return {page << kPageShift, (page + input->ConsumeIntegral<uint8_t>()) << kPageShift};
    }
    default:
      return kVsyscall;
  }
}

// Whether it is valid, said in another way than ValidateRange does.
bool IsValid(const PageRange& range) {
  if (range == kVsyscall) return true;
  return range.start % 4096 == 0 && range.end % 4096 == 0 && range.start < range.end &&
         range.end <= kUserEnd;
}

bool InAny(const std::vector<PageRange>& ranges, uint64_t address) {
  for (const PageRange& range : ranges) {
    if (range.Contains(address)) return true;
  }
  return false;
}

void CheckNormalize(const std::vector<PageRange>& ranges) {
  const std::vector<PageRange> normal = Normalize(ranges);
  REQUIRE(normal.size() <= ranges.size());
  REQUIRE(normal.empty() == ranges.empty());
  for (size_t i = 0; i < normal.size(); ++i) {
    REQUIRE(IsValid(normal[i]));
    if (i > 0) REQUIRE(normal[i - 1].end < normal[i].start);
  }
  // The same addresses: what is in one is in the other, at and beside every edge.
  for (const std::vector<PageRange>* edges : {&ranges, &normal}) {
    for (const PageRange& range : *edges) {
      for (const uint64_t edge : {range.start, range.end}) {
        for (const uint64_t address : {edge - 1, edge}) {
          REQUIRE(InAny(ranges, address) == InAny(normal, address));
        }
      }
    }
  }
  REQUIRE(Normalize(normal) == normal);
  REQUIRE(Normalize(std::vector<PageRange>(ranges.rbegin(), ranges.rend())) == normal);
}

void CheckIntersect(const PageRange& a, const PageRange& b) {
  const PageRange both = Intersect(a, b);
  REQUIRE(both == Intersect(b, a));
  REQUIRE(both.start <= both.end);
  for (const uint64_t edge : {a.start, a.end, b.start, b.end}) {
    for (const uint64_t address : {edge - 1, edge}) {
      REQUIRE(both.Contains(address) == (a.Contains(address) && b.Contains(address)));
    }
  }
}

}  // namespace
}  // namespace pagemapd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider input(data, size);
  std::vector<pagemapd::PageRange> valid;
  while (input.remaining_bytes() > 0 && valid.size() < 64) {
    const pagemapd::PageRange range = pagemapd::TakeRange(&input);
    const absl::Status status = pagemapd::ValidateRange(range);
    REQUIRE(status.ok() == pagemapd::IsValid(range));
    if (!status.ok()) {
      REQUIRE(status.code() == absl::StatusCode::kInvalidArgument);
      continue;
    }
    REQUIRE(range.Pages() > 0 && range.Pages() <= pagemapd::kUserEnd >> pagemapd::kPageShift);
    if (!valid.empty()) pagemapd::CheckIntersect(valid.back(), range);
    valid.push_back(range);
  }
  pagemapd::CheckNormalize(valid);
  return 0;
}
