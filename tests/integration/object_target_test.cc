// Queries of a shared memory object as a whole, reached through one of its mappings: pages that no
// process maps, ranges of the object's own bytes, and what is not such an object.

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "tests/integration/page_report.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/memory_region.h"
#include "tests/testing/oracle.h"
#include "tests/testing/page_client.h"
#include "tests/testing/page_mix.h"
#include "tests/testing/served_target.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/target_process.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPages = 16384;
constexpr uint64_t kMappedPages = 256;

v1::PageState StateOf(const TruePage& page) {
  switch (page.state) {
    case TrueState::kCached:
      return v1::PAGE_STATE_CACHED;
    case TrueState::kSwapped:
      return v1::PAGE_STATE_SWAPPED;
    default:
      return v1::PAGE_STATE_HOLE;
  }
}

// By flags of the daemon.
class ObjectTargetTest : public ::testing::TestWithParam<std::vector<std::string>> {
 protected:
  void SetUp() override {
    absl::StatusOr<SwapDevice> device = SwapDevice::Create(512 << 20);
    ASSERT_TRUE(device.ok()) << device.status();
    device_.emplace(*std::move(device));
    absl::Status started = StartWithTarget(GetParam(), &daemon_, &stub_, &target_);
    ASSERT_TRUE(started.ok()) << started;
  }

  bool bpf() const { return GetParam().empty(); }

  // An object of which the target maps a little, from its page kMappedPages on; the rest of its
  // first `shaped` pages was shaped through a mapping that is gone. It is all of the region.
  MemoryRegion MakeObject(uint64_t pages, uint64_t shaped) {
    MemoryRegion object;
    object.kind = MemoryKind::kMemfd;
    object.pages = pages;
    object.backing = Backing::kShmem;
    auto fd = target_->SyscallWithText(SYS_memfd_create, {kPayloadArg, 0}, "pagemapd-test");
    EXPECT_TRUE(fd.ok()) << fd.status();
    const uint64_t number = fd.value_or(0);
    EXPECT_TRUE(target_->Syscall(SYS_ftruncate, {number, pages * kPageBytes}).ok());
    absl::StatusOr<Fd> borrowed = target_->BorrowFd(number);
    EXPECT_TRUE(borrowed.ok()) << borrowed.status();
    if (borrowed.ok()) object.object = *std::move(borrowed);
    if (shaped > 0) {
      absl::StatusOr<uint64_t> all =
          target_->Map(shaped * kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, number);
      EXPECT_TRUE(all.ok()) << all.status();
      object.address = all.value_or(0);
      absl::Status done =
          Shape(*target_, object, MakeMix(Mix::kRandom, shaped, WishesFor(MemoryKind::kMemfd), 5));
      EXPECT_TRUE(done.ok()) << done;
      EXPECT_TRUE(target_->Syscall(SYS_munmap, {object.address, shaped * kPageBytes}).ok());
    }
    absl::StatusOr<uint64_t> mapped =
        target_->Map(std::min(pages, kMappedPages) * kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                     number, pages > kMappedPages ? kMappedPages * kPageBytes : 0);
    EXPECT_TRUE(mapped.ok()) << mapped.status();
    object.address = mapped.value_or(0);
    return object;
  }

  v1::QueryPagesRequest Request(uint64_t address, std::initializer_list<PageSpan> ranges,
                                v1::Format format = v1::FORMAT_EXTENTS) const {
    v1::QueryPagesRequest request = QueryOf(target_->pid(), ranges, v1::VIEW_OBJECT, format,
                                            {v1::PAGE_FIELD_LOCATION, v1::PAGE_FIELD_SOURCE});
    request.mutable_targets(0)->set_object_address(address);
    return request;
  }

  PagesAnswer Ask(const v1::QueryPagesRequest& request) {
    PagesAnswer answer = QueryAll(*stub_, request);
    EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
    EXPECT_EQ(answer.ends.size(), 1u);
    for (const v1::TargetEnd& end : answer.ends) {
      EXPECT_FALSE(end.has_error()) << end.error().message();
    }
    return answer;
  }

