// The sizes of the folios behind shared memory, and of what went to swap in one piece.

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/integration/page_report.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/fd.h"
#include "tests/testing/knob.h"
#include "tests/testing/memory_region.h"
#include "tests/testing/oracle.h"
#include "tests/testing/page_client.h"
#include "tests/testing/served_target.h"
#include "tests/testing/steady_check.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/target_process.h"
#include "tests/testing/tmpfs_mount.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPages = 8192;
constexpr uint32_t kHugeOrder = 9;

// Pages by order.
struct Folios {
  std::map<uint32_t, uint64_t> resident, swapped;
};

uint64_t Sum(const std::map<uint32_t, uint64_t>& pages) {
  uint64_t sum = 0;
  for (const auto& [order, count] : pages) sum += count;
  return sum;
}

std::string Shown(const Folios& folios) {
  std::string text;
  for (const auto& [order, pages] : folios.resident) {
    absl::StrAppend(&text, " resident order ", order, ": ", pages);
  }
  for (const auto& [order, pages] : folios.swapped) {
    absl::StrAppend(&text, " swapped order ", order, ": ", pages);
  }
  return text;
}

template <typename Sizes>
Folios Read(const Sizes& sizes) {
  Folios folios;
  int64_t last_order = -1;
  for (const v1::FolioSize& size : sizes) {
    EXPECT_GT(static_cast<int64_t>(size.order()), last_order);
    last_order = size.order();
    EXPECT_NE(size.resident_pages() + size.swapped_pages(), 0u);
    if (size.resident_pages() != 0) folios.resident[size.order()] = size.resident_pages();
    if (size.swapped_pages() != 0) folios.swapped[size.order()] = size.swapped_pages();
  }
  return folios;
}

class FoliosTest : public ::testing::Test {
 protected:
  void SetUp() override { Start({}); }

  void Start(const std::vector<std::string>& flags) {
    if (!device_.has_value()) {
      absl::StatusOr<SwapDevice> device = SwapDevice::Create(512 << 20);
      ASSERT_TRUE(device.ok()) << device.status();
      device_.emplace(*std::move(device));
    }
    absl::Status started = StartWithTarget(flags, &daemon_, &stub_, &target_);
    ASSERT_TRUE(started.ok()) << started;
  }

  // Of one range, by the process's view, the object's, or as an object target.
  enum class By { kProcess, kObject, kObjectTarget };
  v1::SummarizePagesRequest Request(const MemoryRegion& region, By by) const {
    v1::SummarizePagesRequest request;
    const bool target = by == By::kObjectTarget;
    AddTarget(target_->pid(),
              {{target ? region.first_index * kPageBytes : region.address, region.pages}},
              &request);
    if (target) request.mutable_targets(0)->set_object_address(region.address);
    request.set_view(by == By::kProcess ? v1::VIEW_PROCESS : v1::VIEW_OBJECT);
    request.set_include_folios(true);
    return request;
  }

  grpc::Status Summarize(const v1::SummarizePagesRequest& request,
                         v1::SummarizePagesResponse* response) {
    grpc::ClientContext context;
    return stub_->SummarizePages(&context, request, response);
  }

  // Expects, in every way of asking, that the sizes add up to the pages, and that resident pages of
  // more than order 0 are those that kpageflags calls parts of compound pages. Returns them.
  Folios Check(const MemoryRegion& region) {
    Folios folios;
    for (By by : {By::kProcess, By::kObject, By::kObjectTarget}) {
      std::vector<std::string> failures = CheckSteadily(target_->pid(), region, [&] {
        std::vector<std::string> found;
        v1::SummarizePagesResponse response;
        const grpc::Status status = Summarize(Request(region, by), &response);
        if (!status.ok() || response.targets_size() != 1 || response.targets(0).has_error()) {
          found.push_back(status.error_message() + response.ShortDebugString());
          return found;
        }
        folios = Read(response.targets(0).folios());
        const v1::PageCounts& total = response.targets(0).total();
        auto kernels = CountObject(region.object.get(), region.first_index, region.pages);
        const uint64_t large = LargePages(region);
        const uint64_t small = folios.resident.count(0) ? folios.resident.at(0) : 0;
        if (Sum(folios.swapped) != total.swapped() || !kernels.ok() ||
            Sum(folios.swapped) != kernels->evicted ||
            Sum(folios.resident) != total.mapped() + total.cached() ||
            Shown(Read(response.folios())) != Shown(folios)) {
          found.push_back(absl::StrCat("do not add up: ", response.ShortDebugString()));
        }
        for (const auto& [order, pages] : folios.swapped) {
          if (pages <= PagesInOnePiece(region, order)) continue;
          found.push_back(absl::StrCat(pages, " pages swapped in pieces of order ", order));
        }
        // What is not mapped has no frame here to look at.
        if (total.cached() == 0 && by == By::kProcess && Sum(folios.resident) - small != large) {
          found.push_back(absl::StrCat(large, " pages of large folios, and not", Shown(folios)));
        }
        return found;
      });
      for (const std::string& failure : failures) {
        ADD_FAILURE() << "way " << static_cast<int>(by) << ": " << failure;
      }
    }
    return folios;
  }

