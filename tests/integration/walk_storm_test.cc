// Thousands of walks over a page cache that two processes change as fast as they can: each page is
// only ever said to be what it can have been.

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/types/span.h"
#include "daemon/bpf/page_cache_walker.h"
#include "daemon/shmem/page_cache_reader.h"
#include "tests/integration/page_report.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/fd.h"
#include "tests/testing/page_client.h"
#include "tests/testing/swap_device.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21  // Linux 5.4.
#endif

namespace pagemapd {
namespace {

constexpr uint64_t kPages = 8192;

// What happens to a page, by where it is in the object. Neither ends at a leaf, and the first two
// share one.
struct Part {
  const char* name;
  uint64_t first, end;
  bool may_be_hole, may_be_more;
};
// Written before all else, then touched and paged out.
constexpr Part kKept = {"kept", 0, 2030, false, true};
// Never written, read or allocated.
constexpr Part kNever = {"never", 2030, 3075, true, false};
// Punched out and rewritten.
constexpr Part kPunched = {"punched", 3075, 6145, true, true};
// Cut off with the end of the file, and written again.
constexpr Part kCut = {"cut", 6145, kPages, true, true};
constexpr Part kParts[] = {kKept, kNever, kPunched, kCut};

// A child process that does `round` until it is killed.
class Storm {
 public:
  explicit Storm(const std::function<void(std::mt19937_64&)>& round) : pid_(fork()) {
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::mt19937_64 lots(getpid());
    while (getppid() != 1) round(lots);
    _exit(0);
  }
  Storm(const Storm&) = delete;
  Storm& operator=(const Storm&) = delete;
  ~Storm() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  bool Runs() const { return waitpid(pid_, nullptr, WNOHANG) == 0; }

 private:
  const pid_t pid_;
};

class WalkStormTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<SwapDevice> device = SwapDevice::Create(256 << 20);
    ASSERT_TRUE(device.ok()) << device.status();
    device_.emplace(*std::move(device));
    object_ = Fd(memfd_create("pagemapd-test", MFD_CLOEXEC));
    ASSERT_EQ(ftruncate(object_.get(), kPages * kPageBytes), 0);
    memory_ = static_cast<char*>(
        mmap(nullptr, kPages * kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, object_.get(), 0));
    ASSERT_NE(memory_, MAP_FAILED);
    Touch(kKept.first, kKept.end);
    // Pages that two processes map do not go out: this one lets go of what it touched.
    madvise(memory_, kPages * kPageBytes, MADV_DONTNEED);
  }

  void TearDown() override {
    storms_.clear();
    if (memory_ != MAP_FAILED) munmap(memory_, kPages * kPageBytes);
  }

  void Touch(uint64_t first, uint64_t end) {
    for (uint64_t i = first; i < end; ++i) {
      // Not zeros, which would not go out.
      *reinterpret_cast<volatile uint64_t*>(memory_ + i * kPageBytes) = i + 1;
    }
  }
  // A run of some pages in [first, end).
  static std::pair<uint64_t, uint64_t> Run(std::mt19937_64& lots, uint64_t first, uint64_t end) {
    const uint64_t at = first + lots() % (end - first);
    return {at, std::min(end, at + 1 + lots() % 200)};
  }
  // Touches, or lets go, or pages out.
  void Stir(std::mt19937_64& lots, uint64_t first, uint64_t end) {
    const auto [from, to] = Run(lots, first, end);
    const uint64_t lot = lots() % 8;
    if (lot < 3) return Touch(from, to);
    madvise(memory_ + from * kPageBytes, (to - from) * kPageBytes,
            lot == 3 ? MADV_DONTNEED : MADV_PAGEOUT);
  }
  void Punch(uint64_t from, uint64_t to) {
    static_cast<void>(fallocate(object_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                from * kPageBytes, (to - from) * kPageBytes));
  }

