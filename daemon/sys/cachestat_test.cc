#include "daemon/sys/cachestat.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>

#include "daemon/sys/unique_fd.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPage = 4096;

// A memfd of `pages` pages of which those in `written` exist.
UniqueFd MakeMemfd(uint64_t pages, std::initializer_list<uint64_t> written) {
  UniqueFd fd(memfd_create("cachestat_test", MFD_CLOEXEC));
  EXPECT_EQ(ftruncate(fd.get(), pages * kPage), 0);
  for (const uint64_t page : written) EXPECT_EQ(pwrite(fd.get(), "x", 1, page * kPage), 1);
  return fd;
}

uint64_t CachedIn(const UniqueFd& fd, uint64_t first, uint64_t pages) {
  CacheStat stat;
  EXPECT_EQ(CacheStatOf(fd.get(), first * kPage, pages * kPage, &stat), 0);
  EXPECT_EQ(stat.evicted, 0u);
  return stat.cache;
}

TEST(CacheStatTest, CountsThePagesOfTheRange) {
  const UniqueFd fd = MakeMemfd(16, {0, 1, 5, 15});
  EXPECT_EQ(CachedIn(fd, 0, 16), 4u);
  EXPECT_EQ(CachedIn(fd, 0, 2), 2u);
  EXPECT_EQ(CachedIn(fd, 1, 1), 1u);
  EXPECT_EQ(CachedIn(fd, 2, 3), 0u);
  EXPECT_EQ(CachedIn(fd, 2, 4), 1u);
  EXPECT_EQ(CachedIn(fd, 15, 1), 1u);
}

TEST(CacheStatTest, NothingLiesPastTheEnd) {
  const UniqueFd fd = MakeMemfd(4, {3});
  EXPECT_EQ(CachedIn(fd, 4, 100), 0u);
  EXPECT_EQ(CachedIn(fd, 0, uint64_t{1} << 40), 1u);
}

TEST(CacheStatTest, ReturnsTheErrno) {
  CacheStat stat;
  EXPECT_EQ(CacheStatOf(-1, 0, kPage, &stat), EBADF);
  const UniqueFd huge(memfd_create("cachestat_test", MFD_CLOEXEC | MFD_HUGETLB));
  ASSERT_TRUE(huge);
  EXPECT_EQ(CacheStatOf(huge.get(), 0, kPage, &stat), EOPNOTSUPP);
}

}  // namespace
}  // namespace pagemapd
