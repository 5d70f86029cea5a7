#include "daemon/sys/process_madvise.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vector>

#include "daemon/page/page_size.h"
#include "daemon/sys/forked_child.h"
#include "daemon/sys/pidfd.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

// MADV_COLD (Linux 5.4), which changes nothing that can be seen.
constexpr int kMadvCold = 20;

// Pages that this process and its children have, the last of them unmapped.
class ProcessMadviseTest : public testing::Test {
 protected:
  ProcessMadviseTest() {
    memory_ = static_cast<char*>(mmap(nullptr, kPages * kPageSizeBytes, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    munmap(memory_ + kMapped * kPageSizeBytes, (kPages - kMapped) * kPageSizeBytes);
  }
  ~ProcessMadviseTest() override { munmap(memory_, kMapped * kPageSizeBytes); }

  iovec Pages(size_t first, size_t count) const {
    return {memory_ + first * kPageSizeBytes, count * kPageSizeBytes};
  }

  static constexpr size_t kPages = 16;
  static constexpr size_t kMapped = 8;
  char* memory_;
};

TEST_F(ProcessMadviseTest, AdvisesAnotherProcess) {
  const ForkedChild child(PauseForever);
  const auto pidfd = OpenPidfd(child.pid());
  ASSERT_TRUE(pidfd.ok()) << pidfd.status();
  const std::vector<iovec> ranges = {Pages(0, 2), Pages(4, 1)};
  const ProcessMadviseResult result = ProcessMadvise(*pidfd, ranges, kMadvCold);
  EXPECT_EQ(result.error, 0);
  EXPECT_EQ(result.advised_bytes, 3 * kPageSizeBytes);
}

TEST_F(ProcessMadviseTest, ReturnsShortBeforeARangeThatFails) {
  const ForkedChild child(PauseForever);
  const auto pidfd = OpenPidfd(child.pid());
  ASSERT_TRUE(pidfd.ok()) << pidfd.status();
  const std::vector<iovec> ranges = {Pages(0, 2), Pages(kMapped - 1, 2), Pages(3, 1)};
  ProcessMadviseResult result = ProcessMadvise(*pidfd, ranges, kMadvCold);
  EXPECT_EQ(result.error, 0);
  EXPECT_EQ(result.advised_bytes, 2 * kPageSizeBytes);

  result = ProcessMadvise(*pidfd, absl::MakeSpan(ranges).subspan(1), kMadvCold);
  EXPECT_EQ(result.error, ENOMEM);
  EXPECT_EQ(result.advised_bytes, 0);
}

TEST_F(ProcessMadviseTest, RefusesLockedMemory) {
  const iovec locked = Pages(2, 1);
  // By system call: sanitizers make the function do nothing.
  const ForkedChild child = ForkedChild::Prepared(
      [locked] { return syscall(SYS_mlock, locked.iov_base, locked.iov_len) == 0; });
  const auto pidfd = OpenPidfd(child.pid());
  ASSERT_TRUE(pidfd.ok()) << pidfd.status();
  const std::vector<iovec> ranges = {locked};
  const ProcessMadviseResult result = ProcessMadvise(*pidfd, ranges, kMadvCold);
  EXPECT_EQ(result.error, EINVAL);
}

TEST_F(ProcessMadviseTest, TellsThatTheProcessIsGone) {
  ForkedChild child([] { return 0; });
  const auto pidfd = OpenPidfd(child.pid());
  ASSERT_TRUE(pidfd.ok()) << pidfd.status();
  child.Reap();
  const std::vector<iovec> ranges = {Pages(0, 1)};
  EXPECT_EQ(ProcessMadvise(*pidfd, ranges, kMadvCold).error, ESRCH);
}

TEST_F(ProcessMadviseTest, RefusesMoreRangesThanTheKernelTakes) {
  const auto pidfd = OpenPidfd(getpid());
  ASSERT_TRUE(pidfd.ok()) << pidfd.status();
  std::vector<iovec> ranges(kMaxAdvisedRanges, Pages(0, 1));
  EXPECT_EQ(ProcessMadvise(*pidfd, ranges, kMadvCold).advised_bytes,
            kMaxAdvisedRanges * kPageSizeBytes);
  ranges.push_back(Pages(0, 1));
  EXPECT_EQ(ProcessMadvise(*pidfd, ranges, kMadvCold).error, EINVAL);
}

TEST(HasProcessPageOutTest, ThisKernelHasIt) { EXPECT_TRUE(HasProcessPageOut()); }

}  // namespace
}  // namespace pagemapd
