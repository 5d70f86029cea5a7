// A process for quickstart.sh to look at: 64 MiB of shared memory, as a small guest's RAM, with
// pages that are mapped, cached, swapped and not there. Needs a swap area with 32 MiB free. Prints
// "ready" once the pages are so, then waits to be killed, and ends with its parent.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

namespace {

enum class Kind { kMapped, kCached, kSwapped, kHole };

struct Run {
  Kind kind;
  uint64_t first_page;
  uint64_t pages;
};

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kTotalPages = 64 * 256;

// The memory in the order of its addresses: M mapped, C cached, S swapped, . hole; in turn, in runs
// of 16 pages (x) and of 4 (y). The rest is hole.
struct Part {
  char letter;
  uint64_t pages;
};
constexpr Part kParts[] = {{'M', 1120}, {'C', 144}, {'M', 1936}, {'S', 2400}, {'M', 352},
                           {'S', 976},  {'M', 80},  {'S', 1888}, {'C', 1536}, {'M', 496},
                           {'x', 256},  {'y', 128}, {'.', 1232}, {'S', 720},  {'M', 608},
                           {'.', 960},  {'C', 544}, {'M', 112}};

std::vector<Run> Runs() {
  std::vector<Run> runs;
  uint64_t page = 0;
  const auto add = [&](Kind kind, uint64_t pages) {
    runs.push_back({kind, page, pages});
    page += pages;
  };
  for (const Part& part : kParts) {
    switch (part.letter) {
      case 'M':
        add(Kind::kMapped, part.pages);
        break;
      case 'C':
        add(Kind::kCached, part.pages);
        break;
      case 'S':
        add(Kind::kSwapped, part.pages);
        break;
      case '.':
        add(Kind::kHole, part.pages);
        break;
      default: {
        const uint64_t run_pages = part.letter == 'x' ? 16 : 4;
        for (uint64_t done = 0; done < part.pages; done += 4 * run_pages) {
          for (Kind kind : {Kind::kMapped, Kind::kSwapped, Kind::kHole, Kind::kCached}) {
            add(kind, run_pages);
          }
        }
      }
    }
  }
  return runs;
}

int Fail(const char* what) {
  std::perror(what);
  return 1;
}

// Pages of the run that the process's page table still holds; -1 with errno.
int64_t PresentPages(int pagemap, const char* memory, const Run& run) {
  std::vector<uint64_t> entries(run.pages);
  const uint64_t address = reinterpret_cast<uint64_t>(memory) + run.first_page * kPageBytes;
  const size_t bytes = entries.size() * sizeof(entries[0]);
  if (pread(pagemap, entries.data(), bytes, address / kPageBytes * sizeof(entries[0])) !=
      static_cast<ssize_t>(bytes)) {
    return -1;
  }
  int64_t present = 0;
  for (uint64_t entry : entries) present += entry >> 63;
  return present;
}

}  // namespace

int main() {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return Fail("prctl");

  const std::vector<Run> runs = Runs();
  const uint64_t bytes = kTotalPages * kPageBytes;
  const int fd = memfd_create("guest-ram", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, bytes) != 0) return Fail("memfd");
  char* memory =
      static_cast<char*>(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  if (memory == MAP_FAILED) return Fail("mmap");
  // Huge pages would blur the picture. A kernel without them refuses, which is as good.
  madvise(memory, bytes, MADV_NOHUGEPAGE);

  std::vector<char> page(kPageBytes);
  for (const Run& run : runs) {
    if (run.kind == Kind::kHole) continue;
    for (uint64_t i = run.first_page; i < run.first_page + run.pages; ++i) {
      std::memset(page.data(), static_cast<int>(i % 251 + 1), page.size());
      if (run.kind != Kind::kCached) {
        std::memcpy(memory + i * kPageBytes, page.data(), page.size());
      } else if (pwrite(fd, page.data(), page.size(), i * kPageBytes) !=
                 static_cast<ssize_t>(page.size())) {
        // Written through the descriptor, a page has no page table entry.
        return Fail("pwrite");
      }
    }
  }

  const int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (pagemap < 0) return Fail("/proc/self/pagemap");
  for (const Run& run : runs) {
    if (run.kind != Kind::kSwapped) continue;
    // Pages still on another CPU's list of new pages stay at the first try.
    int64_t present = run.pages;
    for (int tries = 0; tries < 50 && present > 0; ++tries) {
      if (tries > 0) usleep(20'000);
      if (madvise(memory + run.first_page * kPageBytes, run.pages * kPageBytes, MADV_PAGEOUT) !=
          0) {
        return Fail("madvise(MADV_PAGEOUT)");
      }
      present = PresentPages(pagemap, memory, run);
    }
    if (present < 0) return Fail("/proc/self/pagemap");
    if (present > 0) {
      std::fprintf(stderr, "demo: the kernel did not swap the pages out: is there a swap area?\n");
      return 1;
    }
  }

  std::puts("ready");
  std::fflush(stdout);
  pause();
  return 0;
}
