// A scan leaves no trace: no fault, no swap-in, nothing read into the page cache, no page marked
// accessed, nothing held on to.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tests/testing/cgroup.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/memory_region.h"
#include "tests/testing/page_client.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/target_process.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

using ::testing::ElementsAreArray;

constexpr uint64_t kPages = 8192;

// What must be the same after a scan as before.
struct Traces {
  uint64_t minor_faults = 0;
  uint64_t major_faults = 0;
  uint64_t swap_ins = 0;
  // Resident and evicted pages of each object.
  std::vector<uint64_t> objects;
  // Kilobytes that smaps shows as referenced, of each region.
  std::vector<uint64_t> referenced;
  // Mapped pages whose frame /proc/kpageflags shows as referenced.
  uint64_t referenced_frames = 0;
};

std::string Describe(const Traces& traces) {
  return absl::StrCat("minor ", traces.minor_faults, ", major ", traces.major_faults, ", swap-ins ",
                      traces.swap_ins, ", objects ", absl::StrJoin(traces.objects, " "),
                      ", referenced kB ", absl::StrJoin(traces.referenced, " "), ", frames ",
                      traces.referenced_frames);
}

class LookingTest : public ::testing::TestWithParam<std::vector<std::string>> {
 protected:
  void SetUp() override {
    absl::StatusOr<SwapDevice> device = SwapDevice::Create(512 << 20);
    ASSERT_TRUE(device.ok()) << device.status();
    device_.emplace(*std::move(device));
    absl::StatusOr<DaemonProcess> daemon = DaemonProcess::Start(GetParam());
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_.emplace(*std::move(daemon));
    absl::StatusOr<TargetProcess> target = TargetProcess::Start();
    ASSERT_TRUE(target.ok()) << target.status();
    target_.emplace(*std::move(target));
    for (MemoryKind kind :
         {MemoryKind::kMemfd, MemoryKind::kDevShm, MemoryKind::kSysV, MemoryKind::kSharedAnon,
          MemoryKind::kPrivateAnon, MemoryKind::kPrivateMemfd, MemoryKind::kDiskFile}) {
      uint64_t pages = kind == MemoryKind::kDiskFile ? kPages / 8 : kPages;
      absl::StatusOr<MemoryRegion> region = MapRegion(*target_, kind, pages);
      ASSERT_TRUE(region.ok()) << region.status();
      absl::Status shaped =
          Shape(*target_, *region, MakeMix(Mix::kRandom, pages, WishesFor(kind), 5));
      ASSERT_TRUE(shaped.ok()) << shaped;
      regions_.push_back(*std::move(region));
    }
  }

  void ClearReferenced() const {
    absl::Status cleared = WriteText(absl::StrCat("/proc/", target_->pid(), "/clear_refs"), "1");
    ASSERT_TRUE(cleared.ok()) << cleared;
  }

  Traces Look() const {
    Traces traces;
    std::string stat = *ReadText(absl::StrCat("/proc/", target_->pid(), "/stat"));
    std::vector<std::string> fields = absl::StrSplit(stat.substr(stat.rfind(')') + 2), ' ');
    // Fields 10 and 12 of proc(5); the first here is field 3.
    traces.minor_faults = std::stoull(fields[7]);
    traces.major_faults = std::stoull(fields[9]);
    traces.swap_ins = *ReadField("/proc/vmstat", "pswpin");
    for (const MemoryRegion& region : regions_) {
      traces.referenced.push_back(Referenced(region));
      if (region.backing != Backing::kNone) {
        auto counts = CountObject(region.object.get(), region.first_index, region.pages);
        EXPECT_TRUE(counts.ok()) << counts.status();
        traces.objects.push_back(counts->cached);
        traces.objects.push_back(counts->evicted);
      }
      auto truth = TruthOf(target_->pid(), region, false);
      EXPECT_TRUE(truth.ok()) << truth.status();
      for (const TruePage& page : *truth) {
        if (page.state != TrueState::kMapped) continue;
        constexpr uint64_t kReferencedBit = 1 << 2;
        traces.referenced_frames += (*ReadKpageflags(page.pfn) & kReferencedBit) != 0;
      }
    }
    return traces;
  }

  // smaps' Referenced of the mapping that begins where the region does.
  uint64_t Referenced(const MemoryRegion& region) const {
    std::string smaps = *ReadText(absl::StrCat("/proc/", target_->pid(), "/smaps"));
    std::string begin = absl::StrCat("\n", absl::Hex(region.address), "-");
    size_t at = smaps.find(begin);
    EXPECT_NE(at, std::string::npos);
    at = smaps.find("\nReferenced:", at);
    return std::stoull(smaps.substr(at + strlen("\nReferenced:")));
  }

  static void ExpectAnswered(const PagesAnswer& answer, size_t targets) {
    ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
    ASSERT_EQ(answer.ends.size(), targets);
    for (const v1::TargetEnd& end : answer.ends) {
      ASSERT_FALSE(end.has_error()) << end.error().message();
    }
  }

