// Does to shared memory, from several processes at once, whatever may go wrong together: faults,
// reclaim, forks, moves, protection, huge pages, holes, swapoff, and reads of pagemap. Every page's
// content is known and is checked at each access. stress.sh runs it on the patched kernels.
//
//   stress SECONDS TMPFS SWAP-AREA...
//
// TMPFS is a directory of a tmpfs, such as one with huge=always. The areas are swapped off and on,
// one at a time. Prints how often what was done; fails if a page ever held, or pagemap said,
// something wrong.
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/qemu/stress_disturbance.h"
#include "tests/qemu/stress_ledger.h"
#include "tests/qemu/stress_object.h"
#include "tests/qemu/stress_pagemap.h"
#include "tests/qemu/stress_worker.h"

namespace pagemapd {
namespace {

constexpr int kPatience = 60;

template <typename Work>
pid_t Fork(Work work) {
  const pid_t child = fork();
  if (child == 0) {
    work();
    _exit(0);
  }
  return child;
}

class Stress {
 public:
  Stress(Ledger* ledger, std::vector<std::string> areas)
      : ledger_(ledger), areas_(std::move(areas)) {}

  bool MakeObjects(const char* tmpfs) {
    for (int i = 0; i < kObjects; ++i) {
      if (!objects_[i].Create(static_cast<ObjectKind>(i % 4), tmpfs)) return false;
      ledger_->size_pages[i] = kObjectPages;
    }
    return true;
  }

  void Run(int seconds) {
    has_knobs_ = SetKnobs("full", "1");
    std::atomic<pid_t> others[] = {
        Fork([this] { ReadOtherPagemaps(ledger_, 77); }),
        Fork([this] { SwapOffAndOn(ledger_, areas_); }),
        Fork([this] { TurnKnobs(ledger_, 88); }),
    };
    const time_t end = time(nullptr) + seconds;
    uint64_t seed = 1;
    while (time(nullptr) < end && ledger_->failures == 0) {
      for (int i = 0; i < kWorkers; ++i) {
        if (ledger_->worker_pids[i] == 0) Start(i, seed++);
      }
      usleep(200000);
      for (auto& worker : ledger_->worker_pids) Reap(worker, WNOHANG);
    }
    ledger_->stop = true;
    for (auto& worker : ledger_->worker_pids) Await("a worker", worker);
    Await("the reader of pagemap", others[0]);
    Await("swapoff", others[1]);
    Await("the turner of knobs", others[2]);
  }

  // Now that all is quiet: contents, and as many swapped pages as the kernel itself counts.
  void CheckAll() {
    if (has_knobs_) SetKnobs("full", "1");
    for (int i = 0; i < kObjects; ++i) {
      char* map = objects_[i].Map(0, kObjectPages);
      if (map == nullptr) return Fail("map", i);
      if (has_knobs_) CheckCount(i, map);
      for (int page = 0; page < kObjectPages; ++page) {
        const uint32_t generation = ledger_->pages[i][page].generation;
        if (generation == PageState::kBeyondEnd) continue;
        CheckPage(ledger_, "in the end", reinterpret_cast<uint64_t*>(map + page * kPageBytes), i,
                  page, generation);
      }
      munmap(map, kObjectPages * kPageBytes);
    }
    if (has_knobs_ && ledger_->count(Op::kSawSwapped) == 0) Fail("no swapped page was seen", -1);
  }

  void Print() const {
    for (int i = 0; i < static_cast<int>(Op::kNumber); ++i) {
      const Op op = static_cast<Op>(i);
      printf("%s=%llu ", Name(op), static_cast<unsigned long long>(ledger_->count(op)));
    }
    printf("failures=%llu\n", static_cast<unsigned long long>(ledger_->failures.load()));
  }

 private:
  void Start(int number, uint64_t seed) {
    ledger_->worker_pids[number] = Fork([this, number, seed] {
      auto worker = std::make_unique<Worker>(number, ledger_, objects_);
      worker->Run(seed);
      // The thread that lets writes through still uses it.
      worker.release();
    });
  }

  void Fail(const char* what, int number) {
    ledger_->failures.fetch_add(1);
    fprintf(stderr, "stress: %s (%d)\n", what, number);
  }

  // Whether the process is gone; its pid is 0 then.
  bool Reap(std::atomic<pid_t>& process, int flags) {
    int status = 0;
    if (process == 0) return true;
    if (waitpid(process, &status, flags) != process) return false;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) Fail("a process ended with", status);
    process = 0;
    return true;
  }

  void Await(const char* what, std::atomic<pid_t>& process) {
    for (int i = 0; i < kPatience * 10; ++i) {
      if (Reap(process, WNOHANG)) return;
      usleep(100000);
    }
    fprintf(stderr, "stress: %s hangs:\n", what);
    const std::string threads = "/proc/" + std::to_string(process) + "/task";
    const std::string show = "grep -H . " + threads + "/*/wchan " + threads +
                             "/*/stack; grep State " + threads + "/*/status; cat /proc/swaps";
    if (system(show.c_str()) != 0) fprintf(stderr, "stress: not all could be shown\n");
    Fail("it hangs", process);
    kill(process, SIGKILL);
    Reap(process, 0);
  }

  void CheckCount(int object, char* map) {
    auto pagemap = std::make_unique<StressPagemap>();
    if (!pagemap->Open("self", ledger_)) return Fail("pagemap", object);
    uint64_t counted = 0, seen = 0;
    // Reclaim may come between the two.
    for (int tries = 0; tries < 20; ++tries) {
      counted = CountedInSmaps(map);
      pagemap->Read(reinterpret_cast<uintptr_t>(map), kObjectPages);
      seen = 0;
      for (int i = 0; i < kObjectPages; ++i) seen += InSwapArea(pagemap->entries()[i]);
      if (seen == counted && seen == CountedInSmaps(map)) return;
    }
    fprintf(stderr, "stress: object %d: %llu pages in swap, pagemap says %llu\n", object,
            static_cast<unsigned long long>(counted), static_cast<unsigned long long>(seen));
    Fail("counts differ", object);
  }

  static uint64_t CountedInSmaps(const char* map) {
    FILE* file = fopen("/proc/self/smaps", "re");
    char line[512];
    unsigned long start = 0, end = 0, kib = 0;
    bool inside = false;
    while (file != nullptr && fgets(line, sizeof(line), file) != nullptr) {
      if (sscanf(line, "%lx-%lx", &start, &end) == 2) {
        inside = start == reinterpret_cast<uintptr_t>(map);
      } else if (inside && sscanf(line, "Swap: %lu kB", &kib) == 1) {
        break;
      }
    }
    if (file != nullptr) fclose(file);
    return kib * 1024 / kPageBytes;
  }

  Ledger* const ledger_;
  const std::vector<std::string> areas_;
  SharedObject objects_[kObjects];
  bool has_knobs_ = false;
};

}  // namespace
}  // namespace pagemapd

int main(int argc, char** argv) {
  const int seconds = argc > 2 ? atoi(argv[1]) : 0;
  if (seconds <= 0) {
    fprintf(stderr, "usage: stress SECONDS TMPFS SWAP-AREA...\n");
    return 2;
  }
  pagemapd::Ledger* ledger = pagemapd::Ledger::Create();
  if (ledger == nullptr) {
    perror("stress: ledger");
    return 1;
  }
  pagemapd::Stress stress(ledger, std::vector<std::string>(argv + 3, argv + argc));
  if (!stress.MakeObjects(argv[2])) return 1;
  stress.Run(seconds);
  stress.CheckAll();
  stress.Print();
  return ledger->failures == 0 ? 0 : 1;
}
