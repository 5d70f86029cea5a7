// Swap offsets of shared memory against the swap device itself: every page has content of its own,
// and where the daemon says that a swapped page is, there that content must be.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/integration/page_report.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/memory_region.h"
#include "tests/testing/page_budget.h"
#include "tests/testing/page_client.h"
#include "tests/testing/page_pattern.h"
#include "tests/testing/served_target.h"
#include "tests/testing/slot_reader.h"
#include "tests/testing/steady_check.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/target_process.h"
#include "tests/testing/text_file.h"
#include "tests/testing/tmpfs_mount.h"

namespace pagemapd {
namespace {

const uint64_t kPages = PageBudget(32768);

constexpr PageWish kWritten[] = {PageWish::kMapped, PageWish::kCached, PageWish::kSwapped};

// Memory of known content: the pattern of `object`, in those pages whose wish is one of kWritten.
struct Patterned {
  MemoryRegion region;
  uint16_t object;
  std::vector<PageWish> plan;
};

class SwapOffsetsTest : public ::testing::Test {
 protected:
  void AddDevice(uint64_t bytes, int priority = SwapDevice::kFirstOfAll) {
    absl::StatusOr<SwapDevice> device =
        SwapDevice::Create(bytes, SwapDevice::Kind::kZram, priority);
    ASSERT_TRUE(device.ok()) << device.status();
    devices_.push_back(std::make_unique<SwapDevice>(*std::move(device)));
  }

  // With the devices that are there by then.
  void Start() {
    absl::Status started = StartWithTarget({}, &daemon_, &stub_, &target_);
    ASSERT_TRUE(started.ok()) << started;
  }

  // Gives the pages content of their own, and makes them what the plan wishes.
  Patterned ShapeWithPattern(MemoryRegion region, uint16_t object, std::vector<PageWish> plan) {
    absl::Status done = WritePattern(region.object.get(), object, region.first_index,
                                     RunsOf(plan, {kWritten, std::size(kWritten)}));
    if (done.ok()) done = Shape(*target_, region, plan);
    EXPECT_TRUE(done.ok()) << done;
    return {std::move(region), object, std::move(plan)};
  }

  // Holds each swapped page's content and their number against the device and the kernel.
  void Check(const Patterned& memory);

  std::vector<std::unique_ptr<SwapDevice>> devices_;
  std::optional<DaemonProcess> daemon_;
  std::unique_ptr<v1::PagemapService::Stub> stub_;
  std::optional<TargetProcess> target_;
  // The area of each swap type.
  std::map<uint32_t, std::string> homes_;
  // Pages whose content was found in their place, by area; and those without content, whose place
  // holds zeros. Each once a check, for both views.
  std::map<std::string, uint64_t> found_;
  uint64_t zeros_ = 0;

 private:
  // The areas there are, and what the daemon calls them by their types.
  struct Areas {
    std::map<std::string, SlotReader> readers;
    std::map<uint32_t, std::string> names;
  };
  Areas OpenAreas();
  // What is wrong with a swapped page's place; "" if nothing is.
  std::string FaultOf(const Patterned& memory, uint64_t page, const ReportedPage& said,
                      Areas* areas);
  std::vector<std::string> CheckView(const Patterned& memory, v1::View view);

