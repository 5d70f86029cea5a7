#ifndef PAGEMAPD_DAEMON_SERVICE_SLOW_READERS_H_
#define PAGEMAPD_DAEMON_SERVICE_SLOW_READERS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace pagemapd {

// The client of one call, that takes what is written or does not. Safe for any thread.
class Reader {
 public:
  // `cancel` ends the call, so that a write that is under way fails. It is called only while one
  // is, by the one who looks for slow readers.
  explicit Reader(std::function<void()> cancel) : cancel_(std::move(cancel)) {}

  // The last one of a call, which ends it, is a write as well.
  void WriteBegins();
  // True: go on. False: the call is just being cancelled, and must not end before that is done;
  // `resume` is called then.
  bool WriteEnds(std::function<void()> resume);
  // To be called when gRPC is done with the call. When it returns nobody is cancelling it, nor
  // will.
  void CallEnds();

 private:
  friend class SlowReaders;
  void CancelIfSlow(uint64_t before_ns);

  const std::function<void()> cancel_;
  absl::Mutex mutex_;
  // Of the write under way, by CLOCK_MONOTONIC; 0: there is none.
  uint64_t begin_ns_ ABSL_GUARDED_BY(mutex_) = 0;
  bool cancelling_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread::id canceller_ ABSL_GUARDED_BY(mutex_);
  std::function<void()> resume_ ABSL_GUARDED_BY(mutex_);
};

// All readers, to find those that have stopped reading: an answer holds memory, and a stream a
// place, for as long as its client likes. Safe for any thread.
class SlowReaders {
 public:
  // Watched until it is destroyed.
  std::shared_ptr<Reader> Add(std::function<void()> cancel);

  // Cancels the calls of those that have not taken a write that began before `before_ns`.
  void Cancel(uint64_t before_ns);

 private:
  absl::Mutex mutex_;
  std::vector<std::weak_ptr<Reader>> readers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_SLOW_READERS_H_
