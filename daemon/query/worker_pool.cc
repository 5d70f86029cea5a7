#include "daemon/query/worker_pool.h"

#include <pthread.h>

#include <algorithm>
#include <iterator>
#include <system_error>

#include "absl/time/time.h"
#include "daemon/query/monotonic_time.h"

namespace pagemapd {

// Lanes of one caller. The pool's mutex guards it.
struct WorkerPool::Account {
  // How many workers its tasks hold up.
  int held_up = 0;
  // Its tasks in the queue, and of workers that are not held up.
  int begun = 0;
  // What waits until fewer are held up. It holds lanes, and they the account, but not for longer
  // than a worker is held up.
  std::deque<Queued> parked;
};

struct WorkerPool::Lane {
  const std::string owner;
  const std::shared_ptr<void> place;
  const std::shared_ptr<Account> account;
  // How many workers its tasks hold up. The pool's mutex guards it.
  int held_up = 0;
};

TaskLane::TaskLane(WorkerPool& pool, const std::string& account, std::string owner,
                   std::shared_ptr<void> place)
    : pool_(&pool),
      lane_(new WorkerPool::Lane{std::move(owner), std::move(place), pool.AccountOf(account)}) {}

WorkerPool::WorkerPool(std::vector<ObjectResolver> resolvers, int size,
                       std::function<void(const std::string&)> on_held_up)
    : size_(size), on_held_up_(std::move(on_held_up)) {
  absl::MutexLock lock(&mutex_);
  for (ObjectResolver& resolver : resolvers) {
    workers_.push_back(std::make_unique<Worker>(std::move(resolver)));
  }
  while (started_ < size_) StartWorker(workers_[started_].get());
  overseer_ = std::thread([this] { Oversee(); });
}

WorkerPool::~WorkerPool() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  overseer_.join();
  // From here on no thread is added.
  std::vector<std::thread> threads;
  {
    absl::MutexLock lock(&mutex_);
    for (int i = 0; i < started_; ++i) threads.push_back(std::move(workers_[i]->thread));
  }
  for (std::thread& thread : threads) thread.join();
}

std::shared_ptr<WorkerPool::Account> WorkerPool::AccountOf(const std::string& name) {
  if (name.empty()) return std::make_shared<Account>();
  absl::MutexLock lock(&mutex_);
  std::weak_ptr<Account>& known = accounts_[name];
  std::shared_ptr<Account> account = known.lock();
  if (account == nullptr) {
    known = account = std::make_shared<Account>();
    absl::erase_if(accounts_, [](const auto& each) { return each.second.expired(); });
  }
  return account;
}

void WorkerPool::Submit(const std::shared_ptr<Lane>& lane, Task task) {
  absl::MutexLock lock(&mutex_);
  Account* account = lane->account.get();
  if (account->held_up == 0) {
    Enqueue({lane, std::move(task)});
  } else {
    account->parked.push_back({lane, std::move(task)});
    ++parked_;
    Unpark(account);
  }
}

void WorkerPool::Enqueue(Queued queued) {
  if (tasks_.empty()) progress_ns_ = MonotonicNanoseconds();
  ++queued.lane->account->begun;
  tasks_.push_back(std::move(queued));
}

void WorkerPool::Unpark(Account* account) {
  std::deque<Queued>& parked = account->parked;
  if (account->held_up == 0) {
    parked_ -= static_cast<int>(parked.size());
    for (Queued& queued : std::exchange(parked, {})) Enqueue(std::move(queued));
    return;
  }
  if (account->begun > 0) return;
  const auto next = std::find_if(parked.begin(), parked.end(),
                                 [](const Queued& queued) { return queued.lane->held_up == 0; });
  if (next == parked.end()) return;
  Queued queued = std::move(*next);
  parked.erase(next);
  --parked_;
  Enqueue(std::move(queued));
}

uint64_t WorkerPool::WaitingNanoseconds() const {
  absl::MutexLock lock(&mutex_);
  return tasks_.empty() ? 0 : MonotonicNanoseconds() - progress_ns_;
}

int WorkerPool::held_up() const {
  absl::MutexLock lock(&mutex_);
  return held_up_;
}

bool WorkerPool::HasWork() const { return stopping_ || (!tasks_.empty() && running_ < size_); }

