#include "cli/metrics/metrics_arguments.h"

#include "cli/argument_checks.h"

namespace pagemapd {
namespace {

std::string NotEmpty(const std::string& text) { return text.empty() ? "it is empty" : ""; }

}  // namespace

CLI::App* AddMetrics(CLI::App* app, MetricsArguments* arguments) {
  CLI::App* command = app->add_subcommand("metrics", "Print metrics for Prometheus");
  command->add_option("PID", arguments->pids, "Processes whose pages to count")
      ->type_name("")
      ->check(CheckPid);
  command
      ->add_option("--qmp", arguments->qmp_paths,
                   "VMs whose RAM to count: QEMU's QMP socket, a path;\n"
                   "repeatable")
      ->type_name("PATH")
      ->allow_extra_args(false)
      ->check(NotEmpty);
  command
      ->add_option("--textfile", arguments->textfile,
                   "Write to this file in place of standard output, all\n"
                   "at once, for node_exporter's textfile collector")
      ->type_name("FILE")
      ->check(NotEmpty);
  command->footer(
      "The daemon's own counters and the swap areas are always there. Of a process or VM\n"
      "that cannot be counted a metric tells; exit code 3.\n\n" +
      std::string(kGlobalOptionsToo) +
      "Examples:\n"
      "  pagemapctl metrics 4321 --qmp /run/vm1.qmp\n"
      "  pagemapctl metrics --textfile /var/lib/prometheus/node-exporter/pagemapd.prom");
  return command;
}

MetricsOptions MetricsOptionsOf(const MetricsArguments& arguments) {
  MetricsOptions options;
  for (const std::string& text : arguments.pids) options.pids.push_back(PidOf(text));
  options.qmp_paths = arguments.qmp_paths;
  options.textfile = arguments.textfile;
  return options;
}

}  // namespace pagemapd