  // Each child has pages of its own to map: those that both map would not go out.
  void StartStorms() {
    constexpr uint64_t kHalf = kKept.end / 2;
    storms_.push_back(std::make_unique<Storm>([this](std::mt19937_64& lots) {
      Stir(lots, kKept.first, kHalf);
      if (lots() % 16 != 0) return Stir(lots, kCut.first, kPages);
      const uint64_t size = kCut.first + lots() % (kPages - kCut.first);
      EXPECT_EQ(ftruncate(object_.get(), size * kPageBytes + lots() % kPageBytes), 0);
      EXPECT_EQ(ftruncate(object_.get(), kPages * kPageBytes), 0);
    }));
    storms_.push_back(std::make_unique<Storm>([this](std::mt19937_64& lots) {
      Stir(lots, kHalf, kKept.end);
      Stir(lots, kPunched.first, kPunched.end);
      const auto [from, to] = Run(lots, kPunched.first, kPunched.end);
      if (lots() % 4 == 0) Punch(from, to);
    }));
  }

  // Counts states by part, and tells a page that cannot be as it is said to be.
  void Count(uint64_t index, v1::PageState state, const std::string& shown) {
    const Part* part = kParts;
    while (index >= part->end) ++part;
    ++counts_[part - kParts][state];
    const bool right = state == v1::PAGE_STATE_UNKNOWN ||
                       (state == v1::PAGE_STATE_HOLE && part->may_be_hole) ||
                       ((state == v1::PAGE_STATE_MAPPED || state == v1::PAGE_STATE_CACHED ||
                         state == v1::PAGE_STATE_SWAPPED) &&
                        part->may_be_more);
    if (!right && ++wrong_ <= 10) {
      ADD_FAILURE() << "page " << index << " of those " << part->name << ": " << shown;
    }
  }
  void CheckSlot(uint64_t index, uint32_t type, uint64_t offset) {
    if (!type_.has_value()) type_ = type;
    const bool right = type == *type_ && offset > 0 && offset < device_->size_bytes() / kPageBytes;
    if (!right && ++wrong_ <= 10) {
      ADD_FAILURE() << absl::StrFormat("page %d: slot %d:%#x", index, type, offset);
    }
  }
  void PrintCounts(const char* of) {
    for (size_t part = 0; part < std::size(kParts); ++part) {
      printf("%s, %s: hole %lu, mapped %lu, cached %lu, swapped %lu, unknown %lu\n", of,
             kParts[part].name, counts_[part][v1::PAGE_STATE_HOLE],
             counts_[part][v1::PAGE_STATE_MAPPED], counts_[part][v1::PAGE_STATE_CACHED],
             counts_[part][v1::PAGE_STATE_SWAPPED], counts_[part][v1::PAGE_STATE_UNKNOWN]);
    }
    // The storm was one: of what could be seen, everything was.
    for (size_t part : {0, 2, 3}) EXPECT_GT(counts_[part][v1::PAGE_STATE_SWAPPED], 0u) << part;
    for (size_t part : {2, 3}) EXPECT_GT(counts_[part][v1::PAGE_STATE_HOLE], 0u) << part;
    EXPECT_GT(counts_[1][v1::PAGE_STATE_HOLE], 0u);
    for (const auto& storm : storms_) EXPECT_TRUE(storm->Runs());
    EXPECT_EQ(wrong_, 0u);
  }

  std::optional<SwapDevice> device_;
  Fd object_;
  char* memory_ = nullptr;
  std::vector<std::unique_ptr<Storm>> storms_;
  std::array<std::array<uint64_t, 8>, 4> counts_ = {};
  uint64_t wrong_ = 0;
  std::optional<uint32_t> type_;
};

