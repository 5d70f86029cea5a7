// pagemapd: flags, wiring, signals. The only file that sees every module.

#include <grpc/support/log.h>
#include <malloc.h>
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daemon/bpf/page_cache_walker.h"
#include "daemon/bpf/swap_table.h"
#include "daemon/page/page_size.h"
#include "daemon/procfs/idle_pages.h"
#include "daemon/procfs/kpageflags.h"
#include "daemon/procfs/pagemap_knob.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/query/kernel_features.h"
#include "daemon/query/target_scan.h"
#include "daemon/query/worker_pool.h"
#include "daemon/service/limits.h"
#include "daemon/service/listener.h"
#include "daemon/service/pagemap_service.h"
#include "daemon/shmem/object_pagemap.h"
#include "daemon/shmem/object_resolver.h"
#include "daemon/shmem/page_cache_probe.h"
#include "daemon/shmem/page_cache_reader.h"
#include "version.h"

namespace pagemapd {
namespace {

constexpr char kDefaultAddress[] = "unix:///run/pagemapd/pagemapd.sock";
// How long calls that are under way may take after SIGTERM.
constexpr std::chrono::seconds kDrainTime(5);

struct Flags {
  std::vector<std::string> addresses = {kDefaultAddress};
  int workers = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  std::string source = "auto";
  std::vector<std::string> without;
  std::string log_level = "info";
  Limits limits;
};

// Exit status of a usage error, as the command line's.
constexpr int kUsageError = 2;

void DescribeFlags(CLI::App& app, Flags& flags) {
  app.set_version_flag("--version", absl::StrCat("pagemapd ", kVersion));
  app.add_option("--address", flags.addresses,
                 "Where to listen: unix:///PATH, or tcp://127.0.0.1:PORT (any local user may then "
                 "ask). May be given more than once")
      ->capture_default_str();
  app.add_option("--workers", flags.workers, "Threads that scan")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
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
  app.add_option("--max-bytes-in-flight", flags.limits.max_bytes_in_flight,
                 absl::StrCat("What all scans together may hold in answers not sent yet, in bytes; "
                              "each counts ",
                              kScanBytes, ", and one too many is refused"))
      ->check(CLI::Range(uint64_t{kScanBytes}, uint64_t{1} << 40))
      ->capture_default_str();
  app.add_option("--max-targets", flags.limits.max_targets, "Targets of one request")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--max-ranges", flags.limits.max_ranges,
                 "Ranges of one request, extents of one revalidation")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  app.add_option("--log-level", flags.log_level, "trace, debug, info, warn, error or off")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
}

bool Lacks(const Flags& flags, const std::string& feature) {
  return std::find(flags.without.begin(), flags.without.end(), feature) != flags.without.end();
}

// Keeps what a burst of requests took from staying with the allocator.
void BoundAllocator() {
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 4 << 20);
}

// Tells the main thread that the last scan under way has ended.
constexpr int kIdleSignal = SIGUSR1;

// Waits for SIGINT or SIGTERM, and gives back to the kernel what ended scans held: only the top of
// the heap goes by itself. A second after the last scan, since one often follows another.
int WaitToStop(const sigset_t& stop_signals) {
  sigset_t signals = stop_signals;
  sigaddset(&signals, kIdleSignal);
  while (true) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal != kIdleSignal) return signal;
    constexpr struct timespec kSecond = {1, 0};
    signal = sigtimedwait(&stop_signals, nullptr, &kSecond);
    malloc_trim(0);
    if (signal > 0) return signal;
  }
}

// gRPC's own messages, as lines of our log.
void LogFromGrpc(gpr_log_func_args* args) {
  const spdlog::level::level_enum level =
      args->severity == GPR_LOG_SEVERITY_ERROR  ? spdlog::level::err
      : args->severity == GPR_LOG_SEVERITY_INFO ? spdlog::level::info
                                                : spdlog::level::debug;
  spdlog::log(level, "grpc message=\"{}\"", args->message);
}

absl::Status BpfTakenAway() { return absl::UnavailableError("taken away by --without bpf"); }