  // Everything that a client can ask about the target.
  void AskEverything() {
    auto stub = NewStub(daemon_->address());
    for (v1::View view : {v1::VIEW_PROCESS, v1::VIEW_OBJECT}) {
      for (v1::Format format : {v1::FORMAT_EXTENTS, v1::FORMAT_PACKED, v1::FORMAT_BITMAP}) {
        v1::QueryPagesRequest request =
            QueryOf(target_->pid(), {}, view, format,
                    {v1::PAGE_FIELD_LOCATION, v1::PAGE_FIELD_FRAME_FLAGS, v1::PAGE_FIELD_SOURCE,
                     v1::PAGE_FIELD_SWAP_CACHE});
        if (format == v1::FORMAT_BITMAP) request.add_states(v1::PAGE_STATE_SWAPPED);
        PagesAnswer answer = QueryAll(*stub, request);
        ExpectAnswered(answer, 1);
      }
      grpc::ClientContext context;
      v1::SummarizePagesRequest request;
      AddTarget(target_->pid(), {}, &request);
      request.set_view(view);
      // Only by BPF.
      request.set_include_folios(GetParam().empty());
      v1::SummarizePagesResponse summary;
      ASSERT_TRUE(stub->SummarizePages(&context, request, &summary).ok());
      EXPECT_GT(summary.total().cached(), 0u);
      EXPECT_GT(summary.total().swapped(), 0u);
    }
    v1::QueryPagesRequest objects =
        QueryOf(target_->pid(), {}, v1::VIEW_OBJECT, v1::FORMAT_EXTENTS,
                {v1::PAGE_FIELD_LOCATION, v1::PAGE_FIELD_SOURCE, v1::PAGE_FIELD_SWAP_CACHE});
    objects.clear_targets();
    for (const MemoryRegion& region : regions_) {
      if (region.backing != Backing::kShmem) continue;
      AddTarget(target_->pid(), {}, &objects);
      objects.mutable_targets()->rbegin()->set_object_address(region.address);
    }
    ExpectAnswered(QueryAll(*stub, objects), objects.targets_size());
    grpc::ClientContext context;
    v1::ListMappingsRequest request;
    request.mutable_process()->set_pid(target_->pid());
    request.set_include_vm_flags(true);
    v1::ListMappingsResponse mappings;
    ASSERT_TRUE(stub->ListMappings(&context, request, &mappings).ok());
  }

  std::optional<SwapDevice> device_;
  std::optional<DaemonProcess> daemon_;
  std::optional<TargetProcess> target_;
  std::vector<MemoryRegion> regions_;
};

TEST_P(LookingTest, ChangesNothingInTargetOrSystem) {
  AskEverything();
  Traces before, after;
  // The rest of the system swaps and reclaims when it likes; what the daemon did, it would do
  // every time.
  for (int attempt = 0; attempt < 20; ++attempt) {
    ClearReferenced();
    before = Look();
    AskEverything();
    after = Look();
    if (Describe(after) == Describe(before)) break;
  }
  EXPECT_EQ(Describe(after), Describe(before));
  for (uint64_t kib : before.referenced) EXPECT_EQ(kib, 0u);
  EXPECT_EQ(before.referenced_frames, 0u);
}

// Apart from connections, whose ends take their time.
std::vector<std::string> WithoutSockets(std::vector<std::string> files) {
  std::vector<std::string> kept;
  for (std::string& file : files) {
    if (!absl::StartsWith(file, "socket:")) kept.push_back(std::move(file));
  }
  return kept;
}

TEST_P(LookingTest, HoldsNothingAfterwards) {
  // The daemon's first query may open what it keeps.
  AskEverything();
  std::vector<std::string> files = WithoutSockets(*daemon_->OpenFiles());
  std::vector<std::string> mapped = *daemon_->MappedFiles();
  size_t sockets = daemon_->OpenFiles()->size() - files.size();
  for (int round = 0; round < 5; ++round) AskEverything();
  EXPECT_THAT(WithoutSockets(*daemon_->OpenFiles()), ElementsAreArray(files));
  EXPECT_THAT(*daemon_->MappedFiles(), ElementsAreArray(mapped));
  // One connection a round, closed.
  absl::Time deadline = absl::Now() + absl::Seconds(10);
  size_t now = 0;
  do {
    absl::SleepFor(absl::Milliseconds(20));
    now = daemon_->OpenFiles()->size() - files.size();
  } while (now > sockets && absl::Now() < deadline);
  EXPECT_LE(now, sockets);
  for (const std::string& file : files) {
    EXPECT_FALSE(absl::StrContains(file, "memfd:")) << file;
    EXPECT_FALSE(absl::StrContains(file, absl::StrCat("/", target_->pid(), "/"))) << file;
  }
}

TEST_P(LookingTest, AnObjectEndsWithItsProcess) {
  absl::StatusOr<Cgroup> cgroup = Cgroup::Create();
  ASSERT_TRUE(cgroup.ok()) << cgroup.status();
  ASSERT_TRUE(cgroup->Add(target_->pid()).ok());
  constexpr uint64_t kBig = 65536;
  absl::StatusOr<MemoryRegion> region = MapRegion(*target_, MemoryKind::kMemfd, kBig);
  ASSERT_TRUE(region.ok()) << region.status();
  ASSERT_TRUE(target_->Write(region->address, {{0, kBig}}).ok());
  AskEverything();
  // The test's own references.
  region->object.Close();
  regions_.clear();
  const uint64_t before = *cgroup->UsedBytes();
  EXPECT_GT(before, kBig * 4096 / 2);
  target_->Kill();
  absl::Time deadline = absl::Now() + absl::Seconds(10);
  uint64_t now = before;
  while (now > before / 10 && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(20));
    now = *cgroup->UsedBytes();
  }
  EXPECT_LE(now, before / 10);
}

INSTANTIATE_TEST_SUITE_P(
    Ways, LookingTest,
    ::testing::Values(std::vector<std::string>{}, std::vector<std::string>{"--source", "probe"},
                      std::vector<std::string>{"--source", "probe", "--without", "pagemap-scan",
                                               "--without", "cachestat"}),
    [](const auto& info) {
      return info.index == 0 ? "default" : info.index == 1 ? "probe" : "fallbacks";
    });

}  // namespace
}  // namespace pagemapd