  // Pages in naturally aligned runs of 2^order pages of the object that are swapped to consecutive
  // slots: no more can be swapped in one piece of that size.
  uint64_t PagesInOnePiece(const MemoryRegion& region, uint32_t order) {
    PagesAnswer answer =
        QueryAll(*stub_, QueryOf(target_->pid(), {{region.address, region.pages}}, v1::VIEW_OBJECT,
                                 v1::FORMAT_PACKED, {v1::PAGE_FIELD_LOCATION}));
    PageReport report(region.address, region.pages);
    for (const v1::PageChunk& chunk : answer.chunks) EXPECT_TRUE(report.Add(chunk).ok());
    const std::vector<ReportedPage>& pages = report.pages();
    const uint64_t size = uint64_t{1} << order;
    uint64_t sum = 0;
    for (uint64_t i = (size - region.first_index % size) % size; i + size <= region.pages;
         i += size) {
      uint64_t run = 0;
      while (run < size && pages[i + run].has_slot &&
             pages[i + run].swap_type == pages[i].swap_type &&
             pages[i + run].swap_offset == pages[i].swap_offset + run) {
        ++run;
      }
      if (run == size) sum += size;
    }
    return sum;
  }

  uint64_t LargePages(const MemoryRegion& region) {
    constexpr uint64_t kHeadOrTail = uint64_t{3} << 15;
    auto entries = ReadPagemap(target_->pid(), region.address, region.pages);
    EXPECT_TRUE(entries.ok()) << entries.status();
    uint64_t large = 0;
    for (uint64_t entry : *entries) {
      if (entry >> 63 == 0) continue;
      large += (*ReadKpageflags(entry & ((uint64_t{1} << 55) - 1)) & kHeadOrTail) != 0;
    }
    return large;
  }

  std::optional<SwapDevice> device_;
  std::optional<DaemonProcess> daemon_;
  std::unique_ptr<v1::PagemapService::Stub> stub_;
  std::optional<TargetProcess> target_;
};

TEST_F(FoliosTest, SinglePages) {
  absl::StatusOr<MemoryRegion> region = MapRegion(*target_, MemoryKind::kMemfd, kPages);
  ASSERT_TRUE(region.ok()) << region.status();
  EXPECT_EQ(Shown(Check(*region)), "");
  absl::Status shaped =
      Shape(*target_, *region, MakeMix(Mix::kRandom, kPages, WishesFor(MemoryKind::kMemfd), 2));
  ASSERT_TRUE(shaped.ok()) << shaped;
  const Folios folios = Check(*region);
  EXPECT_EQ(folios.resident.size(), 1u) << Shown(folios);
  EXPECT_EQ(folios.swapped.size(), 1u) << Shown(folios);
  EXPECT_GT(folios.resident.at(0), kPages / 10);
  EXPECT_GT(folios.swapped.at(0), kPages / 10);
}

TEST_F(FoliosTest, HugePages) {
  absl::StatusOr<TmpfsMount> mount = TmpfsMount::Create("huge=always");
  ASSERT_TRUE(mount.ok()) << mount.status();
  absl::StatusOr<MemoryRegion> region = mount->MapFile(*target_, kPages);
  ASSERT_TRUE(region.ok()) << region.status();
  ASSERT_TRUE(target_->Write(region->address, {{0, kPages}}).ok());
  Folios folios = Check(*region);
  printf("written:%s\n", Shown(folios).c_str());
  // Where memory is short of huge pages, some may be smaller.
  EXPECT_GT(folios.resident[kHugeOrder], kPages / 2) << Shown(folios);
  EXPECT_EQ(Sum(folios.resident), kPages);

  // In what pieces these go is the kernel's choice.
  ASSERT_TRUE(
      PageOutRuns(*target_, region->address, {{0, kPages / 2}, {kPages / 2 + 700, 40}}).ok());
  folios = Check(*region);
  printf("half paged out:%s\n", Shown(folios).c_str());
  EXPECT_GE(Sum(folios.swapped), kPages / 2);

  ASSERT_TRUE(target_->Read(region->address, {{100, 1}, {1024, 600}}).ok());
  folios = Check(*region);
  printf("some back in:%s\n", Shown(folios).c_str());
  ASSERT_EQ(fallocate(region->object.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                      700 * kPageBytes, 900 * kPageBytes),
            0);
  folios = Check(*region);
  printf("some punched out:%s\n", Shown(folios).c_str());
  region = absl::UnknownError("closed");
  target_.reset();
}

