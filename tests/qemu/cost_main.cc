// Measures what reading pagemap costs, and what shared memory costs elsewhere, in nanoseconds of
// CLOCK_MONOTONIC a page: instructions, if the guest counts those (boot.sh --icount). Of several
// runs the least. tests/bench/kernel_cost.sh runs it, and lays out the figures.
//
//   cost KERNEL
//
// Prints "cost KERNEL MARKERS MODE CASE BATCH VALUE" lines. KERNEL is a word for the output;
// MARKERS is whether reclaim left markers ("-" on a kernel without the knob); MODE is what pagemap
// is to tell of swapped pages; BATCH is the entries a read. Other figures than of pagemap have "-"
// as MODE and BATCH. Needs a swap area with room for kPages pages, in front of which nothing is.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "tests/qemu/cost_memory.h"

namespace pagemapd {
namespace {

// As many as the longest read has entries; 64 page tables.
constexpr int kPages = 32768;
constexpr int kFaultPages = 4096;
constexpr int kReadRuns = 3;
constexpr int kOtherRuns = 3;
// Single entries are read here and there only.
constexpr int kSingleReads = 2048;
constexpr int kBatches[] = {1, 512, kPages};

constexpr char kSwapKnob[] = "/sys/kernel/mm/pagemap/shmem_swap";
constexpr char kMarkerKnob[] = "/sys/kernel/mm/pagemap/shmem_markers";
// Only in a kernel with kernel-patches/VERSION/bench.
constexpr char kLookupKnob[] = "/sys/kernel/mm/pagemap/shmem_lookup";

struct Mode {
  const char* name;
  // Null where there is no such knob.
  const char* swap;
  const char* lookup;
};

enum class State { kPresent, kSwapped, kHole };

uint64_t Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * uint64_t{1000000000} + now.tv_nsec;
}

void Turn(const char* knob, const char* value) {
  const int fd = open(knob, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, value, strlen(value)) != static_cast<ssize_t>(strlen(value))) {
    CostFails(knob);
  }
  close(fd);
}

std::vector<Mode> ModesHere() {
  if (access(kSwapKnob, F_OK) != 0) return {{"stock", nullptr, nullptr}};
  if (access(kLookupKnob, F_OK) != 0) {
    return {{"off", "off", nullptr}, {"marker", "marker", nullptr}, {"full", "full", nullptr}};
  }
  return {{"off", "off", "batch"},           {"marker", "marker", "batch"},
          {"full", "full", "batch"},         {"full_each", "full", "each"},
          {"marker_each", "marker", "each"}, {"marker_bit", "marker", "none"}};
}

class Measurement {
 public:
  explicit Measurement(const char* kernel) : kernel_(kernel), buffer_(kPages) {
    pagemap_ = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (pagemap_ < 0) CostFails("pagemap");
  }

  void Run() {
    if (access(kMarkerKnob, F_OK) != 0) {
      RunAll();
      return;
    }
    for (const char* markers : {"0", "1"}) {
      markers_ = markers;
      Turn(kMarkerKnob, markers);
      RunAll();
    }
  }

 private:
  void RunAll() {
    ReadCases();
    for (int i = 0; i < kOtherRuns; ++i) OtherCases();
    for (const auto& [name, value] : others_) Print("-", name.c_str(), "-", value);
    others_.clear();
  }

  void ReadCases() {
    auto memory = std::make_unique<CostMemory>(kPages);
    ReadAll("no_table", *memory);
    memory->Write(0, kPages);
    ReadAll("present", *memory);
    memory->Unmap(0, kPages);
    ReadAll("cached", *memory);
    // The object has a page in swap, if not here where it is looked for.
    // A write maps no neighbours.
    memory->Write(kPages - 1, kPages);
    memory->PageOutAll(kPages - 1, kPages, 1);
    ReadAll("cached_but_one", *memory);
    memory->Empty();
    ReadAll("table", *memory);
    memory->Write(0, kPages);
    memory->PageOutAll(0, kPages, kPages);
    ReadAll("swapped", *memory);

    memory = std::make_unique<CostMemory>(kPages);
    Shape(*memory, [](int page) {
      // A quarter each of present and swapped, in no order.
      const uint32_t hash = static_cast<uint32_t>(page) * 2654435761u >> 16;
      return hash % 4 == 0 ? State::kPresent : hash % 4 == 1 ? State::kSwapped : State::kHole;
    });
    ReadAll("mix", *memory);
    memory = std::make_unique<CostMemory>(kPages);
    Shape(*memory, [](int page) {
      return page < kPages / 4   ? State::kPresent
             : page < kPages / 2 ? State::kSwapped
                                 : State::kHole;
    });
    ReadAll("runs", *memory);
  }

