#include "daemon/query/worker_pool.h"

#include <utility>

namespace pagemapd {

WorkerPool::WorkerPool(std::vector<ObjectResolver> resolvers) {
  for (ObjectResolver& resolver : resolvers) {
    threads_.emplace_back([this, own = std::move(resolver)]() mutable { Run(std::move(own)); });
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

void WorkerPool::Run(ObjectResolver resolver) {
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
    task(scanner);
  }
}

}  // namespace pagemapd
