#include "tests/testing/page_pattern.h"

#include <unistd.h>

#include <algorithm>
#include <vector>

#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kWords = kPageBytes / sizeof(uint64_t);

uint64_t Word(uint16_t object, uint64_t index, uint64_t word) {
  return uint64_t{object} << 48 | index << 10 | word;
}

}  // namespace

absl::Status WritePattern(int fd, uint16_t object, uint64_t first_index,
                          absl::Span<const PageRun> runs) {
  constexpr uint64_t kPagesAtOnce = 256;
  std::vector<uint64_t> words(kPagesAtOnce * kWords);
  for (const PageRun& run : runs) {
    for (uint64_t done = 0; done < run.pages;) {
      const uint64_t index = first_index + run.first + done;
      const uint64_t pages = std::min(kPagesAtOnce, run.pages - done);
      for (uint64_t i = 0; i < pages * kWords; ++i) {
        words[i] = Word(object, index + i / kWords, i % kWords);
      }
      const ssize_t bytes = pages * kPageBytes;
      if (pwrite(fd, words.data(), bytes, index * kPageBytes) != bytes) {
        return ErrnoError("write a pattern");
      }
      done += pages;
    }
  }
  return absl::OkStatus();
}

bool HoldsPattern(absl::Span<const uint64_t> words, uint16_t object, uint64_t index) {
  for (uint64_t i = 1; i < kWords; ++i) {
    if (words[i] != Word(object, index, i)) return false;
  }
  return true;
}

}  // namespace pagemapd
