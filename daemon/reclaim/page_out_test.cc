#include "daemon/reclaim/page_out.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/page/page_size.h"
#include "daemon/query/kernel_features.h"
#include "daemon/reclaim/advised_pages.h"
#include "daemon/shmem/object_resolver.h"
#include "daemon/shmem/page_cache_probe.h"
#include "daemon/sys/unique_fd.h"

// What is left alone, and not told of, for a caller whose own objects alone may be touched, and
// what counts as attempted. On this process's own memory, on the live kernel. What page-out does is
// tested in tests/integration.

namespace pagemapd {
namespace {

constexpr uid_t kCaller = 31001;
constexpr uid_t kOther = 31002;

// Of a file: written, and thereafter a hole, of which the end is long enough to be known as one.
constexpr uint64_t kWritten = 8;
constexpr uint64_t kPages = 4096;
// Of a mapping: pages of its own, and pages that it has read.
constexpr uint64_t kCopied = 2;
constexpr uint64_t kTouched = 4;

class PageOutTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(geteuid(), 0u) << "takes root, to give files away";
    auto features = ProbeKernelFeatures(ProcRoot());
    ASSERT_TRUE(features.ok()) << features.status();
    environment_ = std::make_unique<ScanEnvironment>(ScanEnvironment{ProcRoot(), *features, {}});
    const auto method =
        features->cachestat ? PageCacheProbe::Method::kCachestat : PageCacheProbe::Method::kMincore;
    scanner_ = std::make_unique<ChunkScanner>(ObjectResolver(PageCacheProbe(method, ProcRoot())));
  }

  void TearDown() override {
    if (at_ != MAP_FAILED) munmap(at_, kPages << kPageShift);
  }

  void Map(uid_t owner, int flags) {
    file_ = UniqueFd(memfd_create("page_out_test", MFD_CLOEXEC));
    ASSERT_EQ(ftruncate(file_.get(), kPages << kPageShift), 0);
    const std::string content(kWritten << kPageShift, 'x');
    ASSERT_EQ(pwrite(file_.get(), content.data(), content.size(), 0),
              static_cast<ssize_t>(content.size()));
    ASSERT_EQ(fchown(file_.get(), owner, owner), 0);
    at_ = mmap(nullptr, kPages << kPageShift, PROT_READ | PROT_WRITE, flags, file_.get(), 0);
    ASSERT_NE(at_, MAP_FAILED);
    ASSERT_EQ(madvise(at_, kPages << kPageShift, MADV_RANDOM), 0);
    volatile char* bytes = static_cast<volatile char*>(at_);
    for (uint64_t page = 0; page < kTouched; ++page) {
      if (page < kCopied) bytes[page << kPageShift] = 'y';
      (void)bytes[page << kPageShift];
    }
  }

  // The outcome of every page of the mapping.
  std::vector<PageOutOutcome> Run(bool dry_run) {
    const uint64_t start = reinterpret_cast<uint64_t>(at_);
    PageOutRequest request;
    request.pid = getpid();
    request.ranges = {{{start, start + (kPages << kPageShift)}, std::nullopt}};
    request.dry_run = dry_run;
    request.access = [](const Process&) { return TargetAccess{false, kCaller}; };
    std::vector<PageOutOutcome> outcomes;
    auto page_out = PageOut::Open(*environment_, std::move(request));
    EXPECT_TRUE(page_out.ok()) << page_out.status();
    if (!page_out.ok()) return outcomes;
    absl::StatusOr<bool> more = true;
    while (more.ok() && *more) more = (*page_out)->Step(*scanner_, 1024, [] { return false; });
    EXPECT_TRUE(more.ok()) << more.status();
    for (const PageOutExtent& extent : (*page_out)->extents().complete()) {
      outcomes.insert(outcomes.end(), extent.pages, extent.outcome);
    }
    attempted_ = (*page_out)->counts().attempted;
    EXPECT_EQ(outcomes.size(), kPages);
    outcomes.resize(kPages);
    return outcomes;
  }

  std::unique_ptr<ScanEnvironment> environment_;
  std::unique_ptr<ChunkScanner> scanner_;
  UniqueFd file_;
  void* at_ = MAP_FAILED;
  uint64_t attempted_ = 0;
};

TEST_F(PageOutTest, OfAnothersFileAllPagesLookAlike) {
  Map(kOther, MAP_SHARED);
  const std::vector<PageOutOutcome> all(kPages, PageOutOutcome::kFileNotOwned);
  EXPECT_EQ(Run(/*dry_run=*/true), all);
  EXPECT_EQ(Run(/*dry_run=*/false), all);
  EXPECT_EQ(attempted_, 0u);
}

TEST_F(PageOutTest, PrivateCopiesOfAnothersFileAreTheCallers) {
  Map(kOther, MAP_PRIVATE);
  for (const bool dry_run : {true, false}) {
    const std::vector<PageOutOutcome> outcomes = Run(dry_run);
    for (uint64_t page = 0; page < kPages; ++page) {
      EXPECT_EQ(outcomes[page] != PageOutOutcome::kFileNotOwned, page < kCopied)
          << page << ": " << static_cast<int>(outcomes[page]);
    }
    EXPECT_EQ(attempted_, dry_run ? 0 : kCopied);
  }
}

TEST_F(PageOutTest, OfTheCallersOwnFileAllIsTold) {
  Map(kCaller, MAP_SHARED);
  const std::vector<PageOutOutcome> outcomes = Run(/*dry_run=*/true);
  for (uint64_t page = 0; page < kPages; ++page) {
    EXPECT_NE(outcomes[page], PageOutOutcome::kFileNotOwned) << page;
    EXPECT_EQ(outcomes[page] == PageOutOutcome::kHole, page >= kWritten) << page;
  }
}

TEST_F(PageOutTest, WhatTheKernelWasGivenIsAttemptedEvenIfItIsCancelledThen) {
  constexpr uint64_t kOwnPages = AdvisedPages::kMaxAdvisedPages + 100;
  void* const own = mmap(nullptr, kOwnPages << kPageShift, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  ASSERT_NE(own, MAP_FAILED);
  const uint64_t start = reinterpret_cast<uint64_t>(own);
  PageOutRequest request;
  request.pid = getpid();
  request.ranges = {{{start, start + (kOwnPages << kPageShift)}, std::nullopt}};
  request.access = AllowAll;
  auto page_out = PageOut::Open(*environment_, std::move(request));
  ASSERT_TRUE(page_out.ok()) << page_out.status();
  // Asked before the step, before the first call of the kernel, and before the second.
  int asked = 0;
  const absl::StatusOr<bool> more =
      (*page_out)->Step(*scanner_, kOwnPages, [&asked] { return ++asked == 3; });
  EXPECT_EQ(more.status().code(), absl::StatusCode::kCancelled) << more.status();
  EXPECT_EQ((*page_out)->counts().attempted, AdvisedPages::kMaxAdvisedPages);
  munmap(own, kOwnPages << kPageShift);
}

}  // namespace
}  // namespace pagemapd
