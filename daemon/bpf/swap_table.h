#ifndef PAGEMAPD_DAEMON_BPF_SWAP_TABLE_H_
#define PAGEMAPD_DAEMON_BPF_SWAP_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "daemon/procfs/swap_types.h"

struct swap_table_read_bpf;

namespace pagemapd {

// The kernel's own table of swap areas, which alone tells their types: swap_info of mm/swapfile.c,
// read by a BPF program. Thread-safe.
//
// Where /proc/kallsyms has the table's address (CONFIG_KALLSYMS_ALL, and CAP_SYSLOG or
// kernel.kptr_restrict=0), all of it is read. Else, since Linux 6.15, its entries are found from
// what each CPU allocates swap slots from. That is nothing until some page was swapped out to a
// device that is not rotational, after the last swapoff of the area it went to; what was found once
// is remembered.
class SwapTable {
 public:
  // The error says why there is none: no BTF, loading was refused, UNIMPLEMENTED if this kernel has
  // no way to the table.
  static absl::StatusOr<std::unique_ptr<SwapTable>> Load();

  SwapTable(const SwapTable&) = delete;
  SwapTable& operator=(const SwapTable&) = delete;
  ~SwapTable();

  // The areas in use, by ascending type. Not all of them, perhaps: CPUs other than the caller's are
  // interrupted, one by one, only while fewer than `area_count` are found. ABORTED if the table
  // makes no sense.
  absl::StatusOr<std::vector<SwapTableEntry>> Read(size_t area_count) const;

 private:
  explicit SwapTable(swap_table_read_bpf* program) : program_(program) {}

  // Runs the program on `cpu`, or wherever the caller is; true if every area is known then.
  absl::StatusOr<bool> Run(std::optional<uint32_t> cpu) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::vector<SwapTableEntry>> Entries() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // The program's maps are one for all callers.
  mutable absl::Mutex mutex_;
  swap_table_read_bpf* const program_;
  // From the per-CPU variable `runqueues` to `percpu_swap_cluster`, in bytes.
  std::optional<int64_t> clusters_distance_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_BPF_SWAP_TABLE_H_
