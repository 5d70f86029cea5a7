#include "daemon/bpf/page_cache_walker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "daemon/page/page_size.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {
namespace {

// On the live kernel. Pages in swap are for tests/integration, where a swap device is.
class PageCacheWalkerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto walker = PageCacheWalker::Load(2);
    ASSERT_TRUE(walker.ok()) << walker.status();
    walker_ = walker->release();
  }
  static void TearDownTestSuite() { delete walker_; }

  static UniqueFd MakeMemfd(uint64_t pages) {
    UniqueFd fd(memfd_create("page_cache_walker_test", MFD_CLOEXEC));
    EXPECT_TRUE(fd);
    EXPECT_EQ(ftruncate(fd.get(), static_cast<off_t>(pages << kPageShift)), 0);
    return fd;
  }
  static void Write(const UniqueFd& fd, uint64_t page) {
    EXPECT_EQ(pwrite(fd.get(), "x", 1, static_cast<off_t>(page << kPageShift)), 1);
  }

  static PageCacheWalker* walker_;
};
PageCacheWalker* PageCacheWalkerTest::walker_ = nullptr;

TEST_F(PageCacheWalkerTest, AnEmptyFileIsHoles) {
  const UniqueFd fd = MakeMemfd(1000);
  auto leaves = walker_->Walk(0, fd.get(), {0, 16});
  ASSERT_TRUE(leaves.ok()) << leaves.status();
  for (const page_cache_leaf& leaf : *leaves) EXPECT_EQ(leaf.kind, PAGE_CACHE_LEAF_HOLE);
}

// The root of the tree is then the page itself, and no node.
TEST_F(PageCacheWalkerTest, ASinglePageIsOfIndexZeroAlone) {
  const UniqueFd fd = MakeMemfd(1);
  Write(fd, 0);
  auto leaves = walker_->Walk(0, fd.get(), {0, 2});
  ASSERT_TRUE(leaves.ok()) << leaves.status();
  ASSERT_EQ((*leaves)[0].kind, PAGE_CACHE_LEAF_PAGES_EACH);
  EXPECT_EQ((*leaves)[0].folios, 1);
  EXPECT_EQ((*leaves)[0].values, 0);
  EXPECT_EQ((*leaves)[1].kind, PAGE_CACHE_LEAF_HOLE);
}

// One to six levels of the tree, and what lies past its reach.
TEST_F(PageCacheWalkerTest, AnyDepth) {
  for (int shift = 0; shift < 48; shift += 5) {
    const uint64_t page = (uint64_t{1} << shift) + 7;
    const UniqueFd fd = MakeMemfd(page + 1);
    Write(fd, 0);
    Write(fd, page);
    const uint64_t leaf = page / PAGE_CACHE_LEAF_PAGES;
    auto found = walker_->Walk(0, fd.get(), {leaf, 2});
    ASSERT_TRUE(found.ok()) << found.status();
    const page_cache_leaf& last = (*found)[0];
    ASSERT_EQ(last.kind, PAGE_CACHE_LEAF_PAGES_EACH) << shift;
    EXPECT_EQ(last.folios, uint64_t{1} << (page % PAGE_CACHE_LEAF_PAGES) | (leaf == 0 ? 1 : 0));
    EXPECT_EQ((*found)[1].kind, PAGE_CACHE_LEAF_HOLE) << shift;
    auto past = walker_->Walk(0, fd.get(), {uint64_t{1} << 50, 1});
    ASSERT_TRUE(past.ok()) << past.status();
    EXPECT_EQ((*past)[0].kind, PAGE_CACHE_LEAF_HOLE) << shift;
    // The hole in between is skipped, but for nodes without an entry that the kernel may leave.
    const uint64_t end = leaf == 0 ? uint64_t{1} << 45 : leaf;
    uint64_t from = 1;
    for (int empty_nodes = 0;; ++empty_nodes) {
      auto next = walker_->SkipHoles(1, fd.get(), from, uint64_t{1} << 45);
      ASSERT_TRUE(next.ok()) << next.status();
      if (*next == end) break;
      ASSERT_LT(*next, end) << shift;
      ASSERT_GE(*next, from) << shift;
      ASSERT_LT(empty_nodes, 8) << shift;
      auto empty = walker_->Walk(0, fd.get(), {*next, 1});
      ASSERT_TRUE(empty.ok()) << empty.status();
      ASSERT_EQ((*empty)[0].folios, 0) << shift;
      from = *next + 1;
    }
  }
}

// Pages here and there, so that holes end at every level of the tree.
TEST_F(PageCacheWalkerTest, SkipsHolesToTheNextLeafWithAPage) {
  constexpr uint64_t kEnd = uint64_t{1} << 25;
  std::mt19937_64 random(11);
  std::set<uint64_t> leaves;
  const UniqueFd fd = MakeMemfd(kEnd * PAGE_CACHE_LEAF_PAGES);
  for (int i = 0; i < 200; ++i) {
    const uint64_t leaf = random() % (kEnd >> random() % 25);
    leaves.insert(leaf);
    Write(fd, leaf * PAGE_CACHE_LEAF_PAGES + random() % PAGE_CACHE_LEAF_PAGES);
  }
  uint64_t leaf = 0;
  for (uint64_t expected : leaves) {
    for (uint64_t from : {leaf, leaf + (expected - leaf) / 2, expected}) {
      auto found = walker_->SkipHoles(0, fd.get(), from, kEnd);
      ASSERT_TRUE(found.ok()) << found.status();
      ASSERT_EQ(*found, expected) << "from " << from;
    }
    leaf = expected + 1;
  }
  EXPECT_EQ(walker_->SkipHoles(0, fd.get(), leaf, kEnd).value_or(0), kEnd);
}