  v1::ErrorReason ErrorOf(const v1::QueryPagesRequest& request) {
    PagesAnswer answer = QueryAll(*stub_, request);
    EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
    EXPECT_EQ(answer.chunks.size(), 0u);
    if (answer.ends.size() != 1) return v1::ERROR_REASON_UNSPECIFIED;
    EXPECT_FALSE(answer.ends[0].has_error() && answer.ends[0].error().message().empty());
    return answer.ends[0].error().reason();
  }

  // The pages of [first, first + pages) of an object as an answer tells them.
  static std::vector<ReportedPage> Pages(const PagesAnswer& answer, uint64_t first,
                                         uint64_t pages) {
    PageReport report(first * kPageBytes, pages);
    for (const v1::PageChunk& chunk : answer.chunks) {
      EXPECT_EQ(chunk.object_index(), chunk.start() / kPageBytes);
      EXPECT_TRUE(chunk.has_object());
      absl::Status added = report.Add(chunk);
      EXPECT_TRUE(added.ok()) << added;
    }
    return report.pages();
  }

  // Every page of the first `pages` of an object, in all formats and summed up, against the oracle.
  void ExpectTruth(const MemoryRegion& object, uint64_t pages);

  std::optional<SwapDevice> device_;
  std::optional<DaemonProcess> daemon_;
  std::unique_ptr<v1::PagemapService::Stub> stub_;
  std::optional<TargetProcess> target_;

 private:
  std::vector<std::string> Compare(const MemoryRegion& object, uint64_t pages);
};

std::vector<std::string> ObjectTargetTest::Compare(const MemoryRegion& object, uint64_t pages) {
  auto truth = ObjectTruth(object.object.get(), Backing::kShmem, 0, pages);
  if (!truth.ok()) return {truth.status().ToString()};
  const auto extents = Pages(Ask(Request(object.address, {{0, pages}})), 0, pages);
  const auto packed =
      Pages(Ask(Request(object.address, {{0, pages}}, v1::FORMAT_PACKED)), 0, pages);
  v1::QueryPagesRequest bits = Request(object.address, {{0, pages}}, v1::FORMAT_BITMAP);
  bits.add_states(v1::PAGE_STATE_SWAPPED);
  std::vector<bool> swapped_bits(pages);
  for (const v1::PageChunk& chunk : Ask(bits).chunks) {
    const uint64_t first = chunk.start() / kPageBytes;
    if (first + chunk.pages() > pages) return {"a bitmap reaches out of the range"};
    for (uint64_t i = 0; i < chunk.pages(); ++i) {
      swapped_bits[first + i] =
          chunk.has_uniform() ? chunk.uniform() == 1 : chunk.bitmap()[i / 8] >> (i % 8) & 1;
    }
  }
  std::vector<std::string> failures;
  uint64_t wrong = 0, swapped = 0, cached = 0;
  for (uint64_t i = 0; i < pages; ++i) {
    const v1::PageState state = StateOf((*truth)[i]);
    const bool is_swapped = state == v1::PAGE_STATE_SWAPPED;
    swapped += is_swapped;
    cached += state == v1::PAGE_STATE_CACHED;
    const ReportedPage &a = extents[i], &b = packed[i];
    const bool right = a.state == state && b.state == state && swapped_bits[i] == is_swapped &&
                       a.has_slot == (is_swapped && bpf()) && a.has_slot == b.has_slot &&
                       a.swap_type == b.swap_type && a.swap_offset == b.swap_offset &&
                       a.source == b.source && (a.source == v1::PAGE_SOURCE_BPF) == bpf();
    if (right || ++wrong > 5) continue;
    failures.push_back(absl::StrFormat(
        "page %d: truth %s; said %s slot %d:%#x source %d, packed %s slot %d:%#x source %d, bit %d",
        i, v1::PageState_Name(state), v1::PageState_Name(a.state), a.swap_type, a.swap_offset,
        a.source, v1::PageState_Name(b.state), b.swap_type, b.swap_offset, b.source,
        static_cast<int>(swapped_bits[i])));
  }
  if (wrong > 0) failures.push_back(absl::StrCat(wrong, " pages wrong"));

  v1::SummarizePagesRequest request;
  AddTarget(target_->pid(), {{0, pages}}, &request);
  request.mutable_targets(0)->set_object_address(object.address);
  request.set_view(v1::VIEW_OBJECT);
  request.set_include_mappings(true);
  grpc::ClientContext context;
  v1::SummarizePagesResponse summary;
  const grpc::Status status = stub_->SummarizePages(&context, request, &summary);
  if (!status.ok() || summary.targets_size() != 1) return {status.error_message()};
  const v1::PageCounts& total = summary.targets(0).total();
  uint64_t in_areas = 0;
  for (const v1::SwapUse& use : summary.swap()) {
    in_areas += use.pages();
    if (use.has_type() != bpf()) failures.push_back("a sum of pages with, or without a type");
  }
  if (total.swapped() != swapped || total.cached() != cached ||
      total.hole() != pages - swapped - cached || in_areas != swapped ||
      summary.targets(0).mappings_size() != 0) {
    failures.push_back(absl::StrCat("summed up: ", summary.ShortDebugString()));
  }
  return failures;
}

