#include "daemon/flags.h"

#include <CLI/CLI.hpp>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "version.h"

namespace pagemapd {
namespace {

void DescribeWhoMayAsk(CLI::App& app, Flags& flags) {
  app.add_option("--address", flags.addresses,
                 absl::StrCat("Where to listen: unix:///PATH, or tcp://HOST:PORT, which takes "
                              "--tls-cert, --tls-key and --tls-client-ca. May be given more than "
                              "once. Without: the sockets that systemd passes, or ",
                              Flags::kDefaultAddress));
  app.add_option("--policy", flags.policy,
                 "Who may ask what: pagemapd.policy(5). Read again on SIGHUP. Without: root may "
                 "all, everyone else may look at their own processes");
  app.add_option("--tls-cert", flags.tls.certificate, "The daemon's certificate for TCP, PEM");
  app.add_option("--tls-key", flags.tls.key, "Its key, PEM");
  app.add_option("--tls-client-ca", flags.tls.client_ca,
                 "What clients' certificates must be signed by, PEM");
  app.add_flag("--check-config", flags.check_config,
               "Only tell whether flags, policy and TLS files are right; exit status 0 or 2");
}

void DescribeSources(CLI::App& app, Flags& flags) {
  app.add_option(
         "--source", flags.source,
         "How shared pages that pagemap of an unpatched kernel does not settle are found: auto "
         "takes the best that the kernel offers; marker is the pagemap of a patched kernel, with "
         "the place in swap, and bpf or probe for what is not swapped; bpf reads the page cache by "
         "a BPF program, with the place in swap; probe is lseek with cachestat or mincore. One "
         "that is not available gives way to the next")
      ->check(CLI::IsMember({"auto", "marker", "bpf", "probe"}))
      ->capture_default_str();
  app.add_option("--without", flags.without,
                 "Do as if the kernel lacked a feature: pagemap-scan, cachestat, bpf, marker. May "
                 "be given more than once")
      ->check(CLI::IsMember({"pagemap-scan", "cachestat", "bpf", "marker"}));
}

void DescribeLimits(CLI::App& app, Flags& flags) {
  app.add_option("--workers", flags.workers, "Threads that scan")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--spare-workers", flags.spare_workers,
                 "Threads that take the place of workers the kernel does not let go of, as long as "
                 "a process that is looked at holds them up")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option(
         "--max-bytes-in-flight", flags.limits.max_bytes_in_flight,
         absl::StrCat("What all calls together may hold in requests and in answers not sent "
                      "yet, in bytes; a scan counts ",
                      kScanBytes, ", and one too many is refused. A quarter is root's"))
      ->check(CLI::Range(uint64_t{kScanBytes}, uint64_t{1} << 40))
      ->capture_default_str();
  app.add_option("--max-resident-bytes", flags.limits.max_resident_bytes,
                 "What the daemon may have in RAM and still take calls, root's excepted, in bytes; "
                 "0: no limit")
      ->check(CLI::Range(uint64_t{0}, uint64_t{1} << 40))
      ->capture_default_str();
  app.add_option("--max-calls-per-caller", flags.limits.max_calls_per_caller,
                 "Calls of one caller at once; root's are not counted")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--max-stall-seconds", flags.limits.max_stall_seconds,
                 "For how long a client may leave what it was sent before its call is cancelled; "
                 "0: as long as it likes")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  app.add_option("--max-connections", flags.connections.max_connections,
                 "Connections at once; root's are not counted")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--max-connections-per-user", flags.connections.max_connections_per_user,
                 "Connections of one user at once, and of TCP together")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--max-users", flags.connections.max_callers,
                 "Users that are connected at once; with other groups one is another")
      ->check(CLI::Range(1, 1 << 16))
      ->capture_default_str();
  app.add_option("--max-targets", flags.limits.max_targets, "Targets of one request")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--max-ranges", flags.limits.max_ranges,
                 "Ranges of one request, extents of one revalidation")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
}

}  // namespace

std::optional<int> ParseFlags(int argc, char** argv, Flags* flags) {
  CLI::App app(
      "pagemapd tells for every page of a process whether it is in RAM, in swap, or does not "
      "exist. It answers pagemapctl, and any gRPC client, as far as its policy lets them ask.");
  app.set_version_flag("--version", absl::StrCat("pagemapd ", kVersion));
  DescribeWhoMayAsk(app, *flags);
  DescribeSources(app, *flags);
  DescribeLimits(app, *flags);
  app.add_option("--log-level", flags->log_level, "trace, debug, info, warn, error or off")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageError;
  }
  return std::nullopt;
}

}  // namespace pagemapd
