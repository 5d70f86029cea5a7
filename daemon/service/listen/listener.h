#ifndef PAGEMAPD_DAEMON_SERVICE_LISTEN_LISTENER_H_
#define PAGEMAPD_DAEMON_SERVICE_LISTEN_LISTENER_H_

#include <sys/types.h>
#include <systemd/sd-event.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "daemon/service/access/caller.h"
#include "daemon/service/access/connected_pids.h"
#include "daemon/service/listen/caller_server.h"
#include "daemon/service/listen/connection_limits.h"
#include "daemon/service/listen/event_source.h"
#include "daemon/service/listen/listening_socket.h"
#include "daemon/service/listen/server_reaper.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// What there is of connections. Safe for any thread.
struct ListenerStatistics {
  std::atomic<uint32_t> connections{0};
  std::atomic<uint64_t> refused_connections{0};
};

// Takes connections, asks the kernel who made each, and hands it to the gRPC server of that caller,
// which it builds when the first comes and takes down a minute after the last went. All that comes
// over TCP goes to one server, which knows callers by their certificates.
//
// One thread's, that of the event loop.
class Listener {
 public:
  // Makes the service for one caller; null for those who come over TCP.
  using ServiceFactory = std::function<std::unique_ptr<grpc::Service>(
      std::shared_ptr<const Caller>, std::shared_ptr<const ConnectedPids>)>;

  // How many calls of one connection gRPC takes from root.
  static constexpr int kRootStreams = 1024;

  // `loop` and `statistics` must outlive the listener.
  Listener(sd_event* loop, const ConnectionLimits& limits, CallerServer::Options options,
           ServiceFactory make_service, ListenerStatistics* statistics);
  // Ends all calls.
  ~Listener();

  // Listens on `socket` from now on.
  absl::Status Listen(ListeningSocket socket);

  // What TCP connections are to show, from the next on; those there are stay. Before Listen of a
  // TCP socket.
  void SetTlsCredentials(std::shared_ptr<grpc::ServerCredentials> credentials);

  // Listens no more; connections that there are stay.
  void StopListening();

  // Listens no more, and lets calls that are under way end until `deadline`, when they are
  // cancelled. A client without a call may take as long to hang up.
  void Drain(std::chrono::system_clock::time_point deadline);

 private:
  struct Entry {
    // Of TCP, which is one: nobody.
    Caller caller;
    std::unique_ptr<CallerServer> server;
    std::shared_ptr<ConnectedPids> pids = std::make_shared<ConnectedPids>();
    uint32_t connections = 0;
    absl::Time idle_since;
  };
  struct Connection {
    // Of an entry that was replaced, this keeps it.
    std::shared_ptr<Entry> entry;
    pid_t pid = 0;
    // A second descriptor of the socket: gRPC does not tell when it has closed its own, whose
    // number this is.
    UniqueFd watched;
    int adopted = -1;
    EventSource hung_up;
  };
  struct Door {
    ListeningSocket socket;
    EventSource readable;
  };

  // Has connections accepted that come to it.
  absl::Status Open(Door* door);
  void Accept(Door& door);
  void Admit(const Door& door, UniqueFd fd);
  absl::StatusOr<std::shared_ptr<Entry>> EntryOf(const Caller& caller);
  void Refuse(const std::string& who, const std::string& why);
  void Watch(std::shared_ptr<Entry> entry, pid_t pid, UniqueFd watched, int adopted);
  // Forgets a connection once gRPC has closed it. What the client had sent before it hung up, gRPC
  // still reads, and holds memory for: so long it counts.
  void HangUp(uint64_t id);
  void Forget(uint64_t id);
  // Takes servers down that nobody is connected to: all that were for `longer_than`.
  void Sweep(absl::Duration longer_than);
  // One of them: of `user` where given.
  bool EvictOne(std::optional<uid_t> user);
  uint32_t EntriesOf(uid_t user) const;
  void Retire(std::shared_ptr<Entry> entry);
  uint32_t ConnectionsOf(const Caller& caller) const;
  // Accepts nothing for a moment: there are no descriptors left.
  void Pause();

  sd_event* const loop_;
  const ConnectionLimits limits_;
  const CallerServer::Options options_;
  const ServiceFactory make_service_;
  ListenerStatistics* const statistics_;
  const std::shared_ptr<grpc::ServerCredentials> local_credentials_;
  std::shared_ptr<grpc::ServerCredentials> tls_credentials_;
  std::vector<std::unique_ptr<Door>> doors_;
  std::map<Caller, std::shared_ptr<Entry>> entries_;
  std::map<uint64_t, std::unique_ptr<Connection>> connections_;
  // Of callers that count against max_connections: all but root.
  uint32_t counted_connections_ = 0;
  std::map<uid_t, uint32_t> by_user_;
  uint32_t tcp_connections_ = 0;
  ServerReaper reaper_;
  // Those that have hung up, and that gRPC has not closed yet.
  std::vector<uint64_t> closing_;
  EventSource closing_timer_;
  uint64_t next_id_ = 0;
  absl::Time last_refusal_logged_;
  EventSource sweep_timer_;
  EventSource pause_timer_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_LISTEN_LISTENER_H_
