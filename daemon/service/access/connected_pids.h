#ifndef PAGEMAPD_DAEMON_SERVICE_ACCESS_CONNECTED_PIDS_H_
#define PAGEMAPD_DAEMON_SERVICE_ACCESS_CONNECTED_PIDS_H_

#include <sys/types.h>

#include <cstddef>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

namespace pagemapd {

// The processes that have connections as one caller now. For the log alone: gRPC does not tell
// which connection a call came by, and a pid may be another's by the time it is read. Safe for any
// thread.
class ConnectedPids {
 public:
  void Add(pid_t pid) {
    absl::MutexLock lock(&mutex_);
    pids_.insert(pid);
  }
  // Of what Add was given, one.
  void Remove(pid_t pid) {
    absl::MutexLock lock(&mutex_);
    if (const auto found = pids_.find(pid); found != pids_.end()) pids_.erase(found);
  }

  // "42,43": each once, the first of them. "-" if there are none.
  std::string ToString() const {
    constexpr size_t kShown = 8;
    absl::MutexLock lock(&mutex_);
    std::string text;
    size_t shown = 0;
    for (auto pid = pids_.begin(); pid != pids_.end(); pid = pids_.upper_bound(*pid)) {
      if (shown++ == kShown) return text + ",...";
      absl::StrAppend(&text, text.empty() ? "" : ",", *pid);
    }
    return text.empty() ? "-" : text;
  }

 private:
  mutable absl::Mutex mutex_;
  std::multiset<pid_t> pids_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_ACCESS_CONNECTED_PIDS_H_
