#ifndef PAGEMAPD_DAEMON_QUERY_WORKER_POOL_H_
#define PAGEMAPD_DAEMON_QUERY_WORKER_POOL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "daemon/query/chunk_scanner.h"
#include "daemon/shmem/object_resolver.h"

namespace pagemapd {

// Threads that scan. Tasks run in the order they were submitted, each with its thread's own
// scanner; none may block on a client. Safe for any thread.
//
// The kernel may not let go of a thread for as long as a target likes: to open /proc/PID/maps, for
// one, waits for the process's exec (exec_update_lock in fs/exec.c), and that for a FUSE server of
// the same user. A worker that has been in one task for kHeldUpNanoseconds, while another task
// waits, is held up: a spare takes its place until it is back. Until then no other task of its lane
// is begun, and of its lane's account one at a time, so that one account holds up no more than
// `size` workers and one for each lane.
class WorkerPool {
 public:
  using Task = std::function<void(ChunkScanner&)>;

  // `size` threads are at work; of the resolvers, one a thread, those beyond are for spares.
  // `on_held_up` is called with the owner of the lane for each worker that is found to be held up.
  WorkerPool(std::vector<ObjectResolver> resolvers, int size,
             std::function<void(const std::string&)> on_held_up);
  // Finishes what is running and drops what is not.
  ~WorkerPool();

  // For how long a task has been waiting with none begun meanwhile; 0 if none waits.
  uint64_t WaitingNanoseconds() const;
  // How many workers are held up.
  int held_up() const;

  int size() const { return size_; }

  static constexpr uint64_t kHeldUpNanoseconds = 1'000'000'000;

 private:
  friend class TaskLane;
  struct Account;
  struct Lane;
  struct Queued {
    std::shared_ptr<Lane> lane;
    Task task;
  };
  struct Worker {
    explicit Worker(ObjectResolver own) : resolver(std::move(own)) {}

    ObjectResolver resolver;
    // Of the task that runs, by CLOCK_MONOTONIC; 0: none.
    uint64_t begin_ns = 0;
    bool is_held_up = false;
    Lane* lane = nullptr;
    std::thread thread;
  };

  std::shared_ptr<Account> AccountOf(const std::string& name);
  void Submit(const std::shared_ptr<Lane>& lane, Task task);
  void Run(Worker* worker);
  void EndTask(Worker* worker) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Enqueue(Queued queued) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Puts into the queue what is parked and may be begun.
  void Unpark(Account* account) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether a task may be begun.
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Whether one waits, in the queue or for others of its account, and no worker can begin it.
  bool LacksWorker() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  // Looks for workers that are held up while tasks wait for one.
  void Oversee();
  // Adds to `owners` whose tasks hold up a worker from now on.
  void FindHeldUp(std::vector<std::string>* owners) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddSpares() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void StartWorker(Worker* worker) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // When the task that runs longest began; `none` if there is none, of workers not held up.
  uint64_t EarliestBegin(uint64_t none) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int size_;
  const std::function<void(const std::string&)> on_held_up_;
  mutable absl::Mutex mutex_;
  std::deque<Queued> tasks_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // Those that have a thread come first.
  std::vector<std::unique_ptr<Worker>> workers_ ABSL_GUARDED_BY(mutex_);
  int started_ ABSL_GUARDED_BY(mutex_) = 0;
  // Tasks of accounts that wait for others of theirs.
  int parked_ ABSL_GUARDED_BY(mutex_) = 0;
  // With a task, and not held up; and held up.
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
  int held_up_ ABSL_GUARDED_BY(mutex_) = 0;
  // When a task was last begun, or the first put where none waited.
  uint64_t progress_ns_ ABSL_GUARDED_BY(mutex_) = 0;
  // Those with lanes; perhaps some that had.
  absl::flat_hash_map<std::string, std::weak_ptr<Account>> accounts_ ABSL_GUARDED_BY(mutex_);
  std::thread overseer_;
};

// The tasks of one call. A copy is the same lane. Safe for any thread.
class TaskLane {
 public:
  // `pool` must outlive it. `account`: what lanes of the same caller have in common; empty: no
  // other's. `owner`: who is to be told of, if a worker is held up. `place` is kept until nothing
  // of the lane runs or waits, and nobody has a copy of it.
  TaskLane(WorkerPool& pool, const std::string& account, std::string owner,
           std::shared_ptr<void> place = nullptr);

  void Submit(WorkerPool::Task task) const { pool_->Submit(lane_, std::move(task)); }

  // How many tasks run at once.
  int workers() const { return pool_->size(); }

 private:
  WorkerPool* pool_;
  std::shared_ptr<WorkerPool::Lane> lane_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_QUERY_WORKER_POOL_H_
