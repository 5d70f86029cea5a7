#ifndef PAGEMAPD_DAEMON_PROCFS_MAPS_H_
#define PAGEMAPD_DAEMON_PROCFS_MAPS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/page/page_range.h"
#include "daemon/procfs/line_reader.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {

// Device number as maps, stat and mountinfo print it, in its two parts.
struct DeviceNumber {
  uint32_t major = 0;
  uint32_t minor = 0;

  friend bool operator==(DeviceNumber a, DeviceNumber b) {
    return a.major == b.major && a.minor == b.minor;
  }
  template <typename H>
  friend H AbslHashValue(H h, DeviceNumber d) {
    return H::combine(std::move(h), d.major, d.minor);
  }
};

// One VMA: a line of /proc/PID/maps (show_map_vma in fs/proc/task_mmu.c).
struct Vma {
  PageRange range;
  bool readable = false;
  bool writable = false;
  bool executable = false;
  bool shared = false;
  uint64_t offset_bytes = 0;
  DeviceNumber device;
  // May be 0: a SysV segment's is its id.
  uint64_t inode = 0;
  // Unescaped. The kernel escapes newline alone, as "\012"; nothing else is touched, so a file
  // name that itself holds "\012" cannot be told from one with a newline.
  std::string path;
  // smaps only, space separated two-letter codes: "rd wr mr". Empty from maps.
  std::string vm_flags;

  // Whether an inode is mapped. None is on device 00:00, which anonymous memory shows.
  bool has_object() const { return !(device == DeviceNumber()) || inode != 0; }
};

// Parses one line of maps into `vma`, reusing its storage; leaves vm_flags empty. DATA_LOSS,
// quoting the line's beginning, for text that is no such line: fields missing, numbers out of
// range, an address that is not page aligned, start not below end.
absl::Status ParseMapsLine(absl::string_view line, Vma* vma);

// The VMAs of /proc/PID/maps or /proc/PID/smaps, one at a time, in constant memory. Not
// thread-safe.
class MapsReader {
 public:
  enum class Format { kMaps, kSmaps };

  MapsReader(UniqueFd fd, Format format, absl::string_view shown);

  // The next VMA into `vma`; false at the end. The VMAs ascend and do not overlap: where the
  // process made the next VMA one with VMAs already read, between two read calls, the kernel
  // prints the whole of it (seen on Linux 6.18, whatever proc.rst guarantees), and the part
  // already read is cut off. DATA_LOSS for malformed text and for a VMA that lies wholly before
  // the end of the last.
  absl::StatusOr<bool> Next(Vma* vma);

 private:
  LineReader lines_;
  Format format_;
  uint64_t previous_end_ = 0;
  // smaps: the header line of the next VMA, met while reading the last one's details.
  std::optional<Vma> pending_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_PROCFS_MAPS_H_