// Again where pages changed meanwhile, as in steady_check.h; but of all the object.
void ObjectTargetTest::ExpectTruth(const MemoryRegion& object, uint64_t pages) {
  for (int attempt = 0; attempt < 30; ++attempt) {
    auto before = ObjectTruth(object.object.get(), Backing::kShmem, 0, pages);
    std::vector<std::string> failures = Compare(object, pages);
    auto after = ObjectTruth(object.object.get(), Backing::kShmem, 0, pages);
    ASSERT_TRUE(before.ok() && after.ok());
    if (*before != *after) continue;
    for (const std::string& failure : failures) ADD_FAILURE() << failure;
    return;
  }
  FAIL() << "the pages do not keep still";
}

TEST_P(ObjectTargetTest, PagesThatNobodyMapsAreFound) {
  const MemoryRegion object = MakeObject(kPages, kPages);
  // As file content, and mapped again.
  std::vector<char> content(300 * kPageBytes, 1);
  ASSERT_EQ(pwrite(object.object.get(), content.data(), content.size(), 9999 * kPageBytes),
            content.size());
  ASSERT_TRUE(target_->Write(object.address, {{3, 20}, {200, 1}}).ok());
  ExpectTruth(object, kPages);
  // All of it, without a range, by any address in the mapping.
  for (uint64_t address : {object.address, object.address + 100 * kPageBytes + 7}) {
    PagesAnswer answer = Ask(Request(address, {}));
    uint64_t pages = 0;
    for (const v1::PageChunk& chunk : answer.chunks) pages += chunk.pages();
    EXPECT_EQ(pages, kPages);
    const v1::PageCounts& counts = answer.ends.at(0).counts();
    EXPECT_EQ(counts.hole() + counts.cached() + counts.swapped(), kPages);
    EXPECT_FALSE(answer.ends.at(0).mappings_changed());
  }
  // Their number is no accident.
  auto kernels = CountObject(object.object.get(), 0, kPages);
  ASSERT_TRUE(kernels.ok());
  EXPECT_GT(kernels->evicted, kPages / 10);

  // Pages that are gone: in the middle, and from an end that is in the middle of a page.
  ASSERT_EQ(fallocate(object.object.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                      1000 * kPageBytes, 3000 * kPageBytes),
            0);
  ASSERT_EQ(fallocate(object.object.get(), FALLOC_FL_KEEP_SIZE, 1500 * kPageBytes, 70 * kPageBytes),
            0);
  ExpectTruth(object, kPages);
  ASSERT_EQ(ftruncate(object.object.get(), 12000 * kPageBytes + 1), 0);
  ExpectTruth(object, kPages);
  PagesAnswer cut = Ask(Request(object.address, {}));
  EXPECT_EQ(cut.ends.at(0).counts().hole() + cut.ends.at(0).counts().cached() +
                cut.ends.at(0).counts().swapped(),
            12001u);
  ASSERT_EQ(ftruncate(object.object.get(), 0), 0);
  ExpectTruth(object, kPages);
  EXPECT_TRUE(Ask(Request(object.address, {})).chunks.empty());
}