// Ten thousand at least, and for long enough that the children had their turns.
TEST_F(WalkStormTest, NoWalkSeesWhatNeverWas) {
  auto walker = PageCacheWalker::Load(1);
  ASSERT_TRUE(walker.ok()) << walker.status();
  PageCacheReader reader(**walker, 0, SpecialSwapTypes());
  const SharedObject object(UniqueFd(dup(object_.get())), SharedObject::Kind::kTmpfs);
  StartStorms();
  std::vector<PageRecord> records(kPages);
  const absl::Time end = absl::Now() + absl::Seconds(30);
  uint64_t walks = 0;
  for (; walks < 10000 || absl::Now() < end; ++walks) {
    // From anywhere, every other time.
    const uint64_t first = walks % 2 == 0 ? 0 : walks * 77 % kPages;
    std::fill(records.begin(), records.end(), PageRecord());
    const absl::Status walked =
        reader.Resolve(object, first, absl::MakeSpan(records).subspan(0, kPages - first));
    ASSERT_TRUE(walked.ok()) << walked;
    for (uint64_t i = first; i < kPages; ++i) {
      const PageRecord record = records[i - first];
      const PageState state = record.state();
      const PageFlags flags = state == PageState::kCached || state == PageState::kSwapped
                                  ? PageFlags{kFlagFile}
                                  : PageFlags{0};
      const bool well_formed = record.source() == PageSource::kBpf && record.flags() == flags &&
                               record.has_location() == (state == PageState::kSwapped) &&
                               state != PageState::kUnsettled && state != PageState::kMapped;
      if (!well_formed && ++wrong_ <= 10) {
        ADD_FAILURE() << "page " << i << absl::StrFormat(": record %#x", record.bits());
      }
      Count(i, static_cast<v1::PageState>(state), absl::StrFormat("%#x", record.bits()));
      if (state == PageState::kSwapped) CheckSlot(i, record.swap().type, record.swap().offset);
    }
    // What is skipped is told to be holes, by whole leaves.
    constexpr uint64_t kFirst = 2048, kEnd = 3072;
    static_assert(kFirst > kNever.first && kEnd < kNever.end);
    const auto skipped = reader.SkipHoles(object, kFirst, kPages);
    ASSERT_TRUE(skipped.ok()) << skipped.status();
    ASSERT_GE(*skipped, kEnd);
    const auto at_once = reader.SkipHoles(object, walks % kKept.end, kPages);
    ASSERT_TRUE(at_once.ok()) << at_once.status();
    ASSERT_EQ(*at_once, walks % kKept.end);
  }
  printf("%lu walks of up to %lu pages\n", walks, kPages);
  PrintCounts("walks");
}

TEST_F(WalkStormTest, NoAnswerTellsWhatNeverWas) {
  absl::StatusOr<DaemonProcess> daemon = DaemonProcess::Start({});
  ASSERT_TRUE(daemon.ok()) << daemon.status();
  // Before gRPC has threads here.
  StartStorms();
  auto stub = NewStub(daemon->address());
  const uint64_t address = reinterpret_cast<uint64_t>(memory_);
  constexpr int kQueries = 600;
  for (int query = 0; query < kQueries; ++query) {
    const v1::View view = query % 3 == 0 ? v1::VIEW_PROCESS : v1::VIEW_OBJECT;
    const bool by_object = query % 3 == 2;
    v1::QueryPagesRequest request =
        QueryOf(storms_[query / 3 % 2]->pid(), {{by_object ? 0 : address, kPages}}, view,
                query % 2 == 0 ? v1::FORMAT_PACKED : v1::FORMAT_EXTENTS,
                {v1::PAGE_FIELD_LOCATION, v1::PAGE_FIELD_FLAGS, v1::PAGE_FIELD_SOURCE});
    if (query % 5 == 0) request.add_fields(v1::PAGE_FIELD_SWAP_CACHE);
    if (by_object) request.mutable_targets(0)->set_object_address(address);
    PagesAnswer answer = QueryAll(*stub, request);
    ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
    ASSERT_EQ(answer.ends.size(), 1u);
    ASSERT_FALSE(answer.ends[0].has_error()) << answer.ends[0].error().message();
    PageReport report(by_object ? 0 : address, kPages);
    for (const v1::PageChunk& chunk : answer.chunks) {
      const absl::Status added = report.Add(chunk);
      ASSERT_TRUE(added.ok()) << added;
    }
    for (uint64_t i = 0; i < kPages; ++i) {
      const ReportedPage& page = report.pages()[i];
      Count(i, page.state,
            absl::StrFormat("%s by source %d in query %d", v1::PageState_Name(page.state),
                            page.source, query));
      if (page.has_slot) CheckSlot(i, page.swap_type, page.swap_offset);
      const bool well_formed = page.has_slot == (page.state == v1::PAGE_STATE_SWAPPED) &&
                               page.has_pfn == (page.state == v1::PAGE_STATE_MAPPED) &&
                               (page.state != v1::PAGE_STATE_MAPPED || view == v1::VIEW_PROCESS);
      if (!well_formed && ++wrong_ <= 10) {
        ADD_FAILURE() << "page " << i << " is malformed: state " << page.state << " flags "
                      << page.flags;
      }
    }
  }
  PrintCounts(absl::StrCat(kQueries, " queries").c_str());
}

}  // namespace
}  // namespace pagemapd
