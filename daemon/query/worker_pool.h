#ifndef PAGEMAPD_DAEMON_QUERY_WORKER_POOL_H_
#define PAGEMAPD_DAEMON_QUERY_WORKER_POOL_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daemon/query/chunk_scanner.h"
#include "daemon/shmem/object_resolver.h"

namespace pagemapd {

// Threads that scan. Tasks run in the order they were submitted, each with its thread's own
// scanner; none may block on a client. Safe for any thread.
class WorkerPool {
 public:
  using Task = std::function<void(ChunkScanner&)>;

  // A thread for each resolver.
  explicit WorkerPool(std::vector<ObjectResolver> resolvers);
  // Finishes what is running and drops what is not.
  ~WorkerPool();

  void Submit(Task task);

  // For how long the task that runs longest has been running; 0 if none is. A worker that the
  // kernel does not let go of shows here.
  uint64_t LongestTaskNanoseconds() const;

  int size() const { return static_cast<int>(threads_.size()); }

 private:
  void Run(ObjectResolver resolver, std::atomic<uint64_t>* task_begin_ns);

  absl::Mutex mutex_;
  std::deque<Task> tasks_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // When each thread began its task, by CLOCK_MONOTONIC; 0: it has none.
  std::vector<std::atomic<uint64_t>> task_begins_ns_;
  std::vector<std::thread> threads_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_QUERY_WORKER_POOL_H_
