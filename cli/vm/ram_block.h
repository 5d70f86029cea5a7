#ifndef PAGEMAPD_CLI_VM_RAM_BLOCK_H_
#define PAGEMAPD_CLI_VM_RAM_BLOCK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pagemapd {

// Guest-physical addresses at which a part of a block appears.
struct GuestRange {
  uint64_t start = 0;
  // Past the last.
  uint64_t end = 0;
  // Into the block, of `start`.
  uint64_t offset = 0;
  bool read_only = false;

  friend bool operator==(const GuestRange& a, const GuestRange& b) {
    return a.start == b.start && a.end == b.end && a.offset == b.offset &&
           a.read_only == b.read_only;
  }
};

// The memory backend object that a block belongs to.
struct MemoryBackend {
  std::string id;
  bool share = false;
  bool prealloc = false;
  // "default", "bind", ...
  std::string policy;
  std::vector<uint64_t> host_nodes;
  // The guest's NUMA node, told only of memory devices.
  std::optional<uint64_t> guest_node;
};

// A piece of memory that QEMU calls a RAM block: what its migration sends. All sizes in bytes.
struct RamBlock {
  // Unique in the VM: "pc.ram", the backend's id, "0000:00:02.0/vga.vram".
  std::string name;
  // What QEMU backs it with.
  uint64_t page_size_bytes = 0;
  // In use; what may be had at most is mapped.
  uint64_t size_bytes = 0;
  uint64_t max_bytes = 0;
  // Where QEMU has it mapped; unset where that is not proved, and then why.
  std::optional<uint64_t> host_address;
  std::string why_not;
  // By ascending address. Parts of the block may be in none, or in several.
  std::vector<GuestRange> guest_ranges;
  std::optional<MemoryBackend> backend;

  uint64_t host_end() const { return host_address.value_or(0) + size_bytes; }
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_RAM_BLOCK_H_