bool WorkerPool::LacksWorker() const {
  const bool none_is_idle = running_ + held_up_ == started_;
  return stopping_ || parked_ > 0 || (!tasks_.empty() && (running_ == size_ || none_is_idle));
}

void WorkerPool::Run(Worker* worker) {
  pthread_setname_np(pthread_self(), "worker");
  ChunkScanner scanner(std::move(worker->resolver));
  while (true) {
    Queued next;
    {
      absl::MutexLock lock(&mutex_, absl::Condition(this, &WorkerPool::HasWork));
      if (stopping_) return;
      next = std::move(tasks_.front());
      tasks_.pop_front();
      ++running_;
      worker->lane = next.lane.get();
      worker->begin_ns = progress_ns_ = MonotonicNanoseconds();
    }
    next.task(scanner);
    // What the task holds, and the lane, go without the lock.
    next.task = nullptr;
    absl::MutexLock lock(&mutex_);
    EndTask(worker);
  }
}

void WorkerPool::EndTask(Worker* worker) {
  Lane* lane = std::exchange(worker->lane, nullptr);
  worker->begin_ns = 0;
  if (std::exchange(worker->is_held_up, false)) {
    --held_up_;
    --lane->held_up;
    --lane->account->held_up;
  } else {
    --running_;
    --lane->account->begun;
  }
  if (!lane->account->parked.empty()) Unpark(lane->account.get());
}

void WorkerPool::Oversee() {
  pthread_setname_np(pthread_self(), "overseer");
  while (true) {
    std::vector<std::string> owners;
    {
      absl::MutexLock lock(&mutex_, absl::Condition(this, &WorkerPool::LacksWorker));
      if (stopping_) return;
      // Where all are held up already, and no spare was to be had: after a while once more.
      const uint64_t now = MonotonicNanoseconds();
      const uint64_t due = EarliestBegin(/*none=*/now) + kHeldUpNanoseconds;
      if (due > now) {
        mutex_.AwaitWithTimeout(absl::Condition(&stopping_), absl::Nanoseconds(due - now));
        if (stopping_) return;
      }
      if (!LacksWorker()) continue;
      FindHeldUp(&owners);
      AddSpares();
    }
    for (const std::string& owner : owners) on_held_up_(owner);
  }
}

uint64_t WorkerPool::EarliestBegin(uint64_t none) const {
  uint64_t earliest = none;
  for (int i = 0; i < started_; ++i) {
    const Worker& worker = *workers_[i];
    if (worker.begin_ns != 0 && !worker.is_held_up) earliest = std::min(earliest, worker.begin_ns);
  }
  return earliest;
}

void WorkerPool::FindHeldUp(std::vector<std::string>* owners) {
  const uint64_t now = MonotonicNanoseconds();
  for (int i = 0; i < started_; ++i) {
    Worker& worker = *workers_[i];
    if (worker.begin_ns == 0 || worker.is_held_up) continue;
    if (now - worker.begin_ns < kHeldUpNanoseconds) continue;
    worker.is_held_up = true;
    --running_;
    ++held_up_;
    owners->push_back(worker.lane->owner);
    Account* account = worker.lane->account.get();
    ++worker.lane->held_up;
    --account->begun;
    if (account->held_up++ == 0) {
      const auto own = std::stable_partition(
          tasks_.begin(), tasks_.end(),
          [&](const Queued& queued) { return queued.lane->account.get() != account; });
      account->begun -= static_cast<int>(tasks_.end() - own);
      parked_ += static_cast<int>(tasks_.end() - own);
      std::move(own, tasks_.end(), std::back_inserter(account->parked));
      tasks_.erase(own, tasks_.end());
    }
    Unpark(account);
  }
}

void WorkerPool::AddSpares() {
  while (started_ - held_up_ < size_ && started_ < static_cast<int>(workers_.size())) {
    try {
      StartWorker(workers_[started_].get());
    } catch (const std::system_error&) {
      // As many threads as there may be now. Oversee tries again.
      return;
    }
  }
}

void WorkerPool::StartWorker(Worker* worker) {
  worker->thread = std::thread([this, worker] { Run(worker); });
  ++started_;
}

}  // namespace pagemapd
