#include "daemon/reclaim/mapping_watch.h"

#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "daemon/page/page_size.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/query/mapped_ranges.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPages = 8;

// A mapping of a memfd in this process, which the test changes.
class MappingWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    fd_ = memfd_create("pagemapd-test", MFD_CLOEXEC);
    ASSERT_EQ(ftruncate(fd_, 2 * kPages * kPageSizeBytes), 0);
    memory_ = static_cast<char*>(
        mmap(nullptr, kPages * kPageSizeBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0));
    auto process = Process::Open(ProcRoot(), getpid(), 0);
    ASSERT_TRUE(process.ok()) << process.status();
    process_ = std::make_shared<const Process>(*std::move(process));
    const PageRange ranges[] = {Pages(0, kPages)};
    auto mapped = MappedRanges::Open(*process_, ranges);
    ASSERT_TRUE(mapped.ok()) << mapped.status();
    Vma vma;
    PageRange cut;
    ASSERT_TRUE(mapped->Next(&vma, &cut).value());
    segment_.emplace(process_, vma, cut, MappingClassifier::Class(), std::nullopt);
    watch_.Begin(*segment_);
  }
  void TearDown() override {
    munmap(memory_, kPages * kPageSizeBytes);
    close(fd_);
  }

  PageRange Pages(uint64_t first, uint64_t count) const {
    const uint64_t start = reinterpret_cast<uint64_t>(memory_) + first * kPageSizeBytes;
    return {start, start + count * kPageSizeBytes};
  }
  void Map(uint64_t first, uint64_t count, int flags, int fd, uint64_t offset_pages) {
    ASSERT_NE(mmap(memory_ + first * kPageSizeBytes, count * kPageSizeBytes, PROT_READ | PROT_WRITE,
                   flags | MAP_FIXED, fd, static_cast<off_t>(offset_pages * kPageSizeBytes)),
              MAP_FAILED);
  }

  // Looks when what was seen holds no more. A letter a page: whether the mapping holds there.
  std::string Look() {
    constexpr struct timespec kPast = {0, 2 * MappingWatch::kHoldsNanoseconds};
    nanosleep(&kPast, nullptr);
    const absl::Status status = watch_.Look(*process_, Pages(0, kPages));
    EXPECT_TRUE(status.ok()) << status;
    std::string text;
    for (uint64_t page = 0; page < kPages; ++page) {
      text += watch_.Holds(Pages(page, 1).start) ? 'y' : '-';
    }
    return text;
  }

  int fd_ = -1;
  char* memory_ = nullptr;
  std::shared_ptr<const Process> process_;
  std::optional<Segment> segment_;
  MappingWatch watch_;
};

TEST_F(MappingWatchTest, HoldsWhileItIsTheSame) {
  EXPECT_EQ(Look(), "yyyyyyyy");
  // In three VMAs, of the same object.
  ASSERT_EQ(mprotect(memory_ + 2 * kPageSizeBytes, kPageSizeBytes, PROT_READ), 0);
  EXPECT_EQ(Look(), "yyyyyyyy");
  // The same in another mapping of it.
  Map(4, 2, MAP_SHARED, fd_, 4);
  EXPECT_EQ(Look(), "yyyyyyyy");
}

TEST_F(MappingWatchTest, TellsWhereItIsAnother) {
  Map(1, 1, MAP_SHARED, fd_, kPages);
  EXPECT_EQ(Look(), "y-yyyyyy");
  Map(3, 1, MAP_PRIVATE, fd_, 3);
  EXPECT_EQ(Look(), "y-y-yyyy");
  Map(5, 1, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT_EQ(Look(), "y-y-y-yy");
  munmap(memory_ + 7 * kPageSizeBytes, kPageSizeBytes);
  EXPECT_EQ(Look(), "y-y-y-y-");
}

// However soon after.
TEST_F(MappingWatchTest, LooksEachTimeAtWhatHasChanged) {
  Map(0, kPages, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT_EQ(Look(), "--------");
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(watch_.Look(*process_, Pages(0, kPages)).ok());
    EXPECT_FALSE(watch_.Holds(Pages(0, 1).start));
  }
}

}  // namespace
}  // namespace pagemapd
