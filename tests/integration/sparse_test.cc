// A terabyte mapped and almost nothing in it.

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/integration/edges_fixture.h"
#include "tests/integration/page_report.h"
#include "tests/testing/memory_region.h"

namespace pagemapd {
namespace {

// A terabyte of nothing with a few pages in it.
class SparseTest : public EdgesTest,
                   public ::testing::WithParamInterface<std::tuple<std::string, MemoryKind>> {};

TEST_P(SparseTest, IsAnsweredRightAndSoon) {
  auto [without, kind] = GetParam();
  if (!without.empty()) StartDaemon({"--without", without});
  if (HasFatalFailure()) return;
  constexpr uint64_t kSparsePages = uint64_t{1} << 28;
  int flags = MAP_NORESERVE | (kind == MemoryKind::kMemfd ? MAP_SHARED : MAP_ANONYMOUS);
  int64_t fd = -1;
  if (kind == MemoryKind::kMemfd) {
    auto made = target_->SyscallWithText(SYS_memfd_create, {kPayloadArg, 0}, "sparse");
    ASSERT_TRUE(made.ok()) << made.status();
    fd = *made;
    ASSERT_TRUE(
        target_->Syscall(SYS_ftruncate, {static_cast<uint64_t>(fd), kSparsePages * kPageBytes})
            .ok());
  } else {
    flags |= kind == MemoryKind::kSharedAnon ? MAP_SHARED : MAP_PRIVATE;
  }
  absl::StatusOr<uint64_t> at = target_->Map(kSparsePages * kPageBytes, kReadWrite, flags, fd);
  ASSERT_TRUE(at.ok()) << at.status();
  std::mt19937_64 lots(4);
  std::set<uint64_t> touched = {0, kSparsePages - 1};
  while (touched.size() < 300) touched.insert(lots() % kSparsePages);
  std::vector<PageRun> runs;
  for (uint64_t page : touched) runs.push_back({page, 1});
  ASSERT_TRUE(target_->Advise(*at, {{0, kSparsePages}}, MADV_NOHUGEPAGE).ok());
  ASSERT_TRUE(target_->Write(*at, runs).ok());

  for (v1::View view : {v1::VIEW_PROCESS, v1::VIEW_OBJECT}) {
    for (v1::Format format : {v1::FORMAT_EXTENTS, v1::FORMAT_PACKED, v1::FORMAT_BITMAP}) {
      if (view == v1::VIEW_OBJECT && kind == MemoryKind::kPrivateAnon) continue;
      // A plain read has 2 GiB of pagemap to go through: once will do.
      const bool reads_all = without == "pagemap-scan" && view == v1::VIEW_PROCESS;
      if (reads_all && format != v1::FORMAT_EXTENTS) continue;
      SCOPED_TRACE(absl::StrCat("view ", view, ", format ", format));
      v1::PageState wanted =
          view == v1::VIEW_PROCESS ? v1::PAGE_STATE_MAPPED : v1::PAGE_STATE_CACHED;
      v1::QueryPagesRequest request = QueryOf(target_->pid(), {{*at, kSparsePages}}, view, format);
      request.add_states(wanted);
      absl::Time begin = absl::Now();
      PagesAnswer answer = QueryAll(*stub_, request);
      absl::Duration took = absl::Now() - begin;
      ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
      ASSERT_EQ(answer.ends.size(), 1u);
      EXPECT_FALSE(answer.ends[0].has_error()) << answer.ends[0].error().message();
      const v1::PageCounts& counts = answer.ends[0].counts();
      EXPECT_EQ(counts.hole() + counts.mapped() + counts.cached() + counts.swapped(), kSparsePages);
      EXPECT_EQ(counts.unknown(), 0u);
      std::set<uint64_t> found;
      for (const v1::PageChunk& chunk : answer.chunks) {
        uint64_t first = (chunk.start() - *at) / kPageBytes;
        for (const v1::PageExtent& extent : chunk.extents()) {
          for (uint64_t i = 0; i < extent.pages() && i < 1000; ++i) {
            found.insert((extent.start() - *at) / kPageBytes + i);
          }
        }
        for (uint64_t i = 0; i < chunk.packed().size() / 8; ++i) {
          if (chunk.packed()[8 * i] & 7) found.insert(first + i);
        }
        for (uint64_t i = 0; i < chunk.bitmap().size() * 8; ++i) {
          if (chunk.bitmap()[i / 8] >> (i % 8) & 1) found.insert(first + i);
        }
        // Such as the last page, in a chunk of its own.
        for (uint64_t i = 0; chunk.uniform() != 0 && i < chunk.pages() && i < 1000; ++i) {
          found.insert(first + i);
        }
      }
      EXPECT_TRUE(found == touched)
          << found.size() << " pages found, " << touched.size() << " touched";
      printf("1 TiB %s, view %d, format %d, without %s: %.0f ms\n", Name(kind), view, format,
             without.empty() ? "nothing" : without.c_str(), absl::ToDoubleMilliseconds(took));
      EXPECT_LT(took, absl::Seconds(reads_all ? 40 : 10));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Ways, SparseTest,
    ::testing::Combine(
        ::testing::Values(std::string(), std::string("pagemap-scan"), std::string("bpf")),
        ::testing::Values(MemoryKind::kPrivateAnon, MemoryKind::kSharedAnon, MemoryKind::kMemfd)),
    [](const auto& info) {
      const std::string& without = std::get<0>(info.param);
      std::string name = without.empty() ? "scan_" : without == "bpf" ? "probe_" : "read_";
      for (const char* c = Name(std::get<1>(info.param)); *c != 0; ++c) {
        name += isalnum(*c) ? *c : '_';
      }
      return name;
    });

}  // namespace
}  // namespace pagemapd
