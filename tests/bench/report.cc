#include "tests/bench/report.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace pagemapd {
namespace {

void Print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace

void Report::Section(absl::string_view title, absl::string_view baseline, absl::string_view ours) {
  Print(absl::StrFormat("\n%s\n", title));
  Print(absl::StrFormat("  %-42s %9s %9s %7s %7s %6s\n", "", baseline, ours, "ratio", "median",
                        "bar"));
}

std::string Report::Verdict(std::optional<double> bar, double figure) {
  if (!bar) return "";
  const bool pass = figure <= *bar;
  ++(pass ? passed_ : over_);
  return absl::StrFormat(" %6.2f  %s", *bar, pass ? "PASS" : "over");
}

void Report::Costs(absl::string_view row, const Comparison& comparison, double ns_per_unit,
                   std::optional<double> bar) {
  Print(absl::StrFormat("  %-42s %9.2f %9.2f %7.2f %7.2f%s\n", row,
                        comparison.baseline.best_ns / ns_per_unit,
                        comparison.ours.best_ns / ns_per_unit, comparison.BestRatio(),
                        comparison.MedianRatio(), Verdict(bar, comparison.BestRatio())));
}

void Report::PerPage(absl::string_view row, const Comparison& comparison, uint64_t pages,
                     std::optional<double> bar) {
  Costs(row, comparison, pages, bar);
}

void Report::PerRun(absl::string_view row, const Comparison& comparison, double bar) {
  Costs(row, comparison, 1e6, bar);
}

void Report::Memory(absl::string_view row, uint64_t bytes, uint64_t bar_bytes) {
  const double mib = 1.0 / (1 << 20);
  Print(absl::StrFormat("  %-42s %9s %9.1f %7s %7s%s\n", row, "", bytes * mib, "", "",
                        Verdict(bar_bytes * mib, bytes * mib)));
}

void Report::NotDone(absl::string_view row, const absl::Status& why) {
  ++not_done_;
  Print(absl::StrFormat("  %-42s not done: %s\n", row, why.ToString()));
}

bool Report::Finish() {
  Print(absl::StrFormat("\n%d within their bar, %d over it, %d not done\n", passed_, over_,
                        not_done_));
  return not_done_ == 0;
}

}  // namespace pagemapd
