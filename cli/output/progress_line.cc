#include "cli/output/progress_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace pagemapd {
namespace {

constexpr absl::Duration kQuiet = absl::Seconds(1);
constexpr absl::Duration kInterval = absl::Milliseconds(200);

// A decoration: what cannot be written is left out.
void WriteAll(int fd, const std::string& text) {
  if (write(fd, text.data(), text.size()) < 0) return;
}

std::string Amount(double value) {
  if (value >= 1e9) return fmt::format("{:.1f}G", value / 1e9);
  if (value >= 1e6) return fmt::format("{:.1f}M", value / 1e6);
  if (value >= 1e4) return fmt::format("{:.0f}k", value / 1e3);
  return fmt::format("{:.0f}", value);
}

}  // namespace

std::string ProgressText(const ProgressVerb& verb, uint64_t done_pages, uint64_t total_pages,
                         double seconds) {
  if (total_pages == 0 && done_pages == 0)
    return fmt::format("{}, {:.0f} s", verb.present, seconds);
  if (total_pages == 0) {
    return fmt::format("{}, {} pages, {:.0f} s", verb.present, done_pages, seconds);
  }
  const uint64_t done = std::min(done_pages, total_pages);
  const double rate = seconds > 0 ? done / seconds : 0;
  return fmt::format("{} {} of {} pages, {}%, {} pages/s", verb.past, done, total_pages,
                     static_cast<int>(100.0 * done / total_pages), Amount(rate));
}

ProgressLine::ProgressLine(int fd, const Terminal& terminal, uint64_t total_pages,
                           const ProgressVerb& verb)
    : fd_(fd), width_(terminal.width), total_pages_(total_pages), verb_(verb) {
  if (terminal.is_terminal) thread_ = std::thread([this] { Draw(); });
}

ProgressLine::~ProgressLine() {
  if (!thread_.joinable()) return;
  {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
  }
  thread_.join();
}

void ProgressLine::SetDone(uint64_t pages) {
  absl::MutexLock lock(&mutex_);
  done_pages_ = pages;
}

void ProgressLine::Hide() {
  absl::MutexLock lock(&mutex_);
  Erase();
}

void ProgressLine::Draw() {
  const absl::Time begin = absl::Now();
  absl::MutexLock lock(&mutex_);
  absl::Duration wait = kQuiet;
  while (!mutex_.AwaitWithTimeout(absl::Condition(&ended_), wait)) {
    wait = kInterval;
    std::string text =
        ProgressText(verb_, done_pages_, total_pages_, absl::ToDoubleSeconds(absl::Now() - begin));
    text.resize(std::min<size_t>(text.size(), width_ - 1));  // Never wraps.
    WriteAll(fd_, "\r" + text + "\x1b[K");
    drawn_ = true;
  }
  Erase();
}

void ProgressLine::Erase() {
  if (drawn_) WriteAll(fd_, "\r\x1b[K");
  drawn_ = false;
}

}  // namespace pagemapd
