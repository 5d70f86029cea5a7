#ifndef PAGEMAPD_DAEMON_PROCFS_LINE_READER_H_
#define PAGEMAPD_DAEMON_PROCFS_LINE_READER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// Lines of a file of any length, through a buffer of fixed size. A /proc file is generated as it
// is read, so a line is seen once and never again. Not thread-safe.
class LineReader {
 public:
  // Longest line: a path of PATH_MAX bytes, each escaped as \ooo, and the fields before it.
  static constexpr size_t kMaxLineBytes = 32 << 10;

  // `shown` names the file in errors.
  LineReader(UniqueFd fd, absl::string_view shown);

  // The next line without its newline, valid until the next call; nullopt at the end. A last line
  // without newline counts. DATA_LOSS if a line is longer than kMaxLineBytes.
  absl::StatusOr<std::optional<absl::string_view>> Next();

 private:
  UniqueFd fd_;
  std::string shown_;
  std::unique_ptr<char[]> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool at_end_ = false;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PROCFS_LINE_READER_H_
