#include "daemon/service/slow_readers.h"

#include <algorithm>

#include "daemon/query/monotonic_time.h"

namespace pagemapd {

void Reader::WriteBegins() {
  absl::MutexLock lock(&mutex_);
  begin_ns_ = MonotonicNanoseconds();
}

bool Reader::WriteEnds(std::function<void()> resume) {
  absl::MutexLock lock(&mutex_);
  begin_ns_ = 0;
  if (!cancelling_) return true;
  resume_ = std::move(resume);
  return false;
}

void Reader::CallEnds() {
  absl::MutexLock lock(&mutex_);
  begin_ns_ = 0;
  // What cancelling leads to may be called by the one who does it, who needs the call no more then.
  if (canceller_ == std::this_thread::get_id()) return;
  const auto is_let_go = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !cancelling_; };
  mutex_.Await(absl::Condition(&is_let_go));
}

void Reader::CancelIfSlow(uint64_t before_ns) {
  {
    absl::MutexLock lock(&mutex_);
    if (begin_ns_ == 0 || begin_ns_ >= before_ns || cancelling_) return;
    cancelling_ = true;
    canceller_ = std::this_thread::get_id();
  }
  // Without the lock: what comes of it may be called from within.
  cancel_();
  std::function<void()> resume;
  {
    absl::MutexLock lock(&mutex_);
    cancelling_ = false;
    canceller_ = std::thread::id();
    resume = std::exchange(resume_, nullptr);
  }
  if (resume != nullptr) resume();
}

std::shared_ptr<Reader> SlowReaders::Add(std::function<void()> cancel) {
  auto reader = std::make_shared<Reader>(std::move(cancel));
  absl::MutexLock lock(&mutex_);
  // Twice as many as there are live ones, at most.
  if (readers_.size() == readers_.capacity()) {
    readers_.erase(std::remove_if(readers_.begin(), readers_.end(),
                                  [](const auto& each) { return each.expired(); }),
                   readers_.end());
  }
  readers_.push_back(reader);
  return reader;
}

void SlowReaders::Cancel(uint64_t before_ns) {
  std::vector<std::shared_ptr<Reader>> readers;
  {
    absl::MutexLock lock(&mutex_);
    for (const std::weak_ptr<Reader>& each : readers_) {
      if (std::shared_ptr<Reader> reader = each.lock()) readers.push_back(std::move(reader));
    }
  }
  for (const std::shared_ptr<Reader>& reader : readers) reader->CancelIfSlow(before_ns);
}

}  // namespace pagemapd
