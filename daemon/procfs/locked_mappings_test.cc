#include "daemon/procfs/locked_mappings.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/page/page_size.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/sys/forked_child.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

// Three pages with a child of its own that locked some: neither this process's locked memory nor
// another test's matters.
class LockedMappingsTest : public testing::Test {
 protected:
  LockedMappingsTest()
      : memory_(static_cast<char*>(mmap(nullptr, 3 * kPageSizeBytes, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {}
  ~LockedMappingsTest() override { munmap(memory_, 3 * kPageSizeBytes); }

  PageRange Pages(uint64_t first, uint64_t count) const {
    const uint64_t start = reinterpret_cast<uint64_t>(memory_) + first * kPageSizeBytes;
    return {start, start + count * kPageSizeBytes};
  }

  static LockedMappings OpenOf(const ForkedChild& child) {
    const auto process = Process::Open(ProcRoot(), child.pid(), 0);
    EXPECT_TRUE(process.ok()) << process.status();
    auto locked = LockedMappings::Open(*process);
    EXPECT_TRUE(locked.ok()) << locked.status();
    return *std::move(locked);
  }

  static bool AnyIn(LockedMappings& locked, const PageRange& range) {
    const auto any = locked.AnyIn(range);
    EXPECT_TRUE(any.ok()) << any.status();
    return *any;
  }

  char* const memory_;
};

TEST_F(LockedMappingsTest, FindsWhatIsLocked) {
  // Sanitizers make the function do nothing.
  const ForkedChild child = ForkedChild::Prepared(
      [&] { return syscall(SYS_mlock, memory_ + kPageSizeBytes, kPageSizeBytes) == 0; });
  LockedMappings locked = OpenOf(child);
  EXPECT_FALSE(AnyIn(locked, Pages(0, 1)));
  EXPECT_TRUE(AnyIn(locked, Pages(0, 3)));
  EXPECT_TRUE(AnyIn(locked, Pages(1, 1)));
  EXPECT_TRUE(AnyIn(locked, Pages(1, 2)));
  EXPECT_FALSE(AnyIn(locked, Pages(2, 1)));
  EXPECT_FALSE(AnyIn(locked, {uint64_t{1} << 56, uint64_t{1} << 57}));
  EXPECT_FALSE(AnyIn(locked, {uint64_t{1} << 56, uint64_t{1} << 57}));
}

TEST_F(LockedMappingsTest, FindsNothingWhereNothingIs) {
  const ForkedChild child = ForkedChild::Prepared([] { return munlockall() == 0; });
  LockedMappings locked = OpenOf(child);
  EXPECT_FALSE(AnyIn(locked, {0, uint64_t{1} << 57}));
}

TEST_F(LockedMappingsTest, TakesALockThatWaitsForTheFirstTouch) {
  const ForkedChild child = ForkedChild::Prepared(
      [&] { return mlock2(memory_, 3 * kPageSizeBytes, MLOCK_ONFAULT) == 0; });
  LockedMappings locked = OpenOf(child);
  EXPECT_TRUE(AnyIn(locked, Pages(2, 1)));
}

TEST_F(LockedMappingsTest, TellsThatTheProcessIsGone) {
  ForkedChild child = ForkedChild::Prepared([] { return true; });
  const auto process = Process::Open(ProcRoot(), child.pid(), 0);
  ASSERT_TRUE(process.ok()) << process.status();
  kill(child.pid(), SIGKILL);
  child.Reap();
  EXPECT_EQ(LockedMappings::Open(*process).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace pagemapd
