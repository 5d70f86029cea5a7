#include "tests/testing/slot_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPageBytes = 4096;

}  // namespace

absl::StatusOr<SlotReader> SlotReader::Open(const std::string& device) {
  Fd fd(open(device.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT));
  if (!fd) return ErrnoError("open " + device);
  return SlotReader(std::move(fd), std::unique_ptr<uint64_t, Free>(static_cast<uint64_t*>(
                                       aligned_alloc(kPageBytes, kPageBytes))));
}

absl::StatusOr<absl::Span<const uint64_t>> SlotReader::Read(uint64_t offset) {
  if (pread(fd_.get(), page_.get(), kPageBytes, offset * kPageBytes) != kPageBytes) {
    return ErrnoError(absl::StrCat("read slot ", offset));
  }
  return absl::MakeConstSpan(page_.get(), kPageBytes / sizeof(uint64_t));
}

}  // namespace pagemapd