TEST_P(ObjectTargetTest, RangesAreBytesOfTheObject) {
  const MemoryRegion object = MakeObject(kPages, kPages);
  const auto all = Pages(Ask(Request(object.address, {{0, kPages}})), 0, kPages);
  // Overlapping, in no order, and past the end, where there are holes.
  const uint64_t kFar = (uint64_t{1} << 51) - 512;
  PagesAnswer answer = Ask(Request(object.address, {{5000 * kPageBytes, 1000},
                                                    {100 * kPageBytes, 900},
                                                    {5500 * kPageBytes, 2000},
                                                    {(kPages - 10) * kPageBytes, 500},
                                                    {kFar * kPageBytes, 512}}));
  std::vector<bool> told(kPages);
  uint64_t holes_past_the_end = 0, last_end = 0;
  for (const v1::PageChunk& chunk : answer.chunks) {
    EXPECT_GE(chunk.start(), last_end);
    last_end = chunk.start() + chunk.pages() * kPageBytes;
    for (const v1::PageExtent& extent : chunk.extents()) {
      for (uint64_t i = 0; i < extent.pages(); ++i) {
        const uint64_t index = extent.start() / kPageBytes + i;
        if (index >= kPages) {
          EXPECT_EQ(extent.state(), v1::PAGE_STATE_HOLE);
          ++holes_past_the_end;
          continue;
        }
        EXPECT_FALSE(told[index]);
        told[index] = true;
        EXPECT_EQ(extent.state(), all[index].state) << "page " << index;
      }
    }
  }
  EXPECT_EQ(holes_past_the_end, 490 + 512u);
  for (uint64_t i = 0; i < kPages; ++i) {
    const bool asked = (i >= 100 && i < 1000) || (i >= 5000 && i < 7500) || i >= kPages - 10;
    ASSERT_EQ(told[i], asked) << "page " << i;
  }

  auto range = [&](uint64_t start, uint64_t end) {
    v1::QueryPagesRequest request = Request(object.address, {{0, 1}});
    request.mutable_targets(0)->mutable_ranges(0)->set_start(start);
    request.mutable_targets(0)->mutable_ranges(0)->set_end(end);
    return request;
  };
  for (auto [start, end] :
       std::vector<std::pair<uint64_t, uint64_t>>{{0, 4095},
                                                  {1, 4096},
                                                  {8192, 4096},
                                                  {4096, 4096},
                                                  {0, (uint64_t{1} << 63) + 4096},
                                                  {uint64_t{1} << 63, (uint64_t{1} << 63) + 4096},
                                                  {0, ~uint64_t{4095}}}) {
    EXPECT_EQ(ErrorOf(range(start, end)), v1::ERROR_REASON_INVALID_TARGET)
        << absl::StrFormat("%#x-%#x", start, end);
  }
}

