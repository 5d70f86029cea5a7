#ifndef PAGEMAPD_CLI_METRICS_EXPOSITION_H_
#define PAGEMAPD_CLI_METRICS_EXPOSITION_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace pagemapd {

enum class MetricType { kGauge, kCounter };

// What samples of one name have in common. `name` is in base units, and a counter's ends in
// "_total"; `help` is one line without backslashes.
struct MetricFamily {
  const char* name;
  MetricType type;
  const char* help;
};

// Names, which are constants, and values: any bytes.
using MetricLabels = std::vector<std::pair<const char*, std::string>>;

// Samples in Prometheus's text format, version 0.0.4.
class Exposition {
 public:
  // `family` must outlive this object. Two samples of the same name and labels would make a reader
  // refuse all of them: of a second one, which takes hostile names, the label "duplicate" tells.
  void Add(const MetricFamily& family, const MetricLabels& labels, const absl::AlphaNum& value);

  // `ns` nanoseconds, in seconds.
  void AddDuration(const MetricFamily& family, const MetricLabels& labels, uint64_t ns);

  // Families by name, each with its samples in the order that they came.
  std::string Text() const;

 private:
  struct Samples {
    const MetricFamily* family = nullptr;
    std::set<std::string> labels;
    std::string lines;
  };

  std::map<std::string, Samples> families_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_METRICS_EXPOSITION_H_
