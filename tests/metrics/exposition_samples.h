#ifndef PAGEMAPD_TESTS_METRICS_EXPOSITION_SAMPLES_H_
#define PAGEMAPD_TESTS_METRICS_EXPOSITION_SAMPLES_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace pagemapd {

// What names one series: of a metric and, but for an empty value, its labels.
struct Series {
  std::string name;
  std::map<std::string, std::string> labels;

  friend bool operator<(const Series& a, const Series& b) {
    return a.name != b.name ? a.name < b.name : a.labels < b.labels;
  }
  friend bool operator==(const Series& a, const Series& b) {
    return a.name == b.name && a.labels == b.labels;
  }
};
std::ostream& operator<<(std::ostream& out, const Series& series);

using Samples = std::map<Series, double>;

// The samples of a text in Prometheus's format whose names begin with `prefix`: labels unescaped,
// comments left out. INVALID_ARGUMENT for a line that is neither, and for a series that is there
// twice.
absl::StatusOr<Samples> ParseSamples(absl::string_view text, absl::string_view prefix);

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_METRICS_EXPOSITION_SAMPLES_H_
