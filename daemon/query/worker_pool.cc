#include "daemon/query/worker_pool.h"

#include <pthread.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "daemon/query/monotonic_time.h"

namespace pagemapd {

WorkerPool::WorkerPool(std::vector<ObjectResolver> resolvers) : task_begins_ns_(resolvers.size()) {
  for (size_t i = 0; i < resolvers.size(); ++i) {
    threads_.emplace_back([this, own = std::move(resolvers[i]),
                           begin = &task_begins_ns_[i]]() mutable { Run(std::move(own), begin); });
  }
}

WorkerPool::~WorkerPool() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::Submit(Task task) {
  absl::MutexLock lock(&mutex_);
  tasks_.push_back(std::move(task));
}

uint64_t WorkerPool::LongestTaskNanoseconds() const {
  uint64_t earliest = std::numeric_limits<uint64_t>::max();
  for (const std::atomic<uint64_t>& begin_ns : task_begins_ns_) {
    const uint64_t begin = begin_ns.load(std::memory_order_relaxed);
    if (begin != 0) earliest = std::min(earliest, begin);
  }
  const uint64_t now = MonotonicNanoseconds();
  return earliest < now ? now - earliest : 0;
}

void WorkerPool::Run(ObjectResolver resolver, std::atomic<uint64_t>* task_begin_ns) {
  pthread_setname_np(pthread_self(), "worker");
  ChunkScanner scanner(std::move(resolver));
  const auto has_work = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !tasks_.empty();
  };
  while (true) {
    Task task;
    {
      absl::MutexLock lock(&mutex_, absl::Condition(&has_work));
      if (stopping_) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task_begin_ns->store(MonotonicNanoseconds(), std::memory_order_relaxed);
    task(scanner);
    task_begin_ns->store(0, std::memory_order_relaxed);
  }
}

}  // namespace pagemapd