  // Of the check under way.
  std::map<std::string, uint64_t> found_now_;
  uint64_t zeros_now_ = 0;
};

SwapOffsetsTest::Areas SwapOffsetsTest::OpenAreas() {
  grpc::ClientContext context;
  v1::ListSwapAreasResponse response;
  const grpc::Status status = stub_->ListSwapAreas(&context, {}, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  Areas areas;
  for (const v1::SwapArea& area : response.areas()) {
    absl::StatusOr<SlotReader> reader = SlotReader::Open(area.path());
    if (reader.ok()) areas.readers.emplace(area.path(), *std::move(reader));
  }
  for (const auto& name : response.type_names()) {
    areas.names[name.type()] = response.areas(name.area_index()).path();
  }
  return areas;
}

std::string SwapOffsetsTest::FaultOf(const Patterned& memory, uint64_t page,
                                     const ReportedPage& said, Areas* areas) {
  // A patched kernel's pagemap tells the process's view.
  if (!said.has_slot ||
      (said.source != v1::PAGE_SOURCE_BPF && said.source != v1::PAGE_SOURCE_MARKER)) {
    return absl::StrCat("no slot, or from elsewhere: source ", said.source);
  }
  const uint64_t index = memory.region.first_index + page;
  auto home = homes_.find(said.swap_type);
  if (home == homes_.end()) {
    // Where the daemon has no name for the type, its first page's content shows the area; all the
    // others must then be there too.
    for (auto& [path, reader] : areas->readers) {
      auto words = reader.Read(said.swap_offset);
      if (words.ok() && HoldsPattern(*words, memory.object, index)) {
        home = homes_.emplace(said.swap_type, path).first;
      }
    }
    if (home == homes_.end()) return "in no area";
  }
  const auto name = areas->names.find(said.swap_type);
  if (name != areas->names.end() && name->second != home->second) {
    return absl::StrCat("in ", home->second, ", and not in ", name->second);
  }
  auto words = areas->readers.at(home->second).Read(said.swap_offset);
  if (!words.ok()) return words.status().ToString();
  if (HoldsPattern(*words, memory.object, index)) {
    ++found_now_[home->second];
    return "";
  }
  // Allocated and never written, or punched out of a huge page that stayed whole, and then gone
  // out by reclaim: a page of zeros, which is not written.
  const bool empty =
      std::find(std::begin(kWritten), std::end(kWritten), memory.plan[page]) == std::end(kWritten);
  if (empty && std::count(words->begin(), words->end(), 0) == words->size()) {
    ++zeros_now_;
    return "";
  }
  return absl::StrFormat("holds %#x %#x", (*words)[0], (*words)[1]);
}

std::vector<std::string> SwapOffsetsTest::CheckView(const Patterned& memory, v1::View view) {
  const MemoryRegion& region = memory.region;
  PagesAnswer answer = QueryAll(
      *stub_, QueryOf(target_->pid(), {{region.address, region.pages}}, view, v1::FORMAT_PACKED,
                      {v1::PAGE_FIELD_LOCATION, v1::PAGE_FIELD_SOURCE}));
  if (!answer.status.ok()) return {answer.status.error_message()};
  PageReport report(region.address, region.pages);
  for (const v1::PageChunk& chunk : answer.chunks) {
    if (absl::Status added = report.Add(chunk); !added.ok()) return {added.ToString()};
  }
  Areas areas = OpenAreas();
  std::vector<std::string> failures;
  std::set<std::pair<uint32_t, uint64_t>> slots;
  uint64_t swapped = 0, wrong = 0;
  for (uint64_t i = 0; i < region.pages; ++i) {
    const ReportedPage& page = report.pages()[i];
    if (page.state != v1::PAGE_STATE_SWAPPED) continue;
    ++swapped;
    std::string fault = FaultOf(memory, i, page, &areas);
    if (!slots.emplace(page.swap_type, page.swap_offset).second) fault += " another page's too";
    if (fault.empty() || ++wrong > 5) continue;
    failures.push_back(
        absl::StrFormat("page %d: slot %d:%#x %s", i, page.swap_type, page.swap_offset, fault));
  }
  if (wrong > 0) failures.push_back(absl::StrCat(wrong, " of ", swapped, " places wrong"));
  absl::StatusOr<ObjectCounts> counts =
      CountObject(region.object.get(), region.first_index, region.pages);
  if (!counts.ok()) return {counts.status().ToString()};
  if (counts->evicted != swapped) {
    failures.push_back(absl::StrCat(swapped, " pages swapped, the kernel says ", counts->evicted));
  }
  return failures;
}

void SwapOffsetsTest::Check(const Patterned& memory) {
  for (v1::View view : {v1::VIEW_PROCESS, v1::VIEW_OBJECT}) {
    std::vector<std::string> failures = CheckSteadily(target_->pid(), memory.region, [&] {
      found_now_.clear();
      zeros_now_ = 0;
      return CheckView(memory, view);
    });
    for (const std::string& failure : failures) {
      ADD_FAILURE() << "object " << memory.object << ", " << v1::View_Name(view) << ": " << failure;
    }
  }
  for (const auto& [path, pages] : found_now_) found_[path] += pages;
  zeros_ += zeros_now_;
}

uint64_t Sum(const std::map<std::string, uint64_t>& counts) {
  uint64_t sum = 0;
  for (const auto& [path, pages] : counts) sum += pages;
  return sum;
}

TEST_F(SwapOffsetsTest, LeadToThePagesContent) {
  AddDevice(uint64_t{2} << 30);
  Start();
  ASSERT_FALSE(HasFatalFailure());
  std::vector<Patterned> all;
  for (MemoryKind kind :
       {MemoryKind::kMemfd, MemoryKind::kSysV, MemoryKind::kSharedAnon, MemoryKind::kDevShm}) {
    for (Mix mix : kMixes) {
      SCOPED_TRACE(absl::StrCat(Name(kind), ", ", Name(mix)));
      absl::StatusOr<MemoryRegion> region = MapRegion(*target_, kind, kPages);
      ASSERT_TRUE(region.ok()) << region.status();
      const uint16_t object = static_cast<uint16_t>(all.size() + 1);
      all.push_back(ShapeWithPattern(*std::move(region), object,
                                     MakeMix(mix, kPages, WishesFor(kind), object)));
      Check(all.back());
    }
  }
  // Still there after all the others went out.
  for (size_t i = 0; i < all.size(); i += 7) Check(all[i]);
  printf("contents of %lu swapped pages found where the daemon says, and %lu of zeros\n",
         Sum(found_), zeros_);
  EXPECT_GE(Sum(found_), 6 * kPages);
}

// Large entries, whole ones and those that were split since.
TEST_F(SwapOffsetsTest, LeadToThePagesOfHugePages) {
  AddDevice(uint64_t{1} << 30);
  Start();
  ASSERT_FALSE(HasFatalFailure());
  absl::StatusOr<TmpfsMount> mount = TmpfsMount::Create("huge=always");
  ASSERT_TRUE(mount.ok()) << mount.status();
  // Every page is written: what is not would be zeros in the middle of a huge page.
  constexpr PageWish kWishes[] = {PageWish::kPunched, PageWish::kMapped, PageWish::kCached,
                                  PageWish::kSwapped};
  uint16_t object = 100;
  for (Mix mix : {Mix::kRandom, Mix::kRunLength, Mix::kAlternating, Mix::kAllSwapped}) {
    SCOPED_TRACE(Name(mix));
    ++object;
    absl::StatusOr<MemoryRegion> region = mount->MapFile(*target_, kPages);
    ASSERT_TRUE(region.ok()) << region.status();
    ASSERT_TRUE(WritePattern(region->object.get(), object, 0, {{0, kPages}}).ok());
    const Patterned memory =
        ShapeWithPattern(*std::move(region), object, MakeMix(mix, kPages, kWishes, object));
    Check(memory);
    // Some come back in, and some of those go out again, singly.
    std::vector<PageRun> in, out;
    for (uint64_t i = 0; i + 64 < kPages; i += 1000) {
      in.push_back({i, 1 + i % 37});
      out.push_back({i, 1 + i % 11});
    }
    ASSERT_TRUE(target_->Read(memory.region.address, in).ok());
    absl::Status out_again = PageOutRuns(*target_, memory.region.address, out);
    ASSERT_TRUE(out_again.ok()) << out_again;
    Check(memory);
    // The mount must not be in use at its end.
    ASSERT_TRUE(target_->Syscall(SYS_munmap, {memory.region.address, kPages * kPageBytes}).ok());
  }
  printf("contents of %lu pages of huge pages found, and %lu of zeros\n", Sum(found_), zeros_);
  EXPECT_GE(Sum(found_), kPages);
}

// The first area fills up; what comes then is in the second, under another type.
TEST_F(SwapOffsetsTest, NameTheAreaToo) {
  const uint64_t kFirstPages = kPages / 2;
  AddDevice(kFirstPages * kPageBytes);
  AddDevice(uint64_t{1} << 30, SwapDevice::kFirstOfAll - 1);
  Start();
  ASSERT_FALSE(HasFatalFailure());
  absl::StatusOr<MemoryRegion> region = MapRegion(*target_, MemoryKind::kMemfd, 2 * kPages);
  ASSERT_TRUE(region.ok()) << region.status();
  Check(ShapeWithPattern(*std::move(region), 7,
                         std::vector<PageWish>(2 * kPages, PageWish::kSwapped)));
  for (const auto& device : devices_) {
    printf("%s: %lu pages\n", device->path().c_str(), found_[device->path()]);
    EXPECT_GT(found_[device->path()], kFirstPages / 2) << device->path();
  }
  EXPECT_EQ(homes_.size(), devices_.size());
}

// Pages in use of one area, by the daemon's list, and all that is shared memory in RAM.
struct KernelCounts {
  uint64_t used = 0;
  uint64_t shmem = 0;
};
absl::StatusOr<KernelCounts> CountsWith(v1::PagemapService::Stub& stub, const std::string& path) {
  // Folds in what each CPU counts by itself.
  if (auto refreshed = ReadText("/proc/sys/vm/stat_refresh"); !refreshed.ok()) {
    return refreshed.status();
  }
  absl::StatusOr<uint64_t> shmem_kib = ReadField("/proc/meminfo", "Shmem");
  if (!shmem_kib.ok()) return shmem_kib.status();
  grpc::ClientContext context;
  v1::ListSwapAreasResponse response;
  const grpc::Status status = stub.ListSwapAreas(&context, {}, &response);
  if (!status.ok()) return absl::UnknownError(status.error_message());
  for (const v1::SwapArea& area : response.areas()) {
    if (area.path() == path) return KernelCounts{area.used_pages(), *shmem_kib * 1024 / kPageBytes};
  }
  return absl::NotFoundError(path);
}

TEST_F(SwapOffsetsTest, AreAsManyAsTheKernelsCountsMove) {
  // What the rest of the machine does to the same counts meanwhile.
  constexpr int64_t kOthers = 4096;
  AddDevice(uint64_t{1} << 30);
  Start();
  ASSERT_FALSE(HasFatalFailure());
  const std::string& path = devices_[0]->path();
  absl::StatusOr<MemoryRegion> region = MapRegion(*target_, MemoryKind::kMemfd, kPages);
  ASSERT_TRUE(region.ok()) << region.status();
  const Patterned memory =
      ShapeWithPattern(*std::move(region), 9, std::vector<PageWish>(kPages, PageWish::kMapped));
  absl::StatusOr<KernelCounts> before = CountsWith(*stub_, path);
  ASSERT_TRUE(before.ok()) << before.status();
  ASSERT_TRUE(PageOutRuns(*target_, memory.region.address, {{0, kPages}}).ok());
  PagesAnswer answer = QueryAll(*stub_, QueryOf(target_->pid(), {{memory.region.address, kPages}},
                                                v1::VIEW_OBJECT, v1::FORMAT_PACKED));
  absl::StatusOr<KernelCounts> after = CountsWith(*stub_, path);
  ASSERT_TRUE(after.ok()) << after.status();
  ASSERT_EQ(answer.ends.size(), 1u);
  const int64_t swapped = static_cast<int64_t>(answer.ends[0].counts().swapped());
  EXPECT_GE(swapped, static_cast<int64_t>(kPages) * 9 / 10);
  EXPECT_NEAR(static_cast<int64_t>(after->used - before->used), swapped, kOthers);
  EXPECT_NEAR(static_cast<int64_t>(before->shmem - after->shmem), swapped, kOthers);
}

}  // namespace
}  // namespace pagemapd
