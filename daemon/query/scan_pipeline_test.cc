#include "daemon/query/scan_pipeline.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "daemon/page/page_size.h"
#include "daemon/procfs/scratch_root.h"
#include "daemon/query/scan_statistics.h"
#include "daemon/query/target_error.h"

namespace pagemapd {
namespace {

// Scans of this process's own memory, on the live kernel, with each way that the kernel offers
// taken away in turn.
class ScanPipelineTest : public ::testing::TestWithParam<std::pair<bool, bool>> {
 protected:
  ScanPipelineTest() {
    auto features = ProbeKernelFeatures(ProcRoot());
    EXPECT_TRUE(features.ok()) << features.status();
    features->pagemap_scan = features->pagemap_scan && GetParam().first;
    features->cachestat = features->cachestat && GetParam().second;
    // For mincore: whatever else swaps on this machine, what is made here is not swapped.
    scratch_.Write("meminfo", "SwapCached: 0 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n");
    environment_ =
        std::make_unique<ScanEnvironment>(ScanEnvironment{ProcRoot(), *features, std::nullopt});
    const PageCacheProbe probe(
        features->cachestat ? PageCacheProbe::Method::kCachestat : PageCacheProbe::Method::kMincore,
        scratch_.root());
    resolver_.emplace(probe);
    pool_.emplace(std::vector<ObjectResolver>(2, *resolver_), 2, [](const std::string&) {});
    auto kpageflags = KPageFlags::Open(ProcRoot());
    EXPECT_TRUE(kpageflags.ok()) << kpageflags.status();
    environment_->kpageflags.emplace(*std::move(kpageflags));
  }

  // Has the source marker, by a knob of the test's own.
  void TurnKnob(const std::string& text) {
    scratch_.Write("shmem_swap", text);
    if (environment_->marker_knob.has_value()) return;
    const std::string path = scratch_.path() + "/shmem_swap";
    auto features = ProbeKernelFeatures(ProcRoot(), path);
    ASSERT_TRUE(features.ok()) << features.status();
    environment_->features.shmem_swap = features->shmem_swap;
    auto knob = PagemapKnob::Open(path);
    ASSERT_TRUE(knob.ok()) << knob.status();
    environment_->marker_knob.emplace(*std::move(knob));
  }

  struct Answer {
    std::vector<Extent> extents;
    // kBitmap: whether all pages have the same bit, and which.
    std::optional<uint64_t> uniform;
    PageCounts counts;
    std::vector<absl::Status> errors;
    int started = 0;
  };

  Answer Run(const ScanSpec& spec, std::vector<TargetQuery> targets, size_t slots = 3) {
    for (TargetQuery& target : targets) {
      if (target.access == nullptr) target.access = AllowAll;
    }
    struct Waiter {
      absl::Mutex mutex;
      bool ready = false;
    };
    auto waiter = std::make_shared<Waiter>();
    auto pipeline =
        std::make_shared<ScanPipeline>(*environment_, TaskLane(*pool_, /*account=*/"", "test"),
                                       spec, std::move(targets), slots, [waiter] {
                                         absl::MutexLock lock(&waiter->mutex);
                                         waiter->ready = true;
                                       });
    pipeline->Start();
    Answer answer;
    ScanItem item;
    while (true) {
      const ScanPipeline::Result result = pipeline->Take(&item);
      if (result == ScanPipeline::Result::kDone) return answer;
      if (result == ScanPipeline::Result::kPending) {
        absl::MutexLock lock(&waiter->mutex);
        waiter->mutex.Await(absl::Condition(&waiter->ready));
        waiter->ready = false;
        continue;
      }
      switch (item.kind) {
        case ScanItem::Kind::kStart:
          ++answer.started;
          break;
        case ScanItem::Kind::kChunk:
          answer.counts += item.output.counts;
          answer.uniform = item.output.uniform;
          for (const Extent& extent : item.output.extents) {
            if (answer.extents.empty() || !answer.extents.back().Join(extent)) {
              answer.extents.push_back(extent);
            }
          }
          break;
        case ScanItem::Kind::kEnd:
          answer.errors.push_back(item.error);
          break;
      }
    }
  }

