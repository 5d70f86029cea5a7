#ifndef PAGEMAPD_TESTS_TESTING_SWAP_DEVICE_H_
#define PAGEMAPD_TESTS_TESTING_SWAP_DEVICE_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {

// A swap area on a device of its own, in front of all others. Gone with this object, or with the
// test if that crashes; no other swap area is touched.
class SwapDevice {
 public:
  // kZram is written at once, so a page swapped out leaves no copy in the swap cache. kLoop, on a
  // file below /tmp, leaves one until reclaim comes by.
  enum class Kind { kZram, kLoop };

  // The kernel takes the area of the highest priority first, and this is the highest there is.
  static constexpr int kFirstOfAll = 32767;

  // A loop device stands in where the kernel has no zram.
  static absl::StatusOr<SwapDevice> Create(uint64_t size_bytes, Kind kind = Kind::kZram,
                                           int priority = kFirstOfAll);

  SwapDevice(SwapDevice&&) = default;
  // Swaps everything in again first.
  ~SwapDevice();

  // "/dev/zram1".
  const std::string& path() const { return path_; }
  uint64_t size_bytes() const { return size_bytes_; }

 private:
  SwapDevice() = default;

  absl::Status MakeZram();
  absl::Status MakeLoop();
  absl::Status Activate(int priority);

  std::string path_;
  uint64_t size_bytes_ = 0;
  // Undone in the order of `undo_swap_`, `undo_device_`, `undo_file_`.
  UndoEntry undo_file_;
  UndoEntry undo_device_;
  UndoEntry undo_swap_;
};

// Pages that the kernel says are swapped, or about to be, yet still have a copy in RAM: SwapCached
// of /proc/meminfo, with the counts that each CPU holds back folded in.
absl::StatusOr<uint64_t> SwapCachedPages();

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_TESTING_SWAP_DEVICE_H_
