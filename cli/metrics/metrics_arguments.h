#ifndef PAGEMAPD_CLI_METRICS_METRICS_ARGUMENTS_H_
#define PAGEMAPD_CLI_METRICS_METRICS_ARGUMENTS_H_

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "cli/metrics/metrics_command.h"

namespace pagemapd {

// What `metrics` is given, as text that CLI11 has checked.
struct MetricsArguments {
  std::vector<std::string> pids;
  std::vector<std::string> qmp_paths;
  std::string textfile;
};

// Adds `metrics`; `arguments` must outlive the parsing.
CLI::App* AddMetrics(CLI::App* app, MetricsArguments* arguments);

MetricsOptions MetricsOptionsOf(const MetricsArguments& arguments);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_METRICS_METRICS_ARGUMENTS_H_
