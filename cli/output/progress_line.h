#ifndef PAGEMAPD_CLI_OUTPUT_PROGRESS_LINE_H_
#define PAGEMAPD_CLI_OUTPUT_PROGRESS_LINE_H_

#include <cstdint>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "cli/output/terminal.h"

namespace pagemapd {

// What is being done to the pages.
struct ProgressVerb {
  const char* past;
  const char* present;
};
inline constexpr ProgressVerb kScanning = {"scanned", "scanning"};
inline constexpr ProgressVerb kPagingOut = {"went through", "paging out"};

// "scanned 1234 of 5000 pages, 24%, 1.2M pages/s". Without a total: "scanning, 3 s", or "scanning,
// 1234 pages, 3 s".
std::string ProgressText(const ProgressVerb& verb, uint64_t done_pages, uint64_t total_pages,
                         double seconds);

// A line on a terminal that shows how far something is, from its second second on; gone again when
// this object is. Does nothing where `terminal` is none. Thread-safe; draws in its own thread.
class ProgressLine {
 public:
  // Draws to `fd`. `total_pages` 0: not known.
  ProgressLine(int fd, const Terminal& terminal, uint64_t total_pages,
               const ProgressVerb& verb = kScanning);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void SetDone(uint64_t pages);

  // Takes the line away until the next redraw, so that something else can be written there.
  void Hide();

 private:
  void Draw();
  void Erase() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int fd_;
  const int width_;
  const uint64_t total_pages_;
  const ProgressVerb verb_;
  absl::Mutex mutex_;
  uint64_t done_pages_ ABSL_GUARDED_BY(mutex_) = 0;
  bool drawn_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_OUTPUT_PROGRESS_LINE_H_
