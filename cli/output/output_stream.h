#ifndef PAGEMAPD_CLI_OUTPUT_OUTPUT_STREAM_H_
#define PAGEMAPD_CLI_OUTPUT_OUTPUT_STREAM_H_

#include <fmt/format.h>

#include <cstddef>

#include "absl/strings/string_view.h"

namespace pagemapd {

// Buffered rows to a file descriptor. The first failed write ends it: what comes after is dropped,
// and error_number() says why. Not thread-safe.
class OutputStream {
 public:
  // Does not own `fd`.
  explicit OutputStream(int fd) : fd_(fd) {}
  OutputStream(const OutputStream&) = delete;
  OutputStream& operator=(const OutputStream&) = delete;

  // The row being made; format into it.
  fmt::memory_buffer& text() { return text_; }
  void Append(absl::string_view text) { text_.append(text.data(), text.data() + text.size()); }

  // Ends a row: writes when enough has gathered. False once a write has failed, and then there is
  // no point in going on.
  bool EndRow();

  // Writes all there is. False once a write has failed.
  bool Flush();

  // Rows were ended.
  bool used() const { return used_; }
  // errno of the failed write; 0 if none failed.
  int error_number() const { return error_number_; }

 private:
  static constexpr size_t kFlushBytes = 128 * 1024;

  const int fd_;
  fmt::memory_buffer text_;
  bool used_ = false;
  int error_number_ = 0;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_OUTPUT_OUTPUT_STREAM_H_
