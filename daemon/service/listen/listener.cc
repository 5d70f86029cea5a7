#include "daemon/service/listen/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <thread>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "daemon/service/listen/peer.h"
#include "daemon/sys/errno_status.h"

namespace pagemapd {
namespace {

// A server without connections is kept this long: a client often comes again.
constexpr absl::Duration kKeepIdle = absl::Minutes(1);
constexpr absl::Duration kSweepPeriod = absl::Seconds(20);
constexpr absl::Duration kPause = absl::Milliseconds(100);
// A flood of refusals is not to be a flood of the log.
constexpr absl::Duration kRefusalLogPeriod = absl::Seconds(1);
// How often is looked whether gRPC has closed a connection.
constexpr absl::Duration kClosingPeriod = absl::Milliseconds(10);
// Connections taken before the loop looks at what else there is.
constexpr int kAcceptsInARow = 64;
constexpr uint32_t kMaxEntriesOfUser = 8;

// Whether descriptor `number` is one of the socket `watched`, or by now none, or another's.
bool IsSameSocket(int number, int watched) {
  struct stat a;
  struct stat b;
  return fstat(number, &a) == 0 && fstat(watched, &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

}  // namespace

Listener::Listener(sd_event* loop, const ConnectionLimits& limits, CallerServer::Options options,
                   ServiceFactory make_service, ListenerStatistics* statistics)
    : loop_(loop),
      limits_(limits),
      options_(std::move(options)),
      make_service_(std::move(make_service)),
      statistics_(statistics),
      local_credentials_(grpc::experimental::LocalServerCredentials(UDS)) {}

Listener::~Listener() { Drain(std::chrono::system_clock::now()); }

absl::Status Listener::Listen(ListeningSocket socket) {
  auto door = std::make_unique<Door>(Door{std::move(socket), EventSource()});
  if (absl::Status status = Open(door.get()); !status.ok()) return status;
  doors_.push_back(std::move(door));
  absl::StatusOr<EventSource> sweep =
      EventSource::Every(loop_, kSweepPeriod, [this] { Sweep(kKeepIdle); });
  if (!sweep.ok()) return sweep.status();
  sweep_timer_ = *std::move(sweep);
  return absl::OkStatus();
}

absl::Status Listener::Open(Door* door) {
  absl::StatusOr<EventSource> readable =
      EventSource::OnDescriptor(loop_, door->socket.fd(), EPOLLIN, [this, door] { Accept(*door); });
  if (!readable.ok()) return readable.status();
  door->readable = *std::move(readable);
  return absl::OkStatus();
}

void Listener::SetTlsCredentials(std::shared_ptr<grpc::ServerCredentials> credentials) {
  tls_credentials_ = std::move(credentials);
  // Its connections keep it for as long as they last.
  const auto found = entries_.find(Caller());
  if (found == entries_.end()) return;
  const std::shared_ptr<Entry> replaced = std::move(found->second);
  entries_.erase(found);
  if (replaced->connections == 0) Retire(replaced);
}

void Listener::Accept(Door& door) {
  for (int i = 0; i < kAcceptsInARow; ++i) {
    UniqueFd fd(accept4(door.socket.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd) {
      Admit(door, std::move(fd));
      continue;
    }
    if (errno == EAGAIN) return;
    // One that has gone again, or what is wrong with it alone (accept(2)).
    if (errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS) continue;
    Refuse("connection", ErrnoStatus(errno, "accept").ToString());
    Pause();
    return;
  }
}

void Listener::Pause() {
  for (const std::unique_ptr<Door>& door : doors_) door->readable = EventSource();
  absl::StatusOr<EventSource> timer = EventSource::After(loop_, kPause, [this] {
    for (const std::unique_ptr<Door>& door : doors_) Open(door.get()).IgnoreError();
  });
  if (timer.ok()) pause_timer_ = *std::move(timer);
}

void Listener::Refuse(const std::string& who, const std::string& why) {
  ++statistics_->refused_connections;
  const absl::Time now = absl::Now();
  if (now - last_refusal_logged_ < kRefusalLogPeriod) return;
  last_refusal_logged_ = now;
  spdlog::warn("refused connection of=\"{}\" reason=\"{}\" refused_so_far={}", who, why,
               statistics_->refused_connections.load());
}

uint32_t Listener::ConnectionsOf(const Caller& caller) const {
  // TCP's are not told apart before their certificates are seen.
  if (!caller.uid.has_value()) return tcp_connections_;
  const auto user = by_user_.find(*caller.uid);
  return user == by_user_.end() ? 0 : user->second;
}

void Listener::Admit(const Door& door, UniqueFd fd) {
  Peer peer;
  std::string who = "TCP";
  if (door.socket.kind() == ListeningSocket::Kind::kUnix) {
    absl::StatusOr<Peer> identified = IdentifyPeer(fd.get());
    if (!identified.ok()) return Refuse("connection", identified.status().ToString());
    peer = *std::move(identified);
    who = ToString(peer.caller);
  } else {
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  // Others must not be able to keep root out.
  if (!peer.caller.IsRoot()) {
    if (ConnectionsOf(peer.caller) >= limits_.max_connections_per_user) {
      return Refuse(who, absl::StrCat("it has ", limits_.max_connections_per_user,
                                      ", the limit of one user"));
    }
    if (counted_connections_ >= limits_.max_connections) {
      return Refuse(who, absl::StrCat("there are ", limits_.max_connections, ", the limit"));
    }
  }
  absl::StatusOr<std::shared_ptr<Entry>> entry = EntryOf(peer.caller);
  if (!entry.ok()) return Refuse(who, entry.status().ToString());
  UniqueFd watched(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!watched) return Refuse(who, ErrnoStatus(errno, "fcntl F_DUPFD_CLOEXEC").ToString());
  // Before gRPC has it, so that it is told of even if gRPC closes it at once.
  Watch(*entry, peer.pid, std::move(watched), fd.get());
  (*entry)->server->Adopt(door.socket.fd(), std::move(fd));
}

absl::StatusOr<std::shared_ptr<Listener::Entry>> Listener::EntryOf(const Caller& caller) {
  if (const auto found = entries_.find(caller); found != entries_.end()) return found->second;
  const bool is_unix = caller.uid.has_value();
  if (!caller.IsRoot()) {
    // One user with many sets of groups is not to be all callers.
    if (is_unix && EntriesOf(*caller.uid) >= kMaxEntriesOfUser && !EvictOne(caller.uid)) {
      return absl::ResourceExhaustedError(
          absl::StrCat("it is connected with ", kMaxEntriesOfUser, " sets of groups, the limit"));
    }
    // Those that are not gone yet count, too.
    if (entries_.size() + reaper_.pending() >= limits_.max_callers && !EvictOne(std::nullopt)) {
      return absl::ResourceExhaustedError(
          absl::StrCat("there are ", limits_.max_callers, " callers, the limit"));
    }
  }
  auto entry = std::make_shared<Entry>();
  entry->caller = caller;
  CallerServer::Options options = options_;
  if (caller.IsRoot()) {
    options.max_streams = kRootStreams;
    options.quota_bytes *= 4;
    options.with_reflection = true;
  }
  absl::StatusOr<std::unique_ptr<CallerServer>> server = CallerServer::Build(
      make_service_(is_unix ? std::make_shared<const Caller>(caller) : nullptr, entry->pids),
      is_unix ? local_credentials_ : tls_credentials_, options);
  if (!server.ok()) return server.status();
  entry->server = *std::move(server);
  entry->idle_since = absl::Now();
  entries_[caller] = entry;
  return entry;
}

void Listener::Watch(std::shared_ptr<Entry> entry, pid_t pid, UniqueFd watched, int adopted) {
  const uint64_t id = next_id_++;
  // Shut down on both sides, by whichever end: always told of, whatever is asked for.
  absl::StatusOr<EventSource> hung_up =
      EventSource::OnDescriptor(loop_, watched.get(), EPOLLHUP, [this, id] { HangUp(id); });
  // Without it, the connection would be counted for ever.
  if (!hung_up.ok()) {
    shutdown(watched.get(), SHUT_RDWR);
    return Refuse("connection", hung_up.status().ToString());
  }
  ++entry->connections;
  if (pid != 0) entry->pids->Add(pid);
  ++statistics_->connections;
  const Caller& caller = entry->caller;
  ++(caller.uid.has_value() ? by_user_[*caller.uid] : tcp_connections_);
  if (!caller.IsRoot()) ++counted_connections_;
  connections_[id] = std::make_unique<Connection>(
      Connection{std::move(entry), pid, std::move(watched), adopted, *std::move(hung_up)});
}

void Listener::HangUp(uint64_t id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  if (!IsSameSocket(connection.adopted, connection.watched.get())) return Forget(id);
  // It would tell of it for ever.
  connection.hung_up = EventSource();
  closing_.push_back(id);
  if (closing_.size() > 1) return;
  absl::StatusOr<EventSource> timer = EventSource::Every(loop_, kClosingPeriod, [this] {
    std::vector<uint64_t> left;
    for (const uint64_t closing : std::exchange(closing_, {})) {
      const auto at = connections_.find(closing);
      if (at == connections_.end()) continue;
      if (IsSameSocket(at->second->adopted, at->second->watched.get())) {
        left.push_back(closing);
      } else {
        Forget(closing);
      }
    }
    closing_ = std::move(left);
    if (closing_.empty()) closing_timer_ = EventSource();
  });
  if (timer.ok()) closing_timer_ = *std::move(timer);
}

void Listener::Forget(uint64_t id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  const std::unique_ptr<Connection> connection = std::move(found->second);
  connections_.erase(found);
  Entry& entry = *connection->entry;
  if (connection->pid != 0) entry.pids->Remove(connection->pid);
  --statistics_->connections;
  const Caller& caller = entry.caller;
  if (!caller.uid.has_value()) {
    --tcp_connections_;
  } else if (--by_user_[*caller.uid] == 0) {
    by_user_.erase(*caller.uid);
  }
  if (!caller.IsRoot()) --counted_connections_;
  if (--entry.connections > 0) return;
  entry.idle_since = absl::Now();
  const auto current = entries_.find(caller);
  const bool is_replaced = current == entries_.end() || current->second != connection->entry;
  if (is_replaced) Retire(connection->entry);
}

void Listener::Sweep(absl::Duration longer_than) {
  const absl::Time before = absl::Now() - longer_than;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const bool idle = entry->second->connections == 0 && entry->second->idle_since <= before;
    if (idle) Retire(std::move(entry->second));
    entry = idle ? entries_.erase(entry) : std::next(entry);
  }
}

void Listener::Retire(std::shared_ptr<Entry> entry) { reaper_.Take(std::move(entry->server)); }

uint32_t Listener::EntriesOf(uid_t user) const {
  uint32_t count = 0;
  for (const auto& [caller, entry] : entries_) count += caller.uid == user;
  return count;
}

bool Listener::EvictOne(std::optional<uid_t> user) {
  auto oldest = entries_.end();
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (entry->second->connections > 0) continue;
    if (user.has_value() && entry->first.uid != user) continue;
    if (oldest == entries_.end() || entry->second->idle_since < oldest->second->idle_since) {
      oldest = entry;
    }
  }
  if (oldest == entries_.end()) return false;
  Retire(std::move(oldest->second));
  entries_.erase(oldest);
  return true;
}

void Listener::StopListening() {
  doors_.clear();
  sweep_timer_ = EventSource();
  pause_timer_ = EventSource();
  closing_timer_ = EventSource();
}

void Listener::Drain(std::chrono::system_clock::time_point deadline) {
  StopListening();
  // Those that were replaced live by their connections alone.
  std::set<std::shared_ptr<Entry>> all;
  for (const auto& [caller, entry] : entries_) all.insert(entry);
  for (const auto& [id, connection] : connections_) all.insert(connection->entry);
  std::vector<std::thread> shutdowns;
  for (const std::shared_ptr<Entry>& entry : all) {
    shutdowns.emplace_back([&entry, deadline] { entry->server->Shutdown(deadline); });
  }
  for (std::thread& shutdown : shutdowns) shutdown.join();
  connections_.clear();
  entries_.clear();
}

}  // namespace pagemapd
