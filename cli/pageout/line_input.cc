#include "cli/pageout/line_input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

namespace pagemapd {
namespace {

// A longest line, its newline, and room so that short lines do not take a read each.
constexpr size_t kBufferBytes = 2 * LineInput::kMaxLineBytes;

}  // namespace

LineInput::LineInput(int fd) : fd_(fd), buffer_(new char[kBufferBytes]) {}

LineInput::Item LineInput::Next() {
  line_ = {};
  bool too_long = false;
  // Where to look for the newline from: what is before was looked at.
  size_t looked = 0;
  while (true) {
    const char* const begin = buffer_.get() + begin_;
    const void* const newline = memchr(begin + looked, '\n', end_ - begin_ - looked);
    looked = newline == nullptr ? end_ - begin_ : static_cast<const char*>(newline) - begin;
    too_long |= looked > kMaxLineBytes;
    if (newline != nullptr) {
      ++number_;
      begin_ += looked + 1;
      if (too_long) return Item::kTooLong;
      line_ = absl::string_view(begin, looked);
      return Item::kLine;
    }
    if (too_long) {
      begin_ = end_;
      looked = 0;
    }
    if (Fill()) continue;
    if (error_number_ != 0) return Item::kError;
    if (looked == 0 && !too_long) return Item::kEnd;
    ++number_;
    line_ = absl::string_view(buffer_.get() + begin_, looked);
    begin_ = end_;
    return too_long ? Item::kTooLong : Item::kLine;
  }
}

bool LineInput::Fill() {
  if (error_number_ != 0) return false;
  memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  ssize_t n;
  do {
    n = read(fd_, buffer_.get() + end_, kBufferBytes - end_);
  } while (n < 0 && errno == EINTR);
  if (n < 0) error_number_ = errno;
  if (n > 0) end_ += n;
  return n > 0;
}

}  // namespace pagemapd
