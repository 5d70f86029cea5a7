// The readers of maps and smaps against the live kernel.
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "daemon/procfs/maps.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/sys/forked_child.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using ::testing::Contains;

struct Source {
  const char* file;
  MapsReader::Format format;
};
constexpr Source kSources[] = {{"maps", MapsReader::Format::kMaps},
                               {"smaps", MapsReader::Format::kSmaps}};

// All VMAs of a process, in order and without overlap.
std::vector<Vma> Read(pid_t pid, const Source& source) {
  auto fd = ProcRoot().Open(absl::StrCat(pid, "/", source.file));
  EXPECT_TRUE(fd.ok()) << fd.status();
  std::vector<Vma> vmas;
  if (!fd.ok()) return vmas;
  MapsReader reader(*std::move(fd), source.format, source.file);
  Vma vma;
  uint64_t previous_end = 0;
  while (true) {
    const auto more = reader.Next(&vma);
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) return vmas;
    EXPECT_GE(vma.range.start, previous_end);
    EXPECT_GT(vma.range.end, vma.range.start);
    previous_end = vma.range.end;
    vmas.push_back(vma);
  }
}

std::optional<Vma> FindVma(const std::vector<Vma>& vmas, const void* at) {
  for (const Vma& vma : vmas) {
    if (vma.range.Contains(reinterpret_cast<uintptr_t>(at))) return vma;
  }
  return std::nullopt;
}

TEST(MapsLiveTest, FindsAKnownMapping) {
  // A name with all that could mislead: a newline, spaces, an escape, a suffix.
  const UniqueFd memfd(memfd_create("a\nb  \\040 (deleted)", MFD_CLOEXEC));
  struct stat file;
  ASSERT_EQ(ftruncate(memfd.get(), 8 * kPageSizeBytes), 0);
  ASSERT_EQ(fstat(memfd.get(), &file), 0);
  void* const at = mmap(nullptr, 4 * kPageSizeBytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                        memfd.get(), 3 * kPageSizeBytes);
  ASSERT_NE(at, MAP_FAILED);
  for (const Source& source : kSources) {
    const auto vma = FindVma(Read(getpid(), source), at);
    ASSERT_TRUE(vma.has_value());
    EXPECT_EQ(vma->range.start, reinterpret_cast<uintptr_t>(at));
    EXPECT_EQ(vma->range.Pages(), 4u);
    EXPECT_TRUE(vma->readable && vma->writable && vma->shared);
    EXPECT_FALSE(vma->executable);
    EXPECT_EQ(vma->offset_bytes, 3 * kPageSizeBytes);
    EXPECT_EQ(vma->device, (DeviceNumber{major(file.st_dev), minor(file.st_dev)}));
    EXPECT_EQ(vma->inode, file.st_ino);
    EXPECT_EQ(vma->path, "/memfd:a\nb  \\040 (deleted) (deleted)");
  }
  munmap(at, 4 * kPageSizeBytes);
}

TEST(MapsLiveTest, FindsFlagsInSmapsAlone) {
  void* const at =
      mmap(nullptr, 64 * kPageSizeBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(at, MAP_FAILED);
  ASSERT_EQ(madvise(at, 64 * kPageSizeBytes, MADV_MERGEABLE), 0);
  const auto smaps = FindVma(Read(getpid(), kSources[1]), at);
  ASSERT_TRUE(smaps.has_value());
  const std::vector<std::string> flags = absl::StrSplit(smaps->vm_flags, ' ');
  EXPECT_THAT(flags, Contains("mg"));
  EXPECT_THAT(flags, Contains("rd"));
  for (const std::string& flag : flags) EXPECT_EQ(flag.size(), 2u);
  const auto maps = FindVma(Read(getpid(), kSources[0]), at);
  ASSERT_TRUE(maps.has_value());
  EXPECT_EQ(maps->vm_flags, "");
  munmap(at, 64 * kPageSizeBytes);
}

TEST(MapsLiveTest, ReadsEveryProcess) {
  // Whatever runs here: every line of each must parse.
  size_t processes = 0;
  for (pid_t pid = 1; pid < 100000 && processes < 200; ++pid) {
    const std::string maps = absl::StrCat("/proc/", pid, "/maps");
    if (access(maps.c_str(), R_OK) != 0) continue;
    auto fd = ProcRoot().Open(absl::StrCat(pid, "/maps"));
    if (!fd.ok()) continue;  // It exited, or is a kernel thread.
    MapsReader reader(*std::move(fd), MapsReader::Format::kMaps, maps);
    Vma vma;
    absl::StatusOr<bool> more = true;
    while (more.ok() && *more) more = reader.Next(&vma);
    EXPECT_NE(more.status().code(), absl::StatusCode::kDataLoss) << more.status();
    ++processes;
  }
  EXPECT_GE(processes, 2u);  // This one and its parent.
}

TEST(MapsLiveTest, StaysInOrderWhileVmasMergeAndSplit) {
  // Lines enough for hundreds of read calls, between which VMAs merge.
  constexpr uint64_t kVmas = 1000;
  constexpr uint64_t kBytes = kVmas * 2 * kPageSizeBytes;
  char* const at =
      static_cast<char*>(mmap(nullptr, kBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(at, MAP_FAILED);
  ForkedChild child([at] {
    while (true) {
      for (uint64_t i = 0; i < kVmas; ++i) {
        mprotect(at + i * 2 * kPageSizeBytes, kPageSizeBytes, PROT_READ | PROT_WRITE);
      }
      mprotect(at, kBytes, PROT_READ);
    }
    return 0;
  });
  for (int round = 0; round < 100; ++round) {
    for (const Source& source : kSources) {
      const std::vector<Vma> vmas = Read(child.pid(), source);
      ASSERT_FALSE(HasFailure()) << "round " << round;
      // The mapping is there all the time: every page of it must be in some VMA.
      uint64_t covered = 0;
      for (const Vma& vma : vmas) {
        const auto start = reinterpret_cast<uintptr_t>(at);
        covered += Intersect(vma.range, {start, start + kBytes}).Pages();
      }
      ASSERT_EQ(covered, kBytes / kPageSizeBytes);
    }
  }
  munmap(at, kBytes);
}

}  // namespace
}  // namespace pagemapd
