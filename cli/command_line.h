#ifndef PAGEMAPD_CLI_COMMAND_LINE_H_
#define PAGEMAPD_CLI_COMMAND_LINE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "cli/exit_code.h"
#include "cli/map_command.h"
#include "cli/metrics/metrics_command.h"
#include "cli/pageout/pageout_command.h"
#include "cli/pages_command.h"
#include "cli/session.h"
#include "cli/summary_command.h"
#include "cli/tls_files.h"
#include "cli/vm/vm_command.h"

namespace pagemapd {

// The commands without options of their own.
struct StatusOptions {};
struct SwapOptions {};
struct MappingsOptions {
  int32_t pid = 0;
};

// What the arguments ask for.
struct CommandLine {
  // As given by -a, $PAGEMAPD_ADDRESS or the default, in this order; a valid address.
  std::string address;
  // Set for an address of TCP.
  std::optional<TlsFiles> tls;
  OutputFormat format = OutputFormat::kTable;
  bool with_heading = true;
  std::variant<StatusOptions, MappingsOptions, PagesOptions, SummaryOptions, SwapOptions,
               PageOutOptions, MapOptions, VmOptions, MetricsOptions>
      command;
};

// What became of the arguments.
struct ParsedArguments {
  // There is a command to run; if not, `exit_code` is the answer.
  bool run = false;
  ExitCode exit_code = ExitCode::kDone;
  // For standard output: help or version.
  std::string text;
  // For standard error.
  std::string error;
  CommandLine line;
};

// `environment_address` is $PAGEMAPD_ADDRESS; null or empty if not set.
ParsedArguments ParseArguments(int argc, const char* const* argv, const char* environment_address);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_COMMAND_LINE_H_