TEST_F(PageCacheWalkerTest, FallocatedAndPunchedPagesAreNone) {
  const UniqueFd fd = MakeMemfd(256);
  ASSERT_EQ(fallocate(fd.get(), 0, 0, 128 << kPageShift), 0);
  for (uint64_t page : {3, 64, 66, 200}) Write(fd, page);
  ASSERT_EQ(fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 66 << kPageShift,
                      kPageSizeBytes),
            0);
  auto leaves = walker_->Walk(0, fd.get(), {0, 4});
  ASSERT_TRUE(leaves.ok()) << leaves.status();
  EXPECT_EQ((*leaves)[0].folios, uint64_t{1} << 3);
  EXPECT_EQ((*leaves)[1].folios, uint64_t{1});
  EXPECT_EQ((*leaves)[2].kind, PAGE_CACHE_LEAF_HOLE);
  EXPECT_EQ((*leaves)[3].folios, uint64_t{1} << 8);
}

TEST_F(PageCacheWalkerTest, AFullLeafIsToldAsOne) {
  const UniqueFd fd = MakeMemfd(192);
  for (uint64_t page = 0; page < 128; ++page) Write(fd, page);
  for (bool sizes : {false, true}) {
    auto leaves = walker_->Walk(0, fd.get(), {0, 3, sizes});
    ASSERT_TRUE(leaves.ok()) << leaves.status();
    const page_cache_leaf& full = (*leaves)[1];
    const bool resident =
        full.kind == PAGE_CACHE_LEAF_FOLIO ||
        (full.kind == PAGE_CACHE_LEAF_PAGES_EACH && full.folios == ~uint64_t{0}) ||
        full.kind == PAGE_CACHE_LEAF_SIBLINGS;
    EXPECT_TRUE(resident) << full.kind;
    EXPECT_EQ((*leaves)[2].kind, PAGE_CACHE_LEAF_HOLE);
  }
}

// What memory of the map holds beyond what the masks say must not be a kernel's address.
TEST_F(PageCacheWalkerTest, NoPointerLeavesTheKernel) {
  constexpr size_t kLeaves = 64;
  const UniqueFd fd = MakeMemfd(kLeaves * PAGE_CACHE_LEAF_PAGES);
  for (uint64_t page = 0; page < kLeaves * PAGE_CACHE_LEAF_PAGES; page += 1 + page % 3) {
    Write(fd, page);
  }
  auto leaves = walker_->Walk(0, fd.get(), {0, kLeaves, /*sizes=*/true});
  ASSERT_TRUE(leaves.ok()) << leaves.status();
  for (const page_cache_leaf& leaf : *leaves) {
    for (uint64_t slot : leaf.slots) EXPECT_TRUE((slot & 1) || slot < 4096) << slot;
    EXPECT_TRUE((leaf.value & 1) || leaf.value == 0) << leaf.value;
  }
}

TEST_F(PageCacheWalkerTest, RefusesWhatIsNoFileOfTmpfs) {
  std::string path = ::testing::TempDir() + "/page_cache_walker_XXXXXX";
  const UniqueFd disk(mkstemp(path.data()));
  ASSERT_TRUE(disk);
  unlink(path.c_str());
  EXPECT_EQ(walker_->Walk(0, disk.get(), {0, 1}).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(walker_->SkipHoles(0, disk.get(), 0, 1).status().code(),
            absl::StatusCode::kFailedPrecondition);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_FALSE(walker_->Walk(0, ends[0], {0, 1}).ok());
  close(ends[0]);
  close(ends[1]);
  for (int fd : {-1, 1 << 20, ends[1]}) {
    EXPECT_EQ(walker_->Walk(0, fd, {0, 1}).status().code(), absl::StatusCode::kInvalidArgument)
        << fd;
  }
}

TEST_F(PageCacheWalkerTest, AWalkStaysInItsSlice) {
  const UniqueFd fd = MakeMemfd(64);
  Write(fd, 5);
  EXPECT_TRUE(walker_->Walk(0, fd.get(), {0, PAGE_CACHE_WALK_LEAVES}).ok());
  EXPECT_FALSE(walker_->Walk(0, fd.get(), {0, PAGE_CACHE_WALK_LEAVES + 1}).ok());
}

TEST_F(PageCacheWalkerTest, SlicesDoNotMeet) {
  const UniqueFd full = MakeMemfd(64 * PAGE_CACHE_WALK_LEAVES);
  const UniqueFd empty = MakeMemfd(64 * PAGE_CACHE_WALK_LEAVES);
  for (uint64_t page = 0; page < 64 * PAGE_CACHE_WALK_LEAVES; page += 2) Write(full, page);
  const auto walk = [&](int slice, const UniqueFd& fd, uint32_t kind) {
    for (int i = 0; i < 200; ++i) {
      auto leaves = walker_->Walk(slice, fd.get(), {0, PAGE_CACHE_WALK_LEAVES});
      ASSERT_TRUE(leaves.ok()) << leaves.status();
      for (const page_cache_leaf& leaf : *leaves) ASSERT_EQ(leaf.kind, kind);
    }
  };
  std::thread other([&] { walk(1, empty, PAGE_CACHE_LEAF_HOLE); });
  walk(0, full, PAGE_CACHE_LEAF_PAGES_EACH);
  other.join();
}

}  // namespace
}  // namespace pagemapd
