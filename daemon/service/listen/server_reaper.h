#ifndef PAGEMAPD_DAEMON_SERVICE_LISTEN_SERVER_REAPER_H_
#define PAGEMAPD_DAEMON_SERVICE_LISTEN_SERVER_REAPER_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daemon/service/listen/caller_server.h"

namespace pagemapd {

// Destroys servers in a thread of its own. A server without connections may still have calls, which
// a worker has to let go of first; the event loop is not to wait for that. Safe for any thread.
class ServerReaper {
 public:
  ServerReaper() : thread_([this] { Run(); }) {}
  // Waits until all are gone.
  ~ServerReaper() {
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    thread_.join();
  }

  void Take(std::unique_ptr<CallerServer> server) {
    if (server == nullptr) return;
    absl::MutexLock lock(&mutex_);
    ++pending_;
    servers_.push_back(std::move(server));
  }

  // Servers taken that are not gone yet.
  size_t pending() const {
    absl::MutexLock lock(&mutex_);
    return pending_;
  }

 private:
  void Run() {
    const auto has_work = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return stopping_ || !servers_.empty();
    };
    while (true) {
      std::unique_ptr<CallerServer> server;
      {
        absl::MutexLock lock(&mutex_, absl::Condition(&has_work));
        if (servers_.empty()) return;
        server = std::move(servers_.front());
        servers_.pop_front();
      }
      server.reset();
      absl::MutexLock lock(&mutex_);
      --pending_;
    }
  }

  mutable absl::Mutex mutex_;
  std::deque<std::unique_ptr<CallerServer>> servers_ ABSL_GUARDED_BY(mutex_);
  size_t pending_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_LISTEN_SERVER_REAPER_H_
