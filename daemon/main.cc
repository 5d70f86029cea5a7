// pagemapd: wiring and signals. The only file that sees every module.

#include <malloc.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/flags.h"
#include "daemon/log.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/procfs/process.h"
#include "daemon/procfs/process_owner.h"
#include "daemon/query/kernel_features.h"
#include "daemon/query/monotonic_time.h"
#include "daemon/query/scan_statistics.h"
#include "daemon/query/worker_pool.h"
#include "daemon/reloader.h"
#include "daemon/scan_sources.h"
#include "daemon/service/access/access_control.h"
#include "daemon/service/admission.h"
#include "daemon/service/call_statistics.h"
#include "daemon/service/listen/doorbell.h"
#include "daemon/service/listen/event_source.h"
#include "daemon/service/listen/listen_address.h"
#include "daemon/service/listen/listener.h"
#include "daemon/service/listen/listening_socket.h"
#include "daemon/service/listen/tls_files.h"
#include "daemon/service/pagemap_service.h"
#include "daemon/service/service_context.h"
#include "daemon/service/slow_readers.h"
#include "daemon/sys/errno_status.h"
#include "version.h"

namespace pagemapd {
namespace {

// How long calls that are under way may take after SIGTERM, and how long what was answered last may
// take to be sent. All is to be over within five seconds.
constexpr absl::Duration kDrainTime = absl::Milliseconds(4'000);
constexpr std::chrono::milliseconds kLastAnswers(200);
constexpr absl::Duration kStopTime = absl::Milliseconds(4'400);
// How long the last line of the log may take.
constexpr absl::Duration kLogTime = absl::Milliseconds(100);

// Keeps what a burst of requests took from staying with the allocator.
void BoundAllocator() {
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 4 << 20);
}

// Every connection takes two descriptors.
void RaiseDescriptorLimit() {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Everything that can be wrong before anything is listened on.
struct Configuration {
  std::vector<ListenAddress> addresses;
  std::unique_ptr<AccessControl> access;
  // Null where there is no TCP.
  std::shared_ptr<grpc::ServerCredentials> tls;
};

absl::StatusOr<Configuration> ReadConfiguration(const Flags& flags) {
  Configuration configuration;
  bool wants_tls =
      !flags.tls.certificate.empty() || !flags.tls.key.empty() || !flags.tls.client_ca.empty();
  for (const std::string& text : flags.addresses) {
    absl::StatusOr<ListenAddress> address = ParseListenAddress(text);
    if (!address.ok()) return address.status();
    wants_tls |= address->kind == ListenAddress::Kind::kTcp;
    configuration.addresses.push_back(*std::move(address));
  }
  if (wants_tls) {
    auto credentials = ReadTlsFiles(flags.tls);
    if (!credentials.ok()) return credentials.status();
    configuration.tls = *std::move(credentials);
  }
  absl::StatusOr<Process> self = Process::Open(ProcRoot(), getpid(), 0);
  if (!self.ok()) return self.status();
  absl::StatusOr<NamespaceId> user_namespace = UserNamespaceOf(*self);
  if (!user_namespace.ok()) return user_namespace.status();
  auto access = AccessControl::Create(flags.policy, *user_namespace);
  // A wrong policy is a wrong flag.
  if (!access.ok()) return absl::InvalidArgumentError(access.status().message());
  configuration.access = *std::move(access);
  return configuration;
}

int CheckConfiguration(const Flags& flags) {
  const absl::StatusOr<Configuration> configuration = ReadConfiguration(flags);
  if (!configuration.ok()) {
    fprintf(stderr, "pagemapd: %s\n", std::string(configuration.status().message()).c_str());
    return kUsageError;
  }
  if (flags.policy.empty()) {
    printf("policy: none; root may all, everyone else may look at their own processes\n");
  } else {
    printf("policy: %s, grants: %zu\n", flags.policy.c_str(), configuration->access->grants());
  }
  printf("TLS: %s\n", configuration->tls != nullptr ? "for TCP" : "none");
  return 0;
}

absl::StatusOr<std::vector<ListeningSocket>> OpenSockets(const Flags& flags,
                                                         const Configuration& configuration) {
  std::vector<ListeningSocket> sockets;
  if (flags.addresses.empty()) {
    auto inherited = ListeningSocket::Inherit();
    if (!inherited.ok() || !inherited->empty()) return inherited;
    auto socket = ListeningSocket::Bind(*ParseListenAddress(Flags::kDefaultAddress));
    if (!socket.ok()) return socket.status();
    sockets.push_back(*std::move(socket));
  }
  for (const ListenAddress& address : configuration.addresses) {
    auto socket = ListeningSocket::Bind(address);
    if (!socket.ok()) return socket.status();
    sockets.push_back(*std::move(socket));
  }
  return sockets;
}

// Gives back to the kernel what calls that have ended held: only the top of the heap goes by
// itself. A second after a call, since one often follows another.
class HeapTrimmer {
 public:
  absl::Status Start(sd_event* loop) {
    auto ended = Doorbell::Create(loop, [this, loop] {
      // One that is due already stays so: calls may go on ending for ever.
      if (std::exchange(is_due_, true)) return;
      auto timer = EventSource::After(loop, absl::Seconds(1), [this] {
        is_due_ = false;
        malloc_trim(0);
      });
      is_due_ = timer.ok();
      if (timer.ok()) timer_ = *std::move(timer);
    });
    if (!ended.ok()) return ended.status();
    ended_ = *std::move(ended);
    return absl::OkStatus();
  }

  // Any thread.
  void CallsHaveEnded() { ended_->Ring(); }

 private:
  std::unique_ptr<Doorbell> ended_;
  EventSource timer_;
  bool is_due_ = false;
};

// Tells systemd's watchdog, where there is one, that the daemon works: the loop turns, and what
// waits for a worker gets one before the watchdog's time is over.
absl::StatusOr<EventSource> FeedWatchdog(sd_event* loop, const WorkerPool& pool) {
  uint64_t limit_us = 0;
  if (sd_watchdog_enabled(/*unset_environment=*/0, &limit_us) <= 0) return EventSource();
  return EventSource::Every(loop, absl::Microseconds(limit_us / 3), [&pool, limit_us] {
    const uint64_t waiting_us = pool.WaitingNanoseconds() / 1000;
    if (waiting_us < limit_us) {
      sd_notify(0, "WATCHDOG=1");
    } else {
      spdlog::error("no worker is free for_seconds={} held_up={}", waiting_us / 1'000'000,
                    pool.held_up());
    }
  });
}

// Looks for clients that have left what was written to them for too long.
absl::StatusOr<EventSource> GiveUpSlowReaders(sd_event* loop, SlowReaders& readers,
                                              uint32_t max_seconds) {
  if (max_seconds == 0) return EventSource();
  const absl::Duration limit = absl::Seconds(max_seconds);
  return EventSource::Every(loop, limit / 4, [&readers, limit] {
    const uint64_t limit_ns = absl::ToInt64Nanoseconds(limit);
    const uint64_t now = MonotonicNanoseconds();
    if (now > limit_ns) readers.Cancel(now - limit_ns);
  });
}

// Ends the process if the rest of the program does not, once it was asked to: gRPC's threads may
// sleep for seconds with nobody to wake them, a worker be in a system call that a target holds up,
// and whoever reads the log not read it. By then no socket is left to remove.
class ExitGuard {
 public:
  ~ExitGuard() {
    if (!thread_.joinable()) return;
    over_.Notify();
    thread_.join();
  }
  // Once; what comes then does nothing.
  void Start(absl::Duration limit) {
    if (thread_.joinable()) return;
    thread_ = std::thread([this, limit] {
      if (over_.WaitForNotificationWithTimeout(limit)) return;
      std::thread([] {
        spdlog::warn("stopped without waiting for what did not end");
        _exit(0);
      }).detach();
      absl::SleepFor(kLogTime);
      _exit(0);
    });
  }

 private:
  absl::Notification over_;
  std::thread thread_;
};

absl::Status Run(const Flags& flags) {
  // First, so that it sees all else gone.
  ExitGuard exit_guard;
  absl::StatusOr<Configuration> configuration = ReadConfiguration(flags);
  if (!configuration.ok()) return configuration.status();
  RaiseDescriptorLimit();
  sd_event* raw_loop = nullptr;
  if (const int error = sd_event_new(&raw_loop); error < 0) {
    return ErrnoStatus(-error, "sd_event_new");
  }
  const std::unique_ptr<sd_event, sd_event* (*)(sd_event*)> loop(raw_loop, sd_event_unref);

  absl::StatusOr<std::unique_ptr<ScanSources>> sources = ScanSources::Probe(flags);
  if (!sources.ok()) return sources.status();
  // Before there are threads: the umask is the process's.
  absl::StatusOr<std::vector<ListeningSocket>> sockets = OpenSockets(flags, *configuration);
  if (!sockets.ok()) return sockets.status();
  for (const ListeningSocket& socket : *sockets) {
    if (socket.kind() == ListeningSocket::Kind::kTcp && configuration->tls == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(socket.shown(), ": TCP takes --tls-cert, --tls-key and --tls-client-ca"));
    }
  }
  ScanStatistics scans;
  (*sources)->environment().statistics = &scans;
  HeapTrimmer trimmer;
  if (absl::Status status = trimmer.Start(loop.get()); !status.ok()) return status;
  Admission admission(flags.limits, [&trimmer] { trimmer.CallsHaveEnded(); });
  AccessControl& access = *configuration->access;
  CallStatistics calls;
  SlowReaders slow_readers;
  ListenerStatistics connections;
  ServiceContext context;
  // After all that a worker may still hold a part of when the servers are gone.
  WorkerPool pool((*sources)->MakeResolvers(), flags.workers, [](const std::string& owner) {
    spdlog::warn("a worker is held up by what it was asked for {}", owner);
  });
  context.environment = &(*sources)->environment();
  context.pool = &pool;
  context.swap_table = (*sources)->swap_table();
  context.limits = flags.limits;
  context.max_connections_per_user = flags.connections.max_connections_per_user;
  context.sources = (*sources)->Choices();
  context.admission = &admission;
  context.slow_readers = &slow_readers;
  context.access = &access;
  context.calls = &calls;
  context.scans = &scans;
  context.connections = &connections;
  context.start_time_seconds = time(nullptr);

  CallerServer::Options options;
  // Twice, so that one call too many is refused rather than kept waiting.
  options.max_streams = 2 * flags.limits.max_calls_per_caller;
  options.max_request_bytes = MaxRequestBytes(flags.limits);
  // Of each caller: half of what all may have.
  options.quota_bytes = flags.limits.max_bytes_in_flight / 2;
  options.make_interceptor = [&calls] { return calls.MakeInterceptor(); };
  Listener listener(
      loop.get(), flags.connections, options,
      [&context](std::shared_ptr<const Caller> caller, std::shared_ptr<const ConnectedPids> pids) {
        return std::make_unique<PagemapService>(context, std::move(caller), std::move(pids));
      },
      &connections);
  listener.SetTlsCredentials(configuration->tls);
  for (ListeningSocket& socket : *sockets) {
    spdlog::info("listening address={}", socket.shown());
    if (absl::Status status = listener.Listen(std::move(socket)); !status.ok()) return status;
  }
  sockets->clear();

  auto reloader = Reloader::Create(loop.get(), flags.tls, access, listener);
  if (!reloader.ok()) return reloader.status();

  const auto stop = [&loop, &exit_guard](int signal) {
    // From here on nothing is waited for without end: who reads the log, or is told of the
    // daemon's state, neither.
    exit_guard.Start(kStopTime);
    sd_event_exit(loop.get(), 0);
    spdlog::info("stopping signal={}", strsignal(signal));
  };
  absl::StatusOr<EventSource> handlers[] = {
      EventSource::OnSignal(loop.get(), SIGTERM, [&stop] { stop(SIGTERM); }),
      EventSource::OnSignal(loop.get(), SIGINT, [&stop] { stop(SIGINT); }),
      EventSource::OnSignal(loop.get(), SIGHUP, [&] { (*reloader)->Reload(); }),
      FeedWatchdog(loop.get(), pool),
      GiveUpSlowReaders(loop.get(), slow_readers, flags.limits.max_stall_seconds)};
  for (const absl::StatusOr<EventSource>& handler : handlers) {
    if (!handler.ok()) return handler.status();
  }
  const KernelFeatures& features = (*sources)->environment().features;
  spdlog::info(
      "started version={} pid={} uid={} kernel={} source={} pagemap_scan={} cachestat={} "
      "locations={} workers={} max_scans={} grants={}",
      kVersion, getpid(), getuid(), features.release, (*sources)->Active(), features.pagemap_scan,
      features.cachestat, features.locations, flags.workers, MaxScans(flags.limits),
      access.grants());
  sd_notify(0, "READY=1");
  if (const int error = sd_event_loop(loop.get()); error < 0) {
    return ErrnoStatus(-error, "sd_event_loop");
  }
  listener.StopListening();
  sd_notify(0, "STOPPING=1");
  admission.Close();
  admission.AwaitIdle(absl::Now() + kDrainTime);
  listener.Drain(std::chrono::system_clock::now() + kLastAnswers);
  spdlog::info("stopped");
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  BoundAllocator();
  // Debian builds Abseil with its search for deadlocks on, which costs at every lock.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  Flags flags;
  if (const std::optional<int> status = ParseFlags(argc, argv, &flags)) return *status;
  if (flags.check_config) return CheckConfiguration(flags);
  OpenLog(flags.log_level);

  // Blocked before any thread is there: the loop takes them.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  const absl::Status status = Run(flags);
  if (status.ok()) return 0;
  spdlog::error("cannot run error=\"{}\"", status.ToString());
  return absl::IsInvalidArgument(status) ? kUsageError : 1;
}

}  // namespace
}  // namespace pagemapd

int main(int argc, char** argv) { return pagemapd::Main(argc, argv); }