  template <typename StateOf>
  static void Shape(const CostMemory& memory, StateOf state_of) {
    int swapped = 0;
    for (int i = 0; i < kPages; ++i) {
      if (state_of(i) == State::kSwapped) memory.WritePage(i), ++swapped;
    }
    memory.PageOutAll(0, kPages, swapped);
    for (int i = 0; i < kPages; ++i) {
      if (state_of(i) == State::kPresent) memory.WritePage(i);
    }
    if (memory.SwappedPages() != swapped) CostFails("pages came back from swap");
  }

  void ReadAll(const char* name, const CostMemory& memory) {
    for (const Mode& mode : ModesHere()) {
      if (mode.swap != nullptr) Turn(kSwapKnob, mode.swap);
      if (mode.lookup != nullptr) Turn(kLookupKnob, mode.lookup);
      for (const int batch : kBatches) {
        const int reads = batch == 1 ? kSingleReads : kPages / batch;
        // Warm-up first.
        uint64_t least = ReadOnce(memory, batch, reads);
        for (int i = 0; i < kReadRuns; ++i) least = std::min(least, ReadOnce(memory, batch, reads));
        Print(mode.name, name, std::to_string(batch).c_str(),
              static_cast<double>(least) / reads / batch);
      }
    }
  }

  uint64_t ReadOnce(const CostMemory& memory, int batch, int reads) {
    const int step = kPages / reads;
    const uint64_t first = reinterpret_cast<uintptr_t>(memory.page(0)) / kCostPageBytes;
    const size_t bytes = batch * sizeof(uint64_t);
    const uint64_t start = Now();
    for (int i = 0; i < reads; ++i) {
      if (pread(pagemap_, buffer_.data(), bytes, (first + i * step) * sizeof(uint64_t)) !=
          static_cast<ssize_t>(bytes)) {
        CostFails("pread");
      }
    }
    return Now() - start;
  }

  void OtherCases() {
    auto memory = std::make_unique<CostMemory>(kFaultPages);
    memory->Write(0, kFaultPages);
    memory->Unmap(0, kFaultPages);
    Time("write_fault", [&] { memory->Write(0, kFaultPages); });
    memory->Unmap(0, kFaultPages);
    Time("read_fault_around", [&] { memory->Read(0, kFaultPages); });
    Time("page_out", [&] { memory->AskPageOut(0, kFaultPages); });
    memory->PageOutAll(0, kFaultPages, kFaultPages);
    Time("fork", [&] {
      const pid_t child = fork();
      if (child == 0) _exit(0);
      waitpid(child, nullptr, 0);
    });
    Time("swap_in_fault", [&] { memory->Read(0, kFaultPages); });
    memory->PageOutAll(0, kFaultPages, kFaultPages);
    // Another mapping keeps the object, so that its pages are not freed.
    void* other = mremap(memory->page(0), 0, kFaultPages * kCostPageBytes, MREMAP_MAYMOVE);
    if (other == MAP_FAILED) CostFails("mremap");
    Time("munmap", [&] { munmap(memory->page(0), kFaultPages * kCostPageBytes); });
    munmap(other, kFaultPages * kCostPageBytes);
  }

  template <typename Work>
  void Time(const char* name, Work work) {
    // What the device and the kernel's own threads still have to do is none of it.
    usleep(200000);
    const uint64_t start = Now();
    work();
    const double value = static_cast<double>(Now() - start) / kFaultPages;
    for (auto& [known, least] : others_) {
      if (known == name) {
        least = std::min(least, value);
        return;
      }
    }
    others_.emplace_back(name, value);
  }

  void Print(const char* mode, const char* name, const char* batch, double value) const {
    printf("cost %s %s %s %s %s %.2f\n", kernel_, markers_, mode, name, batch, value);
    fflush(stdout);
  }

  const char* const kernel_;
  const char* markers_ = "-";
  int pagemap_ = -1;
  std::vector<uint64_t> buffer_;
  std::vector<std::pair<std::string, double>> others_;
};

}  // namespace
}  // namespace pagemapd

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: cost KERNEL\n");
    return 2;
  }
  pagemapd::Measurement(argv[1]).Run();
  return 0;
}
