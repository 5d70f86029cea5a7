#include "daemon/bpf/swap_table.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "daemon/bpf/quiet_libbpf.h"
#include "daemon/bpf/swap_table_entry.h"
#include "daemon/bpf/swap_table_read.skel.h"

namespace pagemapd {
namespace {

// The kernel's own encoding, as in include/linux/kdev_t.h.
uint64_t UserSpaceDevice(uint32_t device) { return makedev(device >> 20, device & 0xfffff); }

// Where the per-CPU variables are is in BTF: the linker's offsets, alike for every CPU.
std::optional<int64_t> ClustersDistance() {
  struct btf* btf = btf__load_vmlinux_btf();
  if (btf == nullptr) return std::nullopt;
  std::optional<int64_t> run_queue;
  std::optional<int64_t> clusters;
  const int32_t section_id = btf__find_by_name_kind(btf, ".data..percpu", BTF_KIND_DATASEC);
  if (section_id > 0) {
    const struct btf_type* section = btf__type_by_id(btf, section_id);
    const struct btf_var_secinfo* variables = btf_var_secinfos(section);
    for (int i = 0; i < btf_vlen(section); ++i) {
      const struct btf_type* variable = btf__type_by_id(btf, variables[i].type);
      const absl::string_view name = btf__name_by_offset(btf, variable->name_off);
      if (name == "runqueues") run_queue = variables[i].offset;
      if (name == "percpu_swap_cluster") clusters = variables[i].offset;
    }
  }
  btf__free(btf);
  if (!run_queue || !clusters) return std::nullopt;
  return *clusters - *run_queue;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SwapTable>> SwapTable::Load() {
  InstallLibbpfLog();
  swap_table_read_bpf* const program = swap_table_read_bpf__open();
  if (program == nullptr) return LibbpfError(errno, "open the BPF program for the swap table");
  std::unique_ptr<SwapTable> table(new SwapTable(program));
  if (const int error = swap_table_read_bpf__load(program); error != 0) {
    return LibbpfError(error, "load the BPF program for the swap table");
  }
  absl::MutexLock lock(&table->mutex_);
  absl::StatusOr<bool> run = table->Run(std::nullopt);
  if (absl::IsUnimplemented(run.status())) {
    // Only now: reading BTF costs more than all else here.
    table->clusters_distance_ = ClustersDistance();
    run = table->Run(std::nullopt);
  }
  if (!run.ok()) return run.status();
  return table;
}

SwapTable::~SwapTable() { swap_table_read_bpf__destroy(program_); }

absl::StatusOr<std::vector<SwapTableEntry>> SwapTable::Read(size_t area_count) const {
  absl::MutexLock lock(&mutex_);
  absl::StatusOr<bool> complete = Run(std::nullopt);
  if (!complete.ok()) return complete.status();
  absl::StatusOr<std::vector<SwapTableEntry>> entries = Entries();
  const int cpus = *complete ? 0 : libbpf_num_possible_cpus();
  for (int cpu = 0; cpu < cpus && entries.ok() && entries->size() < area_count; ++cpu) {
    complete = Run(cpu);
    // No such CPU is online.
    if (absl::IsNotFound(complete.status())) continue;
    if (!complete.ok()) return complete.status();
    entries = Entries();
  }
  return entries;
}

absl::StatusOr<bool> SwapTable::Run(std::optional<uint32_t> cpu) const {
  struct swap_table_read_args args = {};
  args.has_clusters_distance = clusters_distance_.has_value();
  args.clusters_distance = clusters_distance_.value_or(0);
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.ctx_in = &args;
  options.ctx_size_in = sizeof(args);
  if (cpu) {
    options.flags = BPF_F_TEST_RUN_ON_CPU;
    options.cpu = *cpu;
  }
  const int fd = bpf_program__fd(program_->progs.read_swap_table);
  if (const int error = bpf_prog_test_run_opts(fd, &options); error != 0) {
    if (cpu && error == -ENXIO) return absl::NotFoundError(absl::StrCat("no CPU ", *cpu));
    InstallLibbpfLog();
    return LibbpfError(error, "run the BPF program for the swap table");
  }
  switch (options.retval) {
    case SWAP_TABLE_READ_ALL:
      return true;
    case SWAP_TABLE_READ_SOME:
      return false;
    case SWAP_TABLE_READ_NO_WAY:
      return absl::UnimplementedError(
          "the kernel gives no way to its swap table: no address of swap_info in /proc/kallsyms, "
          "no percpu_swap_cluster and cfs_rq.rq in BTF");
    default:
      return absl::AbortedError("two swap areas have the same type");
  }
}

absl::StatusOr<std::vector<SwapTableEntry>> SwapTable::Entries() const {
  std::vector<SwapTableEntry> entries;
  const int fd = bpf_map__fd(program_->maps.areas);
  for (uint32_t type = 0; type < SWAP_TABLE_TYPES; ++type) {
    struct swap_table_entry entry;
    if (const int error = bpf_map_lookup_elem(fd, &type, &entry); error != 0) {
      InstallLibbpfLog();
      return LibbpfError(error, "read the swap table");
    }
    if (!entry.in_use) continue;
    SwapTableEntry& out = entries.emplace_back();
    out.type = type;
    out.priority = entry.priority;
    out.pages = entry.pages;
    out.file.block_device = UserSpaceDevice(entry.block_device);
    out.file.inode = entry.inode;
    out.file.filesystem_device = UserSpaceDevice(entry.filesystem_device);
  }
  return entries;
}

}  // namespace pagemapd