  // By all scans, where statistics are asked for.
  uint64_t PagesLookedAt() const { return statistics_.scanned_pages + statistics_.skipped_pages; }

  ScratchRoot scratch_;
  ScanStatistics statistics_;
  std::unique_ptr<ScanEnvironment> environment_;
  std::optional<ObjectResolver> resolver_;
  std::optional<WorkerPool> pool_;
};

// Memory of this process, unmapped at the end.
class Memory {
 public:
  Memory(uint64_t pages, int flags, int fd = -1) : pages_(pages) {
    address_ = mmap(nullptr, pages << kPageShift, PROT_READ | PROT_WRITE, flags, fd, 0);
    EXPECT_NE(address_, MAP_FAILED);
  }
  ~Memory() { munmap(address_, pages_ << kPageShift); }
  uint64_t start() const { return reinterpret_cast<uint64_t>(address_); }
  PageRange range() const { return {start(), start() + (pages_ << kPageShift)}; }
  void Write(uint64_t page) { static_cast<volatile char*>(address_)[page << kPageShift] = 1; }
  void* at(uint64_t page) const { return static_cast<char*>(address_) + (page << kPageShift); }

 private:
  const uint64_t pages_;
  void* address_;
};

TEST_P(ScanPipelineTest, AnonymousMemoryIsMappedOrHole) {
  // More than one chunk, and an odd end.
  constexpr uint64_t kPages = 70001;
  Memory memory(kPages, MAP_PRIVATE | MAP_ANONYMOUS);
  uint64_t written = 0;
  for (uint64_t page = 0; page < kPages; page += 1 + page % 7, ++written) memory.Write(page);
  for (Format format : {Format::kCounts, Format::kExtents, Format::kPacked, Format::kBitmap}) {
    ScanSpec spec;
    spec.format = format;
    const Answer answer = Run(spec, {{getpid(), 0, {memory.range()}}});
    ASSERT_TRUE(answer.errors[0].ok()) << answer.errors[0];
    EXPECT_EQ(answer.counts.of(PageState::kMapped), written);
    EXPECT_EQ(answer.counts.of(PageState::kHole), kPages - written);
    EXPECT_EQ(answer.counts.total(), kPages);
  }
}

TEST_P(ScanPipelineTest, SharedMemoryIsCompletedByThePageCache) {
  Memory memory(64, MAP_SHARED | MAP_ANONYMOUS);
  for (uint64_t page : {1, 2, 5}) memory.Write(page);
  // Out of this page table, and still in the page cache.
  ASSERT_EQ(madvise(memory.at(2), kPageSizeBytes, MADV_DONTNEED), 0);
  for (View view : {View::kProcess, View::kObject}) {
    ScanSpec spec;
    spec.view = view;
    const Answer answer = Run(spec, {{getpid(), 0, {memory.range()}}});
    ASSERT_TRUE(answer.errors[0].ok()) << answer.errors[0];
    EXPECT_EQ(answer.counts.of(PageState::kHole), 61);
    EXPECT_EQ(answer.counts.of(PageState::kMapped), view == View::kProcess ? 2 : 0);
    EXPECT_EQ(answer.counts.of(PageState::kCached), view == View::kProcess ? 1 : 3);
  }
}

TEST_P(ScanPipelineTest, SparseMemoryIsSkippedOver) {
  // 64 GiB: ThreadSanitizer leaves little more. tests/integration has the terabyte.
  constexpr uint64_t kPages = uint64_t{1} << 24;
  // Without PAGEMAP_SCAN every entry of the process view is read: less of it suffices.
  const uint64_t pages = GetParam().first ? kPages : kPages / 16;
  for (int sharing : {MAP_PRIVATE, MAP_SHARED}) {
    Memory memory(pages, sharing | MAP_ANONYMOUS | MAP_NORESERVE);
    for (uint64_t page : {uint64_t{0}, pages / 3, pages - 1}) memory.Write(page);
    const Answer answer = Run({}, {{getpid(), 0, {memory.range()}}});
    ASSERT_TRUE(answer.errors[0].ok()) << answer.errors[0];
    ASSERT_EQ(answer.extents.size(), 5);
    EXPECT_EQ(answer.extents[2].start, memory.start() + (pages / 3 << kPageShift));
    EXPECT_EQ(answer.counts.of(PageState::kHole), pages - 3);
  }
}

TEST_P(ScanPipelineTest, PrivateCopiesAndTheFileBelow) {
  const int fd = memfd_create("scan_pipeline_test", MFD_CLOEXEC);
  ASSERT_EQ(ftruncate(fd, 64 << kPageShift), 0);
  Memory file(64, MAP_SHARED, fd);
  Memory memory(64, MAP_PRIVATE, fd);
  for (uint64_t page : {1, 2, 3}) file.Write(page);
  for (uint64_t page : {2, 9}) memory.Write(page);
  ScanSpec spec;
  spec.fields = PageRecord::kFlagMask | PageRecord::kSourceMask;
  const Answer answer = Run(spec, {{getpid(), 0, {memory.range()}}});
  close(fd);
  ASSERT_TRUE(answer.errors[0].ok()) << answer.errors[0];
  EXPECT_EQ(answer.counts.of(PageState::kMapped), 2);
  EXPECT_EQ(answer.counts.of(PageState::kCached), 2) << "pages 1 and 3, of the file";
  EXPECT_EQ(answer.counts.of(PageState::kHole), 60);
  for (const Extent& extent : answer.extents) {
    if (extent.first.state() != PageState::kMapped) continue;
    EXPECT_EQ(extent.first.flags() & kFlagFile, 0) << "a copy is anonymous";
    EXPECT_EQ(extent.first.source(), PageSource::kPagemap);
  }
}

TEST_P(ScanPipelineTest, ZeroPageCarriesItsFlag) {
  Memory memory(4, MAP_PRIVATE | MAP_ANONYMOUS);
  const volatile char* page = static_cast<char*>(memory.at(1));
  EXPECT_EQ(*page, 0);
  ScanSpec spec;
  spec.fields = PageRecord::kFlagMask;
  spec.frame_flags = true;
  const Answer answer = Run(spec, {{getpid(), 0, {memory.range()}}});
  ASSERT_EQ(answer.extents.size(), 3);
  EXPECT_EQ(answer.extents[1].first.state(), PageState::kMapped);
  EXPECT_NE(answer.extents[1].first.flags() & kFlagZero, 0);
}

TEST_P(ScanPipelineTest, OneTargetsFailureIsItsOwn) {
  Memory memory(8, MAP_PRIVATE | MAP_ANONYMOUS);
  memory.Write(3);
  const uint64_t start = memory.start();
  const Answer answer = Run({}, {{-1, 0, {}},
                                 {getpid(), 0, {{start, start}}},
                                 {getpid(), 12345, {memory.range()}},
                                 {2, 0, {}},
                                 {getpid(), 0, {memory.range()}}});
  ASSERT_EQ(answer.errors.size(), 5);
  EXPECT_EQ(answer.started, 1);
  EXPECT_EQ(ReasonOf(answer.errors[0]), TargetErrorReason::kInvalidTarget);
  EXPECT_EQ(ReasonOf(answer.errors[1]), TargetErrorReason::kInvalidTarget);
  EXPECT_EQ(ReasonOf(answer.errors[2]), TargetErrorReason::kProcessReplaced);
  EXPECT_EQ(ReasonOf(answer.errors[3]), TargetErrorReason::kNoAddressSpace);
  EXPECT_TRUE(answer.errors[4].ok());
  EXPECT_EQ(answer.counts.total(), 8);
}

TEST_P(ScanPipelineTest, TellsWhatTheCheckAllows) {
  Memory memory(256, MAP_PRIVATE | MAP_ANONYMOUS);
  for (uint64_t page = 0; page < 256; ++page) memory.Write(page);
  ScanSpec spec;
  spec.fields = PageRecord::kLocationMask;
  spec.frame_flags = true;
  const auto run = [&](AccessCheck access) {
    return Run(spec, {{getpid(), 0, {memory.range()}, std::nullopt, std::move(access)}});
  };
  const Answer all = run(AllowAll);
  ASSERT_TRUE(all.errors[0].ok()) << all.errors[0];
  EXPECT_TRUE(all.extents[0].first.has_location());

  const Answer states = run([](const Process&) { return TargetAccess(); });
  ASSERT_TRUE(states.errors[0].ok()) << states.errors[0];
  ASSERT_EQ(states.extents.size(), 1u) << "places that are not told do not cut extents";
  EXPECT_EQ(states.extents[0].pages, 256u);
  EXPECT_FALSE(states.extents[0].first.has_location());
  EXPECT_EQ(states.extents[0].first.flags(), 0);

  const Answer none = run([](const Process& process) -> absl::StatusOr<TargetAccess> {
    EXPECT_EQ(process.pid(), getpid());
    return TargetError(TargetErrorReason::kPermissionDenied, "no");
  });
  EXPECT_EQ(ReasonOf(none.errors[0]), TargetErrorReason::kPermissionDenied);
  EXPECT_EQ(none.started, 0);
  EXPECT_TRUE(none.extents.empty());
}

TEST_P(ScanPipelineTest, OfOthersObjectsThePageTableIsAllThatIsTold) {
  Memory memory(256, MAP_SHARED | MAP_ANONYMOUS);
  for (uint64_t page = 0; page < 128; ++page) memory.Write(page);
  const auto run = [&](View view, uid_t objects_of) {
    ScanSpec spec;
    spec.view = view;
    spec.format = Format::kCounts;
    return Run(spec, {{getpid(), 0, {memory.range()}, std::nullopt, [objects_of](const Process&) {
                         return TargetAccess{/*locations=*/true, objects_of};
                       }}});
  };
  // The tests run as root, whose the object is.
  const Answer own = run(View::kProcess, 0);
  EXPECT_EQ(own.counts.of(PageState::kMapped), 128);
  EXPECT_EQ(own.counts.of(PageState::kHole), 128);
  const Answer others = run(View::kProcess, 31001);
  EXPECT_EQ(others.counts.of(PageState::kMapped), 128);
  EXPECT_EQ(others.counts.of(PageState::kUnknown), 128);
  EXPECT_EQ(run(View::kObject, 0).counts.of(PageState::kCached), 128);
  EXPECT_EQ(run(View::kObject, 31001).counts.of(PageState::kUnknown), 256);
}

TEST_P(ScanPipelineTest, ATargetThatDiesIsToldApart) {
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  ScanSpec spec;
  auto scan = TargetScan::Open(*environment_, spec, {child, 0, {}, std::nullopt, AllowAll});
  ASSERT_TRUE(scan.ok()) << scan.status();
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  absl::Status status;
  ChunkScanner scanner(*resolver_);
  while (status.ok()) {
    Chunk chunk;
    absl::StatusOr<bool> more = (*scan)->NextChunk(scanner.resolver(), &chunk);
    status = more.status();
    if (more.ok() && !*more) break;
    if (!status.ok() || chunk.known.has_value()) continue;
    ChunkOutput output;
    status = scanner.Scan(**scan, chunk, &output);
    // Nothing is told of a dead address space.
    if (status.ok()) {
      EXPECT_EQ(output.counts.of(PageState::kMapped), 0);
    }
  }
  if (status.ok()) status = (*scan)->MappingsChanged().status();
  EXPECT_EQ(ReasonOf(status), TargetErrorReason::kProcessExited) << status;
}

TEST_P(ScanPipelineTest, ASlowConsumerHoldsOnlyItsSlots) {
  constexpr uint64_t kPages = 1 << 20, kWritten = 256;
  Memory memory(kPages, MAP_PRIVATE | MAP_ANONYMOUS);
  // Every chunk has a page, so none is skipped.
  for (uint64_t page = 0; page < kPages; page += kPages / kWritten) memory.Write(page);
  environment_->statistics = &statistics_;
  ScanSpec spec;
  spec.format = Format::kPacked;
  auto stalled = std::make_shared<ScanPipeline>(
      *environment_, TaskLane(*pool_, /*account=*/"", "test"), spec,
      std::vector<TargetQuery>{{getpid(), 0, {memory.range()}, std::nullopt, AllowAll}}, 3, [] {});
  stalled->Start();
  while (PagesLookedAt() == 0) absl::SleepFor(absl::Milliseconds(1));
  // Nobody takes from the first; the second runs to its end on the same workers.
  const Answer answer = Run({}, {{getpid(), 0, {memory.range()}}});
  EXPECT_TRUE(answer.errors[0].ok());
  EXPECT_EQ(answer.counts.of(PageState::kMapped), kWritten);
  // Two chunks of 64 MiB: the third slot is the start's.
  EXPECT_LE(PagesLookedAt(), kPages + 2 * 16384);
  // It goes on as it is taken from.
  std::vector<ScanItem::Kind> kinds;
  PageCounts counts;
  ScanItem item;
  for (auto result = stalled->Take(&item); result != ScanPipeline::Result::kDone;
       result = stalled->Take(&item)) {
    if (result == ScanPipeline::Result::kPending) {
      absl::SleepFor(absl::Milliseconds(1));
      continue;
    }
    kinds.push_back(item.kind);
    if (item.kind == ScanItem::Kind::kChunk) counts += item.output.counts;
    if (item.kind == ScanItem::Kind::kEnd) {
      EXPECT_TRUE(item.error.ok()) << item.error;
    }
  }
  ASSERT_GT(kinds.size(), 4);
  EXPECT_EQ(kinds.front(), ScanItem::Kind::kStart);
  EXPECT_EQ(kinds.back(), ScanItem::Kind::kEnd);
  EXPECT_EQ(std::count(kinds.begin(), kinds.end(), ScanItem::Kind::kChunk), kinds.size() - 2);
  EXPECT_EQ(counts.of(PageState::kMapped), kWritten);
  EXPECT_EQ(counts.total(), kPages);
}

// None of these pages is in swap, so that any kernel's pagemap is as the patched one's.
TEST_P(ScanPipelineTest, WithMarkerAFilterMaySpareTheObject) {
  Memory memory(64, MAP_SHARED | MAP_ANONYMOUS);
  for (uint64_t page : {1, 2, 5}) memory.Write(page);
  ASSERT_EQ(madvise(memory.at(2), kPageSizeBytes, MADV_DONTNEED), 0);
  TurnKnob("off marker [full]\n");
  EXPECT_EQ(environment_->features.shmem_swap.value(), ShmemSwapMode::kFull);
  constexpr uint8_t kSwapped = 1 << static_cast<int>(PageState::kSwapped);
  for (Format format : {Format::kExtents, Format::kPacked, Format::kBitmap}) {
    ScanSpec spec;
    spec.format = format;
    spec.states = kSwapped;
    const Answer answer = Run(spec, {{getpid(), 0, {memory.range()}}});
    ASSERT_TRUE(answer.errors[0].ok()) << answer.errors[0];
    EXPECT_TRUE(answer.extents.empty());
    EXPECT_EQ(answer.counts.of(PageState::kUnsettled), 62);
    EXPECT_EQ(answer.counts.of(PageState::kMapped), 2);
    // The same by the page cache.
    TurnKnob("off [marker] full\n");
    const Answer resolved = Run(spec, {{getpid(), 0, {memory.range()}}});
    EXPECT_TRUE(resolved.extents.empty());
    EXPECT_EQ(resolved.counts.of(PageState::kHole), 61);
    EXPECT_EQ(resolved.counts.of(PageState::kCached), 1);
    TurnKnob("off marker [full]\n");
  }
  // Everything but swapped.
  ScanSpec spec;
  spec.format = Format::kBitmap;
  spec.states = ScanSpec::kAllStates & ~kSwapped;
  const Answer answer = Run(spec, {{getpid(), 0, {memory.range()}}});
  EXPECT_EQ(answer.uniform, 1);
  EXPECT_EQ(answer.counts.of(PageState::kUnsettled), 62);
}

TEST_P(ScanPipelineTest, WithMarkerWhatIsAskedForIsStillToldApart) {
  Memory memory(64, MAP_SHARED | MAP_ANONYMOUS);
  for (uint64_t page : {1, 2, 5}) memory.Write(page);
  ASSERT_EQ(madvise(memory.at(2), kPageSizeBytes, MADV_DONTNEED), 0);
  TurnKnob("off marker [full]\n");
  for (View view : {View::kProcess, View::kObject}) {
    ScanSpec spec;
    spec.view = view;
    spec.states =
        1 << static_cast<int>(PageState::kCached) | 1 << static_cast<int>(PageState::kSwapped);
    const Answer answer = Run(spec, {{getpid(), 0, {memory.range()}}});
    ASSERT_TRUE(answer.errors[0].ok()) << answer.errors[0];
    EXPECT_EQ(answer.counts.of(PageState::kHole), 61);
    EXPECT_EQ(answer.counts.of(PageState::kCached), view == View::kProcess ? 1 : 3);
  }
  // Of a private mapping the page table does not tell it all.
  const int fd = memfd_create("scan_pipeline_test", MFD_CLOEXEC);
  ASSERT_EQ(ftruncate(fd, 64 << kPageShift), 0);
  Memory file(64, MAP_PRIVATE, fd);
  close(fd);
  ScanSpec spec;
  spec.states = 1 << static_cast<int>(PageState::kSwapped);
  const Answer answer = Run(spec, {{getpid(), 0, {file.range()}}});
  EXPECT_EQ(answer.counts.of(PageState::kHole), 64);
}

TEST_P(ScanPipelineTest, WithMarkerSparseMemoryIsSkippedByThePageTable) {
  const uint64_t pages = GetParam().first ? uint64_t{1} << 24 : uint64_t{1} << 16;
  Memory memory(pages, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE);
  memory.Write(pages / 3);
  memory.Write(pages - 1);
  TurnKnob("off marker [full]\n");
  ScanSpec spec;
  spec.states = 1 << static_cast<int>(PageState::kMapped);
  const Answer answer = Run(spec, {{getpid(), 0, {memory.range()}}});
  ASSERT_TRUE(answer.errors[0].ok()) << answer.errors[0];
  EXPECT_EQ(answer.extents.size(), 2);
  EXPECT_EQ(answer.counts.of(PageState::kUnsettled), pages - 2);
}

// Each block rests on the knob as it was then: there is nothing in between, and no error.
TEST_P(ScanPipelineTest, AKnobThatKeepsTurningLeavesAnswersRight) {
  constexpr uint64_t kPages = 256;
  Memory memory(kPages, MAP_SHARED | MAP_ANONYMOUS);
  for (uint64_t page = 0; page < kPages; page += 2) memory.Write(page);
  ASSERT_EQ(madvise(memory.at(0), kPages / 2 << kPageShift, MADV_DONTNEED), 0);
  TurnKnob("off marker [full]\n");
  std::atomic<bool> stop = false;
  std::thread turner([&] {
    for (int i = 0; !stop; ++i) {
      scratch_.Write("shmem_swap", i % 2 == 0 ? "[off] marker full\n" : "off marker [full]\n");
    }
  });
  ScanSpec spec;
  spec.states = 1 << static_cast<int>(PageState::kSwapped);
  uint64_t spared = 0, resolved = 0;
  for (int round = 0; round < 20000 && (round < 200 || spared == 0 || resolved == 0); ++round) {
    const Answer answer = Run(spec, {{getpid(), 0, {memory.range()}}});
    EXPECT_TRUE(answer.errors[0].ok()) << answer.errors[0];
    EXPECT_EQ(answer.counts.of(PageState::kMapped), kPages / 4);
    if (answer.counts.of(PageState::kUnsettled) == 0) {
      ++resolved;
      EXPECT_EQ(answer.counts.of(PageState::kCached), kPages / 4);
      EXPECT_EQ(answer.counts.of(PageState::kHole), kPages / 2);
    } else {
      ++spared;
      EXPECT_EQ(answer.counts.of(PageState::kUnsettled), kPages / 4 * 3);
    }
  }
  stop = true;
  turner.join();
  EXPECT_GT(spared, 0);
  EXPECT_GT(resolved, 0);
}

INSTANTIATE_TEST_SUITE_P(Ways, ScanPipelineTest,
                         ::testing::Values(std::make_pair(true, true), std::make_pair(false, true),
                                           std::make_pair(true, false),
                                           std::make_pair(false, false)),
                         [](const auto& info) {
                           return std::string(info.param.first ? "Scan" : "Read") +
                                  (info.param.second ? "Cachestat" : "Mincore");
                         });

}  // namespace
}  // namespace pagemapd
