#include "daemon/procfs/kpageflags.h"

#include <sys/mman.h>
#include <unistd.h>

#include <limits>
#include <vector>

#include "absl/strings/string_view.h"
#include "daemon/page/page_size.h"
#include "daemon/procfs/pagemap.h"
#include "daemon/procfs/process.h"
#include "daemon/procfs/scratch_root.h"
#include "daemon/sys/forked_child.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

constexpr uint64_t kKpfAnon = uint64_t{1} << 12;
constexpr uint64_t kNobody = 65534;

std::vector<uint64_t> Read(const KPageFlags& kpageflags, uint64_t pfn, size_t frames) {
  std::vector<uint64_t> flags(frames, 0xdeadbeef);
  const absl::Status status = kpageflags.Read(pfn, absl::MakeSpan(flags));
  EXPECT_TRUE(status.ok()) << status;
  return flags;
}

TEST(KPageFlagsTest, ReadsFramesAndFillsWhatIsNotThere) {
  const ScratchRoot scratch;
  const uint64_t frames[] = {kKpfKsm, kKpfThp | kKpfDirty, kKpfIdle};
  scratch.Write("kpageflags",
                absl::string_view(reinterpret_cast<const char*>(frames), sizeof(frames)));
  const auto kpageflags = KPageFlags::Open(scratch.root());
  ASSERT_TRUE(kpageflags.ok()) << kpageflags.status();
  EXPECT_THAT(Read(*kpageflags, 0, 3), ElementsAre(frames[0], frames[1], frames[2]));
  EXPECT_THAT(Read(*kpageflags, 1, 1), ElementsAre(frames[1]));
  EXPECT_THAT(Read(*kpageflags, 2, 3), ElementsAre(frames[2], kKpfNoPage, kKpfNoPage));
  EXPECT_THAT(Read(*kpageflags, 3, 2), Each(kKpfNoPage));
  EXPECT_THAT(Read(*kpageflags, 0, 0), ElementsAre());
}

TEST(KPageFlagsTest, SaysWhyItCannotOpen) {
  const ScratchRoot scratch;
  EXPECT_EQ(KPageFlags::Open(scratch.root()).status().code(), absl::StatusCode::kNotFound);
  ForkedChild child([] {
    if (setresuid(kNobody, kNobody, kNobody) != 0) return 1;
    return KPageFlags::Open(ProcRoot()).status().code() == absl::StatusCode::kPermissionDenied ? 0
                                                                                               : 2;
  });
  EXPECT_EQ(child.Reap(), 0);
}

class KPageFlagsLiveTest : public ::testing::Test {
 protected:
  // The flags of the frame behind one of this process's pages.
  uint64_t FlagsOf(const volatile void* page) {
    const auto process = Process::Open(ProcRoot(), getpid(), 0);
    const auto pagemap = Pagemap::Open(process.value());
    uint64_t entry = 0;
    EXPECT_EQ(
        pagemap.value().Read(reinterpret_cast<uintptr_t>(page), absl::MakeSpan(&entry, 1)).value(),
        1u);
    const uint64_t pfn = entry & ((uint64_t{1} << 55) - 1);
    EXPECT_NE(pfn, 0u) << "needs CAP_SYS_ADMIN";
    return Read(*kpageflags_, pfn, 1)[0];
  }

  absl::StatusOr<KPageFlags> kpageflags_ = KPageFlags::Open(ProcRoot());
};

TEST_F(KPageFlagsLiveTest, KnowsAnAnonymousPageFromTheZeroPage) {
  ASSERT_TRUE(kpageflags_.ok()) << kpageflags_.status();
  char* const at = static_cast<char*>(mmap(nullptr, 2 * kPageSizeBytes, PROT_READ | PROT_WRITE,
                                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(at, MAP_FAILED);
  madvise(at, 2 * kPageSizeBytes, MADV_NOHUGEPAGE);
  at[0] = 1;
  EXPECT_EQ(*static_cast<volatile char*>(at + kPageSizeBytes), 0);
  EXPECT_EQ(FlagsOf(at) & (kKpfAnon | kKpfZeroPage | kKpfNoPage), kKpfAnon);
  EXPECT_EQ(FlagsOf(at + kPageSizeBytes) & (kKpfAnon | kKpfZeroPage | kKpfNoPage), kKpfZeroPage);
  munmap(at, 2 * kPageSizeBytes);
}

TEST_F(KPageFlagsLiveTest, HasNoPageBeyondTheLastFrame) {
  ASSERT_TRUE(kpageflags_.ok()) << kpageflags_.status();
  for (const uint64_t pfn :
       {uint64_t{1} << 40, (uint64_t{1} << 55) - 1, (uint64_t{1} << 60) - 2, uint64_t{1} << 60,
        (uint64_t{1} << 61) - 1, uint64_t{1} << 61, std::numeric_limits<uint64_t>::max() - 1}) {
    EXPECT_THAT(Read(*kpageflags_, pfn, 8), Each(kKpfNoPage)) << std::hex << pfn;
  }
}

}  // namespace
}  // namespace pagemapd
