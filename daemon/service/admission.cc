#include "daemon/service/admission.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "daemon/page/page_size.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

uint64_t ResidentBytes() {
  const UniqueFd fd(open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  char text[128];
  const ssize_t got = fd ? read(fd.get(), text, sizeof(text) - 1) : 0;
  if (got <= 0) return 0;
  text[got] = '\0';
  // Size and resident set, in pages (proc(5)).
  unsigned long long pages = 0;
  return sscanf(text, "%*u %llu", &pages) == 1 ? pages * kPageSizeBytes : 0;
}

absl::StatusOr<Admission::Ticket> Admission::Enter(const Caller& caller, uint64_t bytes) {
  // Root's calls hold no more than the bytes of this object say, and others cannot keep it out by
  // what they make the daemon hold besides.
  if (limits_.max_resident_bytes != 0 && !caller.IsRoot()) {
    const uint64_t resident = ResidentBytes();
    if (resident > limits_.max_resident_bytes) {
      // Some of it may be what calls that were refused have left with the allocator.
      on_idle_();
      return absl::ResourceExhaustedError(
          absl::StrCat("the daemon has ", resident, " bytes in RAM, and may have ",
                       limits_.max_resident_bytes, "; try again later"));
    }
  }
  std::string account = ToString(caller);
  absl::MutexLock lock(&mutex_);
  if (closed_) return absl::UnavailableError("the daemon is stopping");
  const uint64_t max_bytes =
      caller.IsRoot() ? limits_.max_bytes_in_flight : limits_.max_bytes_in_flight / 4 * 3;
  if (bytes_ > 0 && bytes_ + bytes > max_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(calls_, " calls under way and answers that are not read yet hold up to ",
                     bytes_, " of ", max_bytes, " bytes, the limit; try again later"));
  }
  const auto found = by_caller_.find(account);
  const Held held = found == by_caller_.end() ? Held() : found->second;
  if (!caller.IsRoot()) {
    if (held.calls >= limits_.max_calls_per_caller) {
      return absl::ResourceExhaustedError(
          absl::StrCat(account, " has ", held.calls,
                       " calls under way, the limit of one caller; try again later"));
    }
    if (held.bytes > 0 && held.bytes + bytes > MaxBytesOfCaller(limits_)) {
      return absl::ResourceExhaustedError(
          absl::StrCat(account, " has calls under way and answers that it has not read yet, which ",
                       "hold up to ", held.bytes, " of ", MaxBytesOfCaller(limits_),
                       " bytes, the limit of one caller; try again later"));
    }
  }
  ++calls_;
  bytes_ += bytes;
  Held& now = by_caller_[account];
  ++now.calls;
  now.bytes += bytes;
  return absl::StatusOr<Ticket>(Ticket(this, std::move(account), bytes));
}

void Admission::Leave(const std::string& account, uint32_t calls, uint64_t bytes) {
  bool idle;
  {
    absl::MutexLock lock(&mutex_);
    calls_ -= calls;
    bytes_ -= bytes;
    idle = bytes_ == 0 && bytes > 0;
    const auto found = by_caller_.find(account);
    found->second.calls -= calls;
    found->second.bytes -= bytes;
    if (found->second.calls == 0 && found->second.bytes == 0) by_caller_.erase(found);
  }
  if (idle) on_idle_();
}

}  // namespace pagemapd
