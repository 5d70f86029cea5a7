#ifndef PAGEMAPD_TESTS_TESTING_SLOT_READER_H_
#define PAGEMAPD_TESTS_TESTING_SLOT_READER_H_

#include <stdlib.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tests/testing/fd.h"

namespace pagemapd {

// Reads what is in the slots of a swap area on a block device, past the page cache: what the kernel
// wrote, and not what this or another reader saw there before. Not thread-safe.
class SlotReader {
 public:
  static absl::StatusOr<SlotReader> Open(const std::string& device);

  // The page at `offset`, in pages; valid until the next call.
  absl::StatusOr<absl::Span<const uint64_t>> Read(uint64_t offset);

 private:
  struct Free {
    void operator()(uint64_t* words) const { free(words); }
  };

  SlotReader(Fd fd, std::unique_ptr<uint64_t, Free> page)
      : fd_(std::move(fd)), page_(std::move(page)) {}

  Fd fd_;
  std::unique_ptr<uint64_t, Free> page_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_SLOT_READER_H_
