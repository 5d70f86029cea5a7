#include "daemon/reclaim/advised_pages.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/page/page_size.h"
#include "daemon/sys/forked_child.h"
#include "daemon/sys/pidfd.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

constexpr uid_t kNobody = 65534;

bool Never() { return false; }

// Clean pages of a file on disk, mapped by a child alone: what MADV_PAGEOUT drops without swap.
class AdvisedPagesTest : public testing::Test {
 protected:
  static constexpr uint64_t kPages = 3 * AdvisedPages::kMaxAdvisedPages;

  AdvisedPagesTest() : file_(tmpfile()) {
    EXPECT_EQ(ftruncate(fileno(file_), kPages * kPageSizeBytes), 0);
    memory_ = static_cast<char*>(
        mmap(nullptr, kPages * kPageSizeBytes, PROT_READ, MAP_SHARED, fileno(file_), 0));
    child_.emplace(ForkedChild::Prepared([&] {
      // Nothing is read ahead, so that each page is a folio of its own.
      if (madvise(memory_, kPages * kPageSizeBytes, MADV_RANDOM) != 0) return false;
      for (uint64_t page = 0; page < kPages; ++page) {
        static_cast<void>(static_cast<volatile char*>(memory_)[page * kPageSizeBytes]);
      }
      return true;
    }));
    auto pidfd = OpenPidfd(child_->pid());
    EXPECT_TRUE(pidfd.ok()) << pidfd.status();
    pidfd_ = *std::move(pidfd);
  }
  ~AdvisedPagesTest() override {
    munmap(memory_, kPages * kPageSizeBytes);
    fclose(file_);
  }

  PageRange Pages(uint64_t first, uint64_t count) const {
    const uint64_t start = reinterpret_cast<uint64_t>(memory_) + first * kPageSizeBytes;
    return {start, start + count * kPageSizeBytes};
  }

  uint64_t InRam(uint64_t first, uint64_t count) const {
    std::vector<unsigned char> in_ram(count);
    EXPECT_EQ(mincore(memory_ + first * kPageSizeBytes, count * kPageSizeBytes, in_ram.data()), 0);
    uint64_t pages = 0;
    for (const unsigned char page : in_ram) pages += page & 1;
    return pages;
  }

  FILE* file_;
  char* memory_;
  std::optional<ForkedChild> child_;
  UniqueFd pidfd_;
  AdvisedPages advised_;
};

TEST_F(AdvisedPagesTest, TakesMoreRangesThanOneCallDoes) {
  for (uint64_t page = 0; page < 2 * 2500; page += 2) advised_.Add(Pages(page, 1));
  EXPECT_EQ(advised_.PageOut(pidfd_, std::nullopt, Never), absl::OkStatus());
  uint64_t out = 0;
  for (uint64_t page = 0; page < 2 * 2500; page += 2) out += 1 - InRam(page, 1);
  // What waits in another CPU's batch stays.
  EXPECT_GE(out, 2400u);
  EXPECT_GE(InRam(2 * 2500, 1000), 990u);
}

TEST_F(AdvisedPagesTest, TakesMorePagesThanOneCallDoes) {
  // In two pieces that become one.
  advised_.Add(Pages(0, 100));
  advised_.Add(Pages(100, kPages - 100));
  EXPECT_EQ(advised_.left_from(), Pages(0, 1).start);
  EXPECT_EQ(advised_.PageOut(pidfd_, std::nullopt, Never), absl::OkStatus());
  EXPECT_EQ(advised_.left_from(), std::numeric_limits<uint64_t>::max());
  EXPECT_LE(InRam(0, kPages), kPages / 100);
}

TEST_F(AdvisedPagesTest, PassesOverWhatTheKernelWillNotHave) {
  advised_.Add({0x1000, 0x2000});
  advised_.Add(Pages(0, 64));
  // No address at all: the kernel refuses the call as a whole.
  advised_.Add({uint64_t{1} << 56, (uint64_t{1} << 56) + kPageSizeBytes});
  advised_.Add(Pages(64, 64));
  EXPECT_EQ(advised_.PageOut(pidfd_, std::nullopt, Never), absl::OkStatus());
  EXPECT_LE(InRam(0, 128), 62u);
}

TEST_F(AdvisedPagesTest, StopsBetweenTwoCalls) {
  advised_.Add(Pages(0, kPages));
  int calls = 0;
  EXPECT_EQ(advised_.PageOut(pidfd_, std::nullopt, [&] { return ++calls > 1; }).code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(advised_.left_from(), Pages(AdvisedPages::kMaxAdvisedPages, 1).start);
  EXPECT_GE(InRam(AdvisedPages::kMaxAdvisedPages, 1000), 990u);
}

TEST_F(AdvisedPagesTest, InTheNameOfAUserTakesNoOthersFile) {
  advised_.Add(Pages(0, 64));
  EXPECT_EQ(advised_.PageOut(pidfd_, kNobody, Never), absl::OkStatus());
  EXPECT_EQ(InRam(0, 64), 64u);
  ASSERT_EQ(fchown(fileno(file_), kNobody, kNobody), 0);
  advised_.Clear();
  advised_.Add(Pages(0, 64));
  EXPECT_EQ(advised_.PageOut(pidfd_, kNobody, Never), absl::OkStatus());
  EXPECT_LE(InRam(0, 64), 31u);
}

TEST_F(AdvisedPagesTest, TellsThatTheProcessIsGone) {
  kill(child_->pid(), SIGKILL);
  child_->Reap();
  advised_.Add(Pages(0, 1));
  EXPECT_EQ(advised_.PageOut(pidfd_, std::nullopt, Never).code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace pagemapd
