#ifndef PAGEMAPD_TESTS_METRICS_NODE_EXPORTER_H_
#define PAGEMAPD_TESTS_METRICS_NODE_EXPORTER_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "tests/testing/subprocess.h"

namespace pagemapd {

// Debian's prometheus-node-exporter, on a port of the kernel's choice, with the textfile collector
// alone. Ends with this object. Not thread-safe.
class NodeExporter {
 public:
  // Reads *.prom in `directory`, and writes its log there, by another name. Returns once it serves.
  static absl::StatusOr<NodeExporter> Start(const std::string& directory);

  // What it serves now: the body of /metrics.
  absl::StatusOr<std::string> Scrape() const;

  // All that it wrote to stderr.
  std::string Log() const;

 private:
  NodeExporter(std::string log, Subprocess process)
      : log_(std::move(log)), process_(std::move(process)) {}

  std::string log_;
  Subprocess process_;
  uint16_t port_ = 0;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_METRICS_NODE_EXPORTER_H_