// Whether pagemap shows all shared memory in swap; if not, why.
absl::Status MarkerStatus(const Flags& flags, const KernelFeatures& features) {
  if (Lacks(flags, "marker")) return absl::UnavailableError("taken away by --without marker");
  const absl::StatusOr<ShmemSwapMode>& mode = features.shmem_swap;
  if (absl::IsNotFound(mode.status())) {
    return absl::UnavailableError(
        absl::StrCat("the kernel is not patched: ", PagemapKnob::kPath, " is missing"));
  }
  if (!mode.ok()) return mode.status();
  if (*mode != ShmemSwapMode::kFull) {
    return absl::UnavailableError(absl::StrCat(PagemapKnob::kPath, " says ",
                                               *mode == ShmemSwapMode::kOff ? "off" : "marker",
                                               ", not full"));
  }
  if (!features.locations) {
    return absl::UnavailableError("pagemap hides swap offsets: CAP_SYS_ADMIN is missing");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<PageCacheWalker>> LoadWalker(const Flags& flags) {
  if (Lacks(flags, "bpf")) return BpfTakenAway();
  return PageCacheWalker::Load(flags.workers);
}

absl::StatusOr<std::unique_ptr<SwapTable>> LoadSwapTable(const Flags& flags) {
  if (Lacks(flags, "bpf")) return BpfTakenAway();
  return SwapTable::Load();
}

absl::Status Run(const Flags& flags, const sigset_t& stop_signals) {
  std::vector<ListenAddress> addresses;
  for (const std::string& text : flags.addresses) {
    absl::StatusOr<ListenAddress> address = ParseListenAddress(text);
    if (!address.ok()) return address.status();
    addresses.push_back(*std::move(address));
  }
  if (const long page_size = sysconf(_SC_PAGESIZE); page_size != kPageSizeBytes) {
    return absl::UnimplementedError(
        absl::StrCat("pages of ", page_size, " bytes; this build is for ", kPageSizeBytes));
  }
  const ProcRoot root;
  absl::StatusOr<KernelFeatures> features = ProbeKernelFeatures(root);
  if (!features.ok()) return features.status();
  if (Lacks(flags, "pagemap-scan")) features->pagemap_scan = false;
  if (Lacks(flags, "cachestat")) features->cachestat = false;

  ScanEnvironment environment = {root, *features, std::nullopt};
  if (absl::StatusOr<KPageFlags> kpageflags = KPageFlags::Open(root); kpageflags.ok()) {
    environment.kpageflags.emplace(*std::move(kpageflags));
  } else {
    spdlog::warn("no frame flags error=\"{}\"", kpageflags.status().ToString());
  }
  // Most kernels are built without: not worth a warning.
  if (absl::StatusOr<IdlePages> idle_pages = IdlePages::Open(); idle_pages.ok()) {
    environment.idle_pages.emplace(*std::move(idle_pages));
  }
  if (!features->locations) {
    spdlog::warn("pagemap hides frames and swap offsets: CAP_SYS_ADMIN is missing");
  }

  const absl::Status marker = MarkerStatus(flags, *features);
  const bool shows = marker.ok() && (flags.source == "auto" || flags.source == "marker");
  std::optional<ObjectPagemap> object_pagemap;
  if (shows) {
    absl::StatusOr<PagemapKnob> knob = PagemapKnob::Open();
    if (!knob.ok()) return knob.status();
    environment.marker_knob.emplace(*std::move(knob));
    auto opened = ObjectPagemap::Open(root, *environment.marker_knob);
    if (!opened.ok()) return opened.status();
    object_pagemap.emplace(*std::move(opened));
  } else if (flags.source == "marker") {
    spdlog::warn("no source marker error=\"{}\"", marker.ToString());
  }
  const absl::StatusOr<std::unique_ptr<PageCacheWalker>> walker = LoadWalker(flags);
  const bool reads = walker.ok() && flags.source != "probe";
  if (!walker.ok() && flags.source != "probe") {
    spdlog::warn("no source bpf, and so no {} of shared memory error=\"{}\"",
                 shows ? "folio sizes" : "swap offsets", walker.status().ToString());
  }
  // Where BPF as a whole is not to be had, that has just been said.
  const absl::StatusOr<std::unique_ptr<SwapTable>> swap_table = LoadSwapTable(flags);
  if (!swap_table.ok() && walker.ok()) {
    spdlog::warn("swap types of several areas are not told apart error=\"{}\"",
                 swap_table.status().ToString());
  }
  const PageCacheProbe probe(
      features->cachestat ? PageCacheProbe::Method::kCachestat : PageCacheProbe::Method::kMincore,
      root);
  std::vector<ObjectResolver> resolvers;
  for (int slice = 0; slice < flags.workers; ++slice) {
    std::optional<PageCacheReader> reader;
    if (reads) reader.emplace(**walker, slice, features->special_types);
    resolvers.emplace_back(probe, reader, object_pagemap.has_value() ? &*object_pagemap : nullptr);
  }
  WorkerPool pool(std::move(resolvers));
  std::vector<PagemapService::SourceChoice> sources = {
      {"marker", marker.ok(), shows,
       marker.ok() ? "pagemap, which shows shared memory in swap" : marker.ToString()},
      {"bpf", walker.ok(), reads,
       walker.ok() ? "the page cache, read by a BPF program" : walker.status().ToString()},
      {"probe", /*available=*/true, /*active=*/!reads,
       features->cachestat ? "lseek and cachestat" : "lseek and mincore"}};
  std::stable_partition(sources.begin(), sources.end(),
                        [](const auto& source) { return source.active; });
  PagemapService service(environment, pool, swap_table.ok() ? swap_table->get() : nullptr,
                         flags.limits, sources, [] { kill(getpid(), kIdleSignal); });
  absl::StatusOr<std::unique_ptr<grpc::Server>> server = StartServer(addresses, &service);
  if (!server.ok()) return server.status();
  for (const std::string& address : flags.addresses) spdlog::info("listening address={}", address);
  for (const ListenAddress& address : addresses) {
    if (address.kind == ListenAddress::Kind::kTcp) {
      spdlog::warn("any local user can ask address={}", address.host_port);
    }
  }
  spdlog::info(
      "started version={} pid={} kernel={} source={} pagemap_scan={} cachestat={} locations={} "
      "workers={} max_scans={}",
      kVersion, getpid(), features->release,
      absl::StrCat(shows ? "marker," : "", reads ? "bpf" : "probe"), features->pagemap_scan,
      features->cachestat, features->locations, flags.workers, MaxScans(flags.limits));

  const int signal = WaitToStop(stop_signals);
  spdlog::info("stopping signal={}", strsignal(signal));
  (*server)->Shutdown(std::chrono::system_clock::now() + kDrainTime);
  (*server)->Wait();
  RemoveSockets(addresses);
  spdlog::info("stopped");
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  BoundAllocator();
  // Debian builds Abseil with its search for deadlocks on, which costs at every lock.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  Flags flags;
  CLI::App app(
      "pagemapd tells for every page of a process whether it is in RAM, in swap, or does not "
      "exist. It answers pagemapctl, and any gRPC client, on a socket for root alone.");
  DescribeFlags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageError;
  }
  spdlog::set_default_logger(spdlog::stderr_logger_mt("pagemapd"));
  spdlog::set_level(spdlog::level::from_str(flags.log_level));
  gpr_set_log_function(LogFromGrpc);
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%f%z %l %v");

  // Blocked here, before any thread is there, so that WaitToStop alone receives them.
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGINT);
  sigaddset(&stop_signals, SIGTERM);
  sigset_t blocked = stop_signals;
  sigaddset(&blocked, kIdleSignal);
  sigprocmask(SIG_BLOCK, &blocked, nullptr);
  signal(SIGPIPE, SIG_IGN);

  const absl::Status status = Run(flags, stop_signals);
  if (status.ok()) return 0;
  spdlog::error("cannot run error=\"{}\"", status.ToString());
  return absl::IsInvalidArgument(status) ? kUsageError : 1;
}

}  // namespace
}  // namespace pagemapd

int main(int argc, char** argv) { return pagemapd::Main(argc, argv); }
