#ifndef PAGEMAPD_TESTS_BENCH_REPORT_H_
#define PAGEMAPD_TESTS_BENCH_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tests/bench/comparison.h"

namespace pagemapd {

// The figures, a line each, on stdout. A bar is the most that a figure may be; what is measured
// against it is the best run.
class Report {
 public:
  // What the next lines are about, and what their baseline and our part are called.
  void Section(absl::string_view title, absl::string_view baseline, absl::string_view ours);

  // Both costs by the page, in nanoseconds, and their ratio. Both scanned `pages`.
  void PerPage(absl::string_view row, const Comparison& comparison, uint64_t pages,
               std::optional<double> bar);
  // Both costs by the run, in milliseconds, and their ratio.
  void PerRun(absl::string_view row, const Comparison& comparison, double bar);
  void Memory(absl::string_view row, uint64_t bytes, uint64_t bar_bytes);

  // The line that could not be measured, and why.
  void NotDone(absl::string_view row, const absl::Status& why);

  // A summary line. False if anything could not be measured.
  bool Finish();

 private:
  void Costs(absl::string_view row, const Comparison& comparison, double ns_per_unit,
             std::optional<double> bar);
  std::string Verdict(std::optional<double> bar, double figure);

  int passed_ = 0;
  int over_ = 0;
  int not_done_ = 0;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_BENCH_REPORT_H_
