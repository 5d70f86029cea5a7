// The reader of /proc/swaps against the live kernel, with a swap file of its own.
#include <fcntl.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "daemon/page/page_size.h"
#include "daemon/procfs/scratch_root.h"
#include "daemon/procfs/swaps.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPages = 64;
constexpr char kUuidText[] = "00010203-0405-0607-0809-0a0b0c0d0e0f";

// A swap file in use, at the lowest priority there is. Taken out of use and removed at the end,
// by a process of its own that sees the end even if this one crashes or is killed.
class SwapFile {
 public:
  explicit SwapFile(const std::string& path) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    cleaner_ = fork();
    if (cleaner_ == 0) {
      setsid();
      close(ends[1]);
      char byte;
      while (read(ends[0], &byte, 1) != 0 && errno == EINTR) {
      }
      // EINVAL: it never came into use.
      const bool off = swapoff(path.c_str()) == 0 || errno == EINVAL;
      _exit(off && unlink(path.c_str()) == 0 ? 0 : 1);
    }
    close(ends[0]);
    alive_ = UniqueFd(ends[1]);

    std::string bytes(kPages * kPageSizeBytes, '\0');
    const uint32_t info[] = {1, kPages - 1, 0};
    memcpy(&bytes[1024], info, sizeof(info));
    for (int i = 0; i < 16; ++i) bytes[1036 + i] = static_cast<char>(i);
    bytes.replace(1052, 9, "live test");
    bytes.replace(kPageSizeBytes - 10, 10, "SWAPSPACE2");
    const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    EXPECT_EQ(write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    EXPECT_EQ(fsync(fd.get()), 0);
    EXPECT_EQ(swapon(path.c_str(), 0), 0) << strerror(errno);
  }
  ~SwapFile() {
    alive_ = UniqueFd();
    int status = -1;
    waitpid(cleaner_, &status, 0);
    EXPECT_EQ(status, 0) << "the swap file was not removed";
  }

 private:
  pid_t cleaner_;
  UniqueFd alive_;
};

std::vector<SwapArea> AreasAt(const std::string& path) {
  const auto areas = ReadSwaps(ProcRoot());
  EXPECT_TRUE(areas.ok()) << areas.status();
  std::vector<SwapArea> found;
  for (const SwapArea& area : areas.value()) {
    if (area.path == path) found.push_back(area);
  }
  return found;
}

TEST(SwapsLiveTest, FindsASwapFileWithAnAwkwardName) {
  const ScratchRoot scratch;
  const std::string path = scratch.path() + "/a b\tc\nd\\040e";
  {
    const SwapFile file(path);
    const std::vector<SwapArea> areas = AreasAt(path);
    ASSERT_EQ(areas.size(), 1u);
    EXPECT_TRUE(areas[0].is_file);
    EXPECT_EQ(areas[0].size_bytes, (kPages - 1) * kPageSizeBytes);
    EXPECT_LE(areas[0].used_bytes, areas[0].size_bytes);
    EXPECT_LT(areas[0].priority, 0);

    std::string page(kPageSizeBytes, '\0');
    const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(read(fd.get(), page.data(), page.size()), static_cast<ssize_t>(page.size()));
    const auto header = ParseSwapHeader(page);
    ASSERT_TRUE(header.has_value());
    EXPECT_EQ(header->uuid, kUuidText);
    EXPECT_EQ(header->label, "live test");
  }
  EXPECT_TRUE(AreasAt(path).empty());
}

}  // namespace
}  // namespace pagemapd