TEST_P(ObjectTargetTest, NothingElseIsAnObject) {
  auto map = [&](MemoryKind kind) {
    absl::StatusOr<MemoryRegion> region = MapRegion(*target_, kind, 64);
    EXPECT_TRUE(region.ok()) << region.status();
    return *std::move(region);
  };
  const MemoryRegion anon = map(MemoryKind::kPrivateAnon), disk = map(MemoryKind::kDiskFile),
                     memfd = map(MemoryKind::kMemfd);
  for (uint64_t address :
       {anon.address, disk.address, uint64_t{0}, uint64_t{4096}, memfd.address - (1 << 20) * 4096ul,
        uint64_t{1} << 63, ~uint64_t{0}, uint64_t{0xffffffffff600000}}) {
    EXPECT_EQ(ErrorOf(Request(address, {{0, 16}})), v1::ERROR_REASON_INVALID_TARGET)
        << absl::StrFormat("%#x", address);
  }
  EXPECT_FALSE(Ask(Request(memfd.address, {{0, 16}})).chunks.empty());

  v1::QueryPagesRequest request = Request(memfd.address, {});
  request.set_view(v1::VIEW_PROCESS);
  EXPECT_EQ(QueryAll(*stub_, request).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  v1::SummarizePagesRequest summary;
  *summary.add_targets() = request.targets(0);
  summary.set_view(v1::VIEW_PROCESS);
  grpc::ClientContext context;
  v1::SummarizePagesResponse response;
  EXPECT_EQ(stub_->SummarizePages(&context, summary, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_P(ObjectTargetTest, ExtentsAreRevalidatedByOffset) {
  const MemoryRegion object = MakeObject(kPages, kPages);
  v1::RevalidatePagesRequest request;
  request.mutable_process()->set_pid(target_->pid());
  request.set_view(v1::VIEW_OBJECT);
  request.set_object_address(object.address);
  for (const v1::PageChunk& chunk : Ask(Request(object.address, {})).chunks) {
    request.mutable_extents()->MergeFrom(chunk.extents());
  }
  // What is punched, and was something, holds no longer.
  int punched = -1;
  for (int i = 0; i < request.extents_size(); ++i) {
    if (request.extents(i).state() == v1::PAGE_STATE_CACHED) punched = i;
  }
  ASSERT_GE(punched, 0);
  ASSERT_EQ(fallocate(object.object.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                      static_cast<off_t>(request.extents(punched).start()), kPageBytes),
            0);
  grpc::ClientContext context;
  v1::RevalidatePagesResponse response;
  const grpc::Status status = stub_->RevalidatePages(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.asked_pages(), kPages);
  EXPECT_FALSE(response.holds().at(punched / 8) >> (punched % 8) & 1);
  EXPECT_LT(response.held_pages(), kPages);
  // The machine may page out a few by itself.
  EXPECT_GT(response.held_pages(), kPages * 9 / 10);
}

// The xarray of a single page is that page's entry, with no node.
TEST_P(ObjectTargetTest, OnePage) {
  const MemoryRegion object = MakeObject(1, 0);
  ExpectTruth(object, 1);
  ExpectTruth(object, 200);
  ASSERT_TRUE(target_->Write(object.address, {{0, 1}}).ok());
  ExpectTruth(object, 1);
  ExpectTruth(object, 200);
  ASSERT_TRUE(PageOutRuns(*target_, object.address, {{0, 1}}).ok());
  ExpectTruth(object, 1);
  ExpectTruth(object, 200);
  EXPECT_EQ(Pages(Ask(Request(object.address, {})), 0, 1)[0].state, v1::PAGE_STATE_SWAPPED);
}

// A few pages in a very long file: the rest is not walked.
TEST_P(ObjectTargetTest, MostlyHoles) {
  constexpr uint64_t kTib = uint64_t{1} << 28;
  const MemoryRegion object = MakeObject(8 * kTib, 0);
  const std::vector<uint64_t> written = {0, 1, 70000, kTib + 12345, 4 * kTib - 1, 8 * kTib - 1};
  for (uint64_t index : written) {
    ASSERT_EQ(pwrite(object.object.get(), "x", 1, index * kPageBytes), 1);
  }
  const absl::Time begin = absl::Now();
  PagesAnswer answer = Ask(Request(object.address, {}));
  printf("8 TiB in %s\n", absl::FormatDuration(absl::Now() - begin).c_str());
  uint64_t pages = 0;
  std::vector<uint64_t> found;
  for (const v1::PageChunk& chunk : answer.chunks) {
    for (const v1::PageExtent& extent : chunk.extents()) {
      pages += extent.pages();
      if (extent.state() == v1::PAGE_STATE_HOLE) continue;
      for (uint64_t i = 0; i < extent.pages(); ++i) {
        found.push_back(extent.start() / kPageBytes + i);
      }
    }
  }
  EXPECT_EQ(found, written);
  EXPECT_EQ(pages, 8 * kTib);
  EXPECT_EQ(answer.ends.at(0).counts().hole(), 8 * kTib - written.size());
}

INSTANTIATE_TEST_SUITE_P(Sources, ObjectTargetTest,
                         ::testing::Values(std::vector<std::string>{},
                                           std::vector<std::string>{"--source", "probe"}),
                         [](const auto& info) { return info.index == 0 ? "Bpf" : "Probe"; });

}  // namespace
}  // namespace pagemapd
