#include "daemon/shmem/shared_object.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "daemon/page/page_size.h"
#include "daemon/procfs/maps.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/procfs/process.h"
#include "daemon/sys/unique_fd.h"

// Of this process's own mappings, on the live kernel.

namespace pagemapd {
namespace {

class SharedObjectTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // Not a memfd: the kernel gives no write lease on one.
    file_ = UniqueFd(open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    ASSERT_EQ(ftruncate(file_.get(), kPageSizeBytes), 0);
    at_ = mmap(nullptr, kPageSizeBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
    ASSERT_NE(at_, MAP_FAILED);
    auto self = Process::Open(ProcRoot(), getpid(), 0);
    ASSERT_TRUE(self.ok()) << self.status();
    self_.emplace(*std::move(self));
    const uint64_t address = reinterpret_cast<uint64_t>(at_);
    absl::StatusOr<UniqueFd> maps = self_->Open("maps");
    ASSERT_TRUE(maps.ok()) << maps.status();
    MapsReader reader(*std::move(maps), MapsReader::Format::kMaps, "maps");
    while (!vma_.range.Contains(address)) {
      const absl::StatusOr<bool> more = reader.Next(&vma_);
      ASSERT_TRUE(more.ok() && *more) << more.status();
    }
  }
  void TearDown() override { munmap(at_, kPageSizeBytes); }

  UniqueFd file_;
  void* at_ = MAP_FAILED;
  std::optional<Process> self_;
  Vma vma_;
};

TEST_F(SharedObjectTest, IsTheOneThatIsMapped) {
  const auto object = SharedObject::Open(*self_, vma_, SharedObject::Kind::kTmpfs);
  ASSERT_TRUE(object.ok()) << object.status();
  EXPECT_EQ(*object->SizeBytes(), kPageSizeBytes);
  EXPECT_EQ(object->owner(), geteuid());
  const auto other = SharedObject::Open(*self_, vma_, SharedObject::Kind::kHugetlb);
  EXPECT_EQ(other.status().code(), absl::StatusCode::kFailedPrecondition) << other.status();
}

// Otherwise open(2) would wait for lease-break-time, 45 seconds.
TEST_F(SharedObjectTest, WhoHoldsALeaseIsNotWaitedFor) {
  // The lease is asked back by a signal that ends who does not expect it.
  const auto before = signal(SIGIO, SIG_IGN);
  const absl::Cleanup restore = [&] { signal(SIGIO, before); };
  ASSERT_EQ(fcntl(file_.get(), F_SETLEASE, F_WRLCK), 0);
  const auto object = SharedObject::Open(*self_, vma_, SharedObject::Kind::kTmpfs);
  EXPECT_EQ(object.status().code(), absl::StatusCode::kUnavailable) << object.status();
  ASSERT_EQ(fcntl(file_.get(), F_SETLEASE, F_UNLCK), 0);
  EXPECT_TRUE(SharedObject::Open(*self_, vma_, SharedObject::Kind::kTmpfs).ok());
}

}  // namespace
}  // namespace pagemapd
