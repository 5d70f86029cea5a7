#include "cli/output/output_stream.h"

#include <errno.h>
#include <unistd.h>

namespace pagemapd {

bool OutputStream::EndRow() {
  used_ = true;
  return text_.size() < kFlushBytes ? error_number_ == 0 : Flush();
}

bool OutputStream::Flush() {
  size_t written = 0;
  while (error_number_ == 0 && written < text_.size()) {
    const ssize_t n = write(fd_, text_.data() + written, text_.size() - written);
    if (n >= 0) {
      written += n;
    } else if (errno != EINTR) {
      error_number_ = errno;
    }
  }
  text_.clear();
  return error_number_ == 0;
}

}  // namespace pagemapd
