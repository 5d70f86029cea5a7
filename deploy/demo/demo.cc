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
#include <string>
#include <vector>

namespace {

// The memory, 1 MiB a letter: M mapped, C cached, S swapped, . hole, m mixed.
constexpr char kLayout[] =
    "MMMMCCMMMMMMMMMM"
    "SSSSSSMMSSSSSSSS"
    "SSSCCCCCMMMm...."
    "mSSMM...CC......";
constexpr char kMixed[] = "MS.C";
constexpr uint64_t kMixedRunPages = 16;
constexpr uint64_t kLetterPages = 256;
constexpr uint64_t kPageBytes = 4096;

struct Run {
  char letter;
  uint64_t first_page;
  uint64_t pages;
};

std::vector<Run> Runs() {
  std::vector<Run> runs;
  uint64_t page = 0;
  for (char letter : std::string(kLayout)) {
    const uint64_t run_pages = letter == 'm' ? kMixedRunPages : kLetterPages;
    for (uint64_t done = 0; done < kLetterPages; done += run_pages) {
      const char kind = letter == 'm' ? kMixed[done / run_pages % 4] : letter;
      runs.push_back({kind, page, run_pages});
      page += run_pages;
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
  const uint64_t bytes = (sizeof(kLayout) - 1) * kLetterPages * kPageBytes;
  const int fd = memfd_create("guest-ram", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, bytes) != 0) return Fail("memfd");
  char* memory =
      static_cast<char*>(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  if (memory == MAP_FAILED) return Fail("mmap");
  // Huge pages would blur the picture. A kernel without them refuses, which is as good.
  madvise(memory, bytes, MADV_NOHUGEPAGE);

  std::vector<char> page(kPageBytes);
  for (const Run& run : runs) {
    if (run.letter == '.') continue;
    for (uint64_t i = run.first_page; i < run.first_page + run.pages; ++i) {
      std::memset(page.data(), static_cast<int>(i % 251 + 1), page.size());
      if (run.letter != 'C') {
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
    if (run.letter != 'S') continue;
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
