#include "daemon/procfs/line_reader.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/sys/errno_status.h"

namespace pagemapd {
namespace {

// Room for the longest line, and for reading on behind a part of one.
constexpr size_t kBufferBytes = 2 * LineReader::kMaxLineBytes;

}  // namespace

LineReader::LineReader(UniqueFd fd, absl::string_view shown)
    : fd_(std::move(fd)), shown_(shown), buffer_(new char[kBufferBytes]) {}

absl::StatusOr<std::optional<absl::string_view>> LineReader::Next() {
  size_t searched = begin_;
  while (true) {
    const void* newline = memchr(buffer_.get() + searched, '\n', end_ - searched);
    const size_t stop =
        newline != nullptr ? static_cast<const char*>(newline) - buffer_.get() : end_;
    // begin_ stays: a reader that asks again gets the same error, not a part of the line.
    if (stop - begin_ > kMaxLineBytes) {
      return absl::DataLossError(
          absl::StrCat(shown_, ": a line is longer than ", kMaxLineBytes, " bytes"));
    }
    if (newline != nullptr || at_end_) {
      if (newline == nullptr && begin_ == end_) return std::nullopt;
      const absl::string_view line(buffer_.get() + begin_, stop - begin_);
      begin_ = newline != nullptr ? stop + 1 : end_;
      return line;
    }
    searched = end_;
    if (begin_ == end_ || end_ == kBufferBytes) {
      memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
      searched -= begin_;
      end_ -= begin_;
      begin_ = 0;
    }
    ssize_t got;
    do {
      got = read(fd_.get(), buffer_.get() + end_, kBufferBytes - end_);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return ErrnoStatus(errno, absl::StrCat("read ", shown_));
    if (got == 0) at_end_ = true;
    end_ += got;
  }
}

}  // namespace pagemapd
