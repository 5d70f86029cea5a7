#include "daemon/bpf/page_cache_walker.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/bpf/page_cache_walk.skel.h"
#include "daemon/bpf/quiet_libbpf.h"
#include "daemon/page/page_size.h"
#include "daemon/sys/errno_status.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {
namespace {

constexpr int kTries = 3;

bool IsLost(const page_cache_leaf& leaf) {
  if (leaf.kind != PAGE_CACHE_LEAF_SIBLINGS) return leaf.kind == PAGE_CACHE_LEAF_LOST;
  for (uint64_t entry : leaf.slots) {
    if ((entry & 3) != 2) continue;
    if (!PAGE_CACHE_IS_SIBLING(entry)) return true;
    if ((leaf.slots[PAGE_CACHE_HEAD(entry)] & 3) == 2) return true;
  }
  return false;
}

bool IsResident(const page_cache_leaf& leaf, size_t slot) {
  switch (leaf.kind) {
    case PAGE_CACHE_LEAF_FOLIO:
      return true;
    case PAGE_CACHE_LEAF_PAGES_EACH:
      return leaf.folios >> slot & 1;
    case PAGE_CACHE_LEAF_SIBLINGS: {
      const uint64_t entry = leaf.slots[slot];
      const size_t head = PAGE_CACHE_IS_SIBLING(entry) ? PAGE_CACHE_HEAD(entry) : slot;
      return leaf.slots[head] == PAGE_CACHE_FOLIO;
    }
    default:
      return false;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<PageCacheWalker>> PageCacheWalker::Load(int slices) {
  std::unique_ptr<PageCacheWalker> walker(new PageCacheWalker);
  if (absl::Status status = walker->Open(slices); !status.ok()) return status;
  if (absl::Status status = walker->CheckOnOwnFile(); !status.ok()) return status;
  return walker;
}

absl::Status PageCacheWalker::Open(int slices) {
  InstallLibbpfLog();
  programs_ = page_cache_walk_bpf__open();
  if (programs_ == nullptr) return LibbpfError(errno, "open of the page-cache program");
  bpf_map__set_max_entries(programs_->maps.leaves, slices * PAGE_CACHE_WALK_LEAVES);
  bpf_map__set_max_entries(programs_->maps.scratch_nodes, slices);
  if (const int error = page_cache_walk_bpf__load(programs_); error != 0) {
    return LibbpfError(-error, "load of the page-cache program");
  }
  walk_fd_ = bpf_program__fd(programs_->progs.walk_page_cache);
  skip_fd_ = bpf_program__fd(programs_->progs.skip_holes);
  leaves_bytes_ = slices * PAGE_CACHE_WALK_LEAVES * sizeof(page_cache_leaf);
  void* mapped = mmap(nullptr, leaves_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED,
                      bpf_map__fd(programs_->maps.leaves), 0);
  if (mapped == MAP_FAILED) return ErrnoStatus(errno, "mmap of the page-cache program's map");
  leaves_ = static_cast<page_cache_leaf*>(mapped);
  // First use of a page of it costs as much as many pages of a walk.
  std::memset(leaves_, 0, leaves_bytes_);
  return absl::OkStatus();
}

PageCacheWalker::~PageCacheWalker() {
  if (leaves_ != nullptr) munmap(leaves_, leaves_bytes_);
  page_cache_walk_bpf__destroy(programs_);
}

absl::Status PageCacheWalker::Run(int program_fd, const page_cache_walk_args& args) {
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.ctx_in = &args;
  options.ctx_size_in = sizeof(args);
  if (bpf_prog_test_run_opts(program_fd, &options) != 0) {
    return ErrnoStatus(errno, "run of the page-cache program");
  }
  switch (options.retval) {
    case PAGE_CACHE_WALK_DONE:
      return absl::OkStatus();
    case PAGE_CACHE_WALK_NOT_TMPFS:
      return absl::FailedPreconditionError(
          absl::StrCat("page cache of fd ", args.fd, ": not a file of tmpfs"));
    case PAGE_CACHE_WALK_BAD_FD:
      return absl::InvalidArgumentError(absl::StrCat("page cache of fd ", args.fd, ": not open"));
    default:
      return absl::InternalError(absl::StrCat("page cache of fd ", args.fd, ": ", args.leaves,
                                              " leaves from ", args.first_leaf, " into ",
                                              args.first_element));
  }
}

absl::StatusOr<absl::Span<const page_cache_leaf>> PageCacheWalker::Walk(int slice, int fd,
                                                                        const Range& range) {
  const uint64_t first_element = uint64_t{PAGE_CACHE_WALK_LEAVES} * slice;
  page_cache_walk_args args = {static_cast<uint64_t>(fd), range.first_leaf, range.leaves,
                               range.sizes, first_element};
  if (absl::Status status = Run(walk_fd_, args); !status.ok()) return status;
  const absl::Span<const page_cache_leaf> walked(leaves_ + first_element, range.leaves);
  for (size_t i = 0; i < range.leaves; ++i) {
    for (int tries = 1; tries < kTries && IsLost(walked[i]); ++tries) {
      args.first_leaf = range.first_leaf + i;
      args.leaves = 1;
      args.first_element = first_element + i;
      if (absl::Status status = Run(walk_fd_, args); !status.ok()) return status;
    }
  }
  return walked;
}

absl::StatusOr<uint64_t> PageCacheWalker::SkipHoles(int slice, int fd, uint64_t first_leaf,
                                                    uint64_t end_leaf) {
  const uint64_t element = uint64_t{PAGE_CACHE_WALK_LEAVES} * slice;
  absl::Status status =
      Run(skip_fd_, {static_cast<uint64_t>(fd), first_leaf, end_leaf - first_leaf, 0, element});
  if (!status.ok()) return status;
  return leaves_[element].value_index;
}

// A page in every place that is read in a way of its own: in the first leaf and behind it, beside
// holes, fallocated and not written, and far enough that the tree has three levels.
absl::Status PageCacheWalker::CheckOnOwnFile() {
  constexpr size_t kPages = PAGE_CACHE_LEAF_PAGES * (PAGE_CACHE_LEAF_PAGES + 16);
  constexpr size_t kFallocated = 70;
  constexpr size_t kWritten[] = {0, 2, 71, kPages - 20};
  const UniqueFd file(memfd_create("pagemapd-probe", MFD_CLOEXEC));
  if (!file || ftruncate(file.get(), kPages << kPageShift) != 0 ||
      fallocate(file.get(), 0, kFallocated << kPageShift, 3 << kPageShift) != 0) {
    return ErrnoStatus(errno, "making of a memfd");
  }
  void* mapped =
      mmap(nullptr, kPages << kPageShift, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (mapped == MAP_FAILED) return ErrnoStatus(errno, "mmap of a memfd");
  for (size_t page : kWritten) {
    *(static_cast<volatile char*>(mapped) + (page << kPageShift)) = 1;
  }
  std::array<unsigned char, kPages> before;
  std::array<unsigned char, kPages> after;
  absl::Status status;
  // The machine may reclaim a page in between.
  for (int tries = 0; tries < kTries; ++tries) {
    const int asked = mincore(mapped, kPages << kPageShift, before.data());
    auto leaves = Walk(0, file.get(), {0, kPages / PAGE_CACHE_LEAF_PAGES});
    status = leaves.status();
    if (status.ok() && (asked != 0 || mincore(mapped, kPages << kPageShift, after.data()) != 0)) {
      status = ErrnoStatus(errno, "mincore of a memfd");
    }
    if (!status.ok()) break;
    for (size_t page = 0; page < kPages && status.ok(); ++page) {
      const page_cache_leaf& leaf = (*leaves)[page / PAGE_CACHE_LEAF_PAGES];
      const bool resident = IsResident(leaf, page % PAGE_CACHE_LEAF_PAGES);
      if (resident != (before[page] & 1)) {
        status = absl::InternalError(
            absl::StrCat("the page-cache program finds page ", page, " of a file of our own ",
                         resident ? "resident" : "not resident", ", mincore does not"));
      }
    }
    if (status.ok() || before == after) break;
  }
  munmap(mapped, kPages << kPageShift);
  return status;
}

}  // namespace pagemapd
