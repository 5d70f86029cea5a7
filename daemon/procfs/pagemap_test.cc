#include "daemon/procfs/pagemap.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "daemon/page/page_size.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/procfs/scratch_root.h"
#include "daemon/sys/forked_child.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using ::testing::ElementsAre;

constexpr uint64_t kPresent = uint64_t{1} << 63;
constexpr uint64_t kFourLevelEnd = 0x7ffffffff000;
constexpr uint64_t kFiveLevelEnd = 0xfffffffffff000;

absl::string_view BytesOf(const std::vector<uint64_t>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(uint64_t)};
}

std::vector<uint64_t> Read(const Pagemap& pagemap, uint64_t address, size_t pages) {
  std::vector<uint64_t> entries(pages, 0xdeadbeef);
  const auto got = pagemap.Read(address, absl::MakeSpan(entries));
  EXPECT_TRUE(got.ok()) << got.status();
  entries.resize(got.ok() ? *got : 0);
  return entries;
}

Pagemap OpenPagemapOf(pid_t pid) {
  const auto process = Process::Open(ProcRoot(), pid, 0);
  EXPECT_TRUE(process.ok()) << process.status();
  auto pagemap = Pagemap::Open(*process);
  EXPECT_TRUE(pagemap.ok()) << pagemap.status();
  return *std::move(pagemap);
}

TEST(PagemapTest, ReadsTheEntryOfThePage) {
  const Pagemap pagemap(OpenHolding(BytesOf({10, 11, 12, 13, 14})), "SHOWN");
  EXPECT_THAT(Read(pagemap, 0, 2), ElementsAre(10, 11));
  EXPECT_THAT(Read(pagemap, 3 * kPageSizeBytes, 1), ElementsAre(13));
  EXPECT_THAT(Read(pagemap, 3 * kPageSizeBytes, 0), ElementsAre());
}

TEST(PagemapTest, EndsWhereTheFileEnds) {
  std::vector<uint64_t> values = {10, 11, 12};
  const Pagemap pagemap(OpenHolding(BytesOf(values)), "SHOWN");
  EXPECT_THAT(Read(pagemap, kPageSizeBytes, 100), ElementsAre(11, 12));
  EXPECT_THAT(Read(pagemap, 3 * kPageSizeBytes, 1), ElementsAre());
  // Half an entry is none.
  const Pagemap torn(OpenHolding(BytesOf(values).substr(0, 20)), "SHOWN");
  EXPECT_THAT(Read(torn, 0, 3), ElementsAre(10, 11));
}

TEST(PagemapTest, ReportsAFailedRead) {
  const Pagemap pagemap(UniqueFd(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), "SHOWN");
  uint64_t entry;
  EXPECT_EQ(pagemap.Read(0x5000, absl::MakeSpan(&entry, 1)).status().message(),
            "pread SHOWN at 0x5000: EISDIR");
}

TEST(PagemapTest, SeesOwnTouchedPages) {
  constexpr size_t kPages = 4;
  char* const at = static_cast<char*>(mmap(nullptr, kPages * kPageSizeBytes, PROT_READ | PROT_WRITE,
                                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(at, MAP_FAILED);
  madvise(at, kPages * kPageSizeBytes, MADV_NOHUGEPAGE);
  at[0] = 1;
  at[2 * kPageSizeBytes] = 1;
  const auto entries = Read(OpenPagemapOf(getpid()), reinterpret_cast<uintptr_t>(at), kPages);
  ASSERT_EQ(entries.size(), kPages);
  for (size_t i = 0; i < kPages; ++i) EXPECT_EQ((entries[i] & kPresent) != 0, i % 2 == 0) << i;
  munmap(at, kPages * kPageSizeBytes);
}

TEST(PagemapTest, TakesShortReadsUpAgain) {
  // More entries than the kernel gathers at once.
  constexpr size_t kPages = 300000;
  char* const at = static_cast<char*>(mmap(nullptr, kPages * kPageSizeBytes, PROT_READ | PROT_WRITE,
                                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  ASSERT_NE(at, MAP_FAILED);
  madvise(at, kPages * kPageSizeBytes, MADV_NOHUGEPAGE);
  at[(kPages - 1) * kPageSizeBytes] = 1;
  const auto entries = Read(OpenPagemapOf(getpid()), reinterpret_cast<uintptr_t>(at), kPages);
  ASSERT_EQ(entries.size(), kPages);
  EXPECT_EQ(entries[kPages - 2], 0u);
  EXPECT_TRUE(entries[kPages - 1] & kPresent);
  munmap(at, kPages * kPageSizeBytes);
}

TEST(PagemapTest, EndsWithTheUserAddressSpace) {
  const Pagemap pagemap = OpenPagemapOf(getpid());
  const bool five_level = !Read(pagemap, kFourLevelEnd, 1).empty();
  const uint64_t end = five_level ? kFiveLevelEnd : kFourLevelEnd;
  EXPECT_EQ(Read(pagemap, end - 3 * kPageSizeBytes, 100).size(), 3u);
  for (const uint64_t beyond :
       {end, end + kPageSizeBytes, uint64_t{1} << 56, uint64_t{0xffff800000000000},
        uint64_t{0xffffffffff600000}, kMaxAddress}) {
    EXPECT_EQ(Read(pagemap, beyond, 16).size(), 0u) << std::hex << beyond;
  }
}

TEST(PagemapTest, ReadsNothingAfterExit) {
  ForkedChild child(PauseForever);
  const auto at = reinterpret_cast<uintptr_t>(&kPresent) & ~(kPageSizeBytes - 1);
  const Pagemap pagemap = OpenPagemapOf(child.pid());
  EXPECT_EQ(Read(pagemap, at, 1).size(), 1u);
  kill(child.pid(), SIGKILL);
  child.AwaitZombie();
  EXPECT_EQ(Read(pagemap, at, 1).size(), 0u);
  child.Reap();
  EXPECT_EQ(Read(pagemap, at, 1).size(), 0u);
}

TEST(PagemapTest, ReadsNothingOfTheNextAddressSpaceAfterExec) {
  int go[2];
  int gone[2];
  ASSERT_EQ(pipe2(go, O_CLOEXEC), 0);
  ASSERT_EQ(pipe2(gone, O_CLOEXEC), 0);
  ForkedChild child([&] {
    char byte;
    if (read(go[0], &byte, 1) != 1) return 1;
    execl("/bin/sleep", "sleep", "1000", nullptr);
    return 1;
  });
  close(gone[1]);
  const auto at = reinterpret_cast<uintptr_t>(&kPresent) & ~(kPageSizeBytes - 1);
  const Pagemap pagemap = OpenPagemapOf(child.pid());
  EXPECT_EQ(Read(pagemap, at, 1).size(), 1u);
  ASSERT_EQ(write(go[1], "g", 1), 1);
  char byte;
  ASSERT_EQ(read(gone[0], &byte, 1), 0);  // Closed by exec.
  EXPECT_EQ(Read(pagemap, at, 1).size(), 0u);
  for (const int fd : {go[0], go[1], gone[0]}) close(fd);
}

}  // namespace
}  // namespace pagemapd
