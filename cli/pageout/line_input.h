#ifndef PAGEMAPD_CLI_PAGEOUT_LINE_INPUT_H_
#define PAGEMAPD_CLI_PAGEOUT_LINE_INPUT_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"

namespace pagemapd {

// Lines of a file, a pipe or a terminal of any length, through a buffer of fixed size. A line that
// is too long is passed over like any other. Not thread-safe.
class LineInput {
 public:
  static constexpr size_t kMaxLineBytes = 64 << 10;

  enum class Item {
    kLine,
    // A line longer than kMaxLineBytes: line() is empty.
    kTooLong,
    kEnd,
    // error_number() says why; there is no more.
    kError,
  };

  // Does not own `fd`.
  explicit LineInput(int fd);
  LineInput(const LineInput&) = delete;
  LineInput& operator=(const LineInput&) = delete;

  Item Next();

  // The last line without its newline, valid until the next call. A last line without newline
  // counts.
  absl::string_view line() const { return line_; }
  // Its number, from 1.
  uint64_t number() const { return number_; }
  // errno of the failed read.
  int error_number() const { return error_number_; }

 private:
  // Reads more behind what is there. False at the end, and after an error.
  bool Fill();

  const int fd_;
  const std::unique_ptr<char[]> buffer_;
  // What was read and not given out: [begin_, end_) of the buffer.
  size_t begin_ = 0;
  size_t end_ = 0;
  absl::string_view line_;
  uint64_t number_ = 0;
  int error_number_ = 0;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PAGEOUT_LINE_INPUT_H_