// Sizes in between, where this kernel has them.
TEST_F(FoliosTest, SixteenPages) {
  absl::StatusOr<Knob> knob =
      Knob::Take("/sys/kernel/mm/transparent_hugepage/hugepages-64kB/shmem_enabled");
  if (!knob.ok()) GTEST_SKIP() << "no sizes but one: " << knob.status();
  ASSERT_TRUE(knob->Set("always").ok());
  // In place of private memory, so that addresses and indices have the same alignment.
  constexpr uint64_t kRoom = kPages + 512;
  absl::StatusOr<uint64_t> room =
      target_->Map(kRoom * kPageBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
  ASSERT_TRUE(room.ok()) << room.status();
  constexpr uint64_t kAlignment = 512 * kPageBytes;
  MemoryRegion region;
  region.kind = MemoryKind::kSharedAnon;
  region.backing = Backing::kShmem;
  region.pages = kPages;
  region.address = (*room + kAlignment - 1) & ~(kAlignment - 1);
  auto mapped =
      target_->Syscall(SYS_mmap, {region.address, kPages * kPageBytes, PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, ~uint64_t{0}, 0});
  ASSERT_TRUE(mapped.ok()) << mapped.status();
  region.object = Fd(open(absl::StrFormat("/proc/%d/map_files/%x-%x", target_->pid(),
                                          region.address, region.address + kPages * kPageBytes)
                              .c_str(),
                          O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(region.object);
  ASSERT_TRUE(target_->Write(region.address, {{0, kPages}}).ok());
  Folios folios = Check(region);
  printf("written:%s\n", Shown(folios).c_str());
  EXPECT_GT(folios.resident[4], kPages / 2) << Shown(folios);
  ASSERT_TRUE(PageOutRuns(*target_, region.address, {{0, 1600}, {2003, 99}, {4000, 4000}}).ok());
  folios = Check(region);
  printf("paged out:%s\n", Shown(folios).c_str());
  // Folios that are to go out in part are split, which may be all that happens to them.
  EXPECT_GE(Sum(folios.swapped), 5600u);
}

TEST_F(FoliosTest, AreNotToldWithoutBpf) {
  for (const char* source : {"--source=probe", "--without=bpf"}) {
    Start({source});
    absl::StatusOr<MemoryRegion> region = MapRegion(*target_, MemoryKind::kMemfd, 64);
    ASSERT_TRUE(region.ok()) << region.status();
    v1::SummarizePagesRequest request = Request(*region, By::kProcess);
    v1::SummarizePagesResponse response;
    EXPECT_EQ(Summarize(request, &response).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    request.set_include_folios(false);
    EXPECT_TRUE(Summarize(request, &response).ok());
    EXPECT_EQ(response.folios_size(), 0);
  }
}

// Only shared memory has any, and only where asked for.
TEST_F(FoliosTest, AreOfSharedMemoryAlone) {
  absl::StatusOr<MemoryRegion> region = MapRegion(*target_, MemoryKind::kPrivateAnon, 1024);
  ASSERT_TRUE(region.ok()) << region.status();
  ASSERT_TRUE(target_->Write(region->address, {{0, 1024}}).ok());
  v1::SummarizePagesRequest request = Request(*region, By::kProcess);
  v1::SummarizePagesResponse response;
  ASSERT_TRUE(Summarize(request, &response).ok());
  EXPECT_EQ(response.targets(0).folios_size() + response.folios_size(), 0);
  region = MapRegion(*target_, MemoryKind::kMemfd, 1024);
  ASSERT_TRUE(region.ok()) << region.status();
  ASSERT_TRUE(target_->Write(region->address, {{0, 1024}}).ok());
  request = Request(*region, By::kProcess);
  request.set_include_folios(false);
  ASSERT_TRUE(Summarize(request, &response).ok());
  EXPECT_EQ(response.targets(0).folios_size() + response.folios_size(), 0);
}

}  // namespace
}  // namespace pagemapd
