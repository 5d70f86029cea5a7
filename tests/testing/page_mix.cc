#include "tests/testing/page_mix.h"

#include <algorithm>
#include <random>

namespace pagemapd {

const char* Name(Mix mix) {
  switch (mix) {
    case Mix::kRandom:
      return "random";
    case Mix::kRunLength:
      return "run-length";
    case Mix::kAlternating:
      return "alternating";
    case Mix::kAllSwapped:
      return "all-swapped";
    case Mix::kSparse:
      return "sparse";
  }
  return "?";
}

std::vector<PageWish> MakeMix(Mix mix, uint64_t pages, absl::Span<const PageWish> wishes,
                              uint64_t seed) {
  std::mt19937_64 lots(seed);
  auto draw = [&] { return wishes[lots() % wishes.size()]; };
  std::vector<PageWish> plan(pages, PageWish::kUntouched);
  switch (mix) {
    case Mix::kRandom:
      for (PageWish& wish : plan) wish = draw();
      break;
    case Mix::kRunLength:
      for (uint64_t at = 0; at < pages;) {
        uint64_t end = std::min(pages, at + 1 + lots() % 512);
        std::fill(plan.begin() + at, plan.begin() + end, draw());
        at = end;
      }
      break;
    case Mix::kAlternating:
      for (uint64_t i = 0; i < pages; ++i) {
        plan[i] = i % 2 == 0 ? PageWish::kMapped : PageWish::kSwapped;
      }
      break;
    case Mix::kAllSwapped:
      std::fill(plan.begin(), plan.end(), PageWish::kSwapped);
      break;
    case Mix::kSparse:
      for (PageWish& wish : plan) {
        if (lots() % 64 == 0) wish = draw();
      }
      break;
  }
  return plan;
}

std::vector<PageRun> RunsOf(absl::Span<const PageWish> plan, absl::Span<const PageWish> any_of) {
  std::vector<PageRun> runs;
  for (uint64_t i = 0; i < plan.size(); ++i) {
    if (std::find(any_of.begin(), any_of.end(), plan[i]) == any_of.end()) continue;
    if (!runs.empty() && runs.back().first + runs.back().pages == i) {
      ++runs.back().pages;
    } else {
      runs.push_back({i, 1});
    }
  }
  return runs;
}

}  // namespace pagemapd
