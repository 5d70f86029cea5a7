// pagemapctl: asks pagemapd where the pages of processes are.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <string>
#include <variant>

#include "cli/command_line.h"
#include "cli/connection.h"
#include "cli/map_command.h"
#include "cli/mappings_command.h"
#include "cli/metrics/metrics_command.h"
#include "cli/output/output_stream.h"
#include "cli/pageout/pageout_command.h"
#include "cli/pages_command.h"
#include "cli/session.h"
#include "cli/status_command.h"
#include "cli/summary_command.h"
#include "cli/swap_command.h"
#include "cli/tls_files.h"
#include "cli/vm/vm_command.h"

namespace pagemapd {
namespace {

struct CommandRunner {
  const Session& session;

  ExitCode operator()(const StatusOptions&) const { return RunStatus(session); }
  ExitCode operator()(const SwapOptions&) const { return RunSwap(session); }
  ExitCode operator()(const MappingsOptions& options) const {
    return RunMappings(session, options.pid);
  }
  ExitCode operator()(const PagesOptions& options) const { return RunPages(session, options); }
  ExitCode operator()(const SummaryOptions& options) const { return RunSummary(session, options); }
  ExitCode operator()(const PageOutOptions& options) const { return RunPageOut(session, options); }
  ExitCode operator()(const MapOptions& options) const { return RunMap(session, options); }
  ExitCode operator()(const VmOptions& options) const { return RunVm(session, options); }
  ExitCode operator()(const MetricsOptions& options) const { return RunMetrics(session, options); }
};

ExitCode Run(const ParsedArguments& parsed, OutputStream& out) {
  if (!parsed.error.empty()) {
    fprintf(stderr, "pagemapctl: %s\nTry 'pagemapctl --help'.\n", parsed.error.c_str());
  }
  out.Append(parsed.text);
  if (!parsed.run) return parsed.exit_code;
  const CommandLine& line = parsed.line;
  std::optional<TlsIdentity> tls;
  if (line.tls.has_value()) {
    absl::StatusOr<TlsIdentity> read = ReadTlsFiles(*line.tls);
    if (!read.ok()) {
      fprintf(stderr, "pagemapctl: %s\n", std::string(read.status().message()).c_str());
      return ExitCode::kFailed;
    }
    tls = *std::move(read);
  }
  const auto service =
      Connect(GrpcTargetOf(line.address), tls,
              std::holds_alternative<MetricsOptions>(line.command) ? kMetricsCallLimit
                                                                   : absl::InfiniteDuration());
  const Session session(line.address, service.get(), line.format, line.with_heading, &out);
  return std::visit(CommandRunner{session}, line.command);
}

int Main(int argc, char** argv) {
  // A reader that has enough shows as EPIPE; gRPC's sockets must not end the process either.
  signal(SIGPIPE, SIG_IGN);
  // gRPC's own log lines tell a user nothing.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);

  OutputStream out(STDOUT_FILENO);
  const ExitCode code = Run(ParseArguments(argc, argv, getenv("PAGEMAPD_ADDRESS")), out);
  if (out.Flush()) return static_cast<int>(code);
  if (out.error_number() == EPIPE) return static_cast<int>(ExitCode::kDone);
  fprintf(stderr, "pagemapctl: cannot write to standard output: %s\n",
          strerror(out.error_number()));
  return static_cast<int>(ExitCode::kFailed);
}

}  // namespace
}  // namespace pagemapd

int main(int argc, char** argv) { return pagemapd::Main(argc, argv); }
