// A sweep of random questions by callers without the right `locations`, and every field of every
// answer searched for a PFN or a swap offset. The same sweep finds plenty of them in what root is
// told.

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <unordered_set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"
#include "tests/service/access/access_cast.h"
#include "tests/service/access/access_model.h"
#include "tests/service/access/leak_search.h"
#include "tests/testing/caller.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/fd.h"
#include "tests/testing/policy_file.h"
#include "tests/testing/swap_device.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kFields = 1000000;

// Everyone may see states, nobody but root locations: except `other`, of one user's processes.
const PolicyRow kPolicy = {"sweep",
                           {{{kNobody, 61004}, {}, true, false, true, true},
                            {{kOther}, {}, true, false, false, true},
                            {{kOther}, {}, false, true, false, false, {kMachines}}}};

class LeakSweepTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<SwapDevice> device = SwapDevice::Create(256 << 20);
    ASSERT_TRUE(device.ok()) << device.status();
    device_.emplace(*std::move(device));
    absl::StatusOr<PolicyFile> policy = PolicyFile::Create(TextOf(kPolicy));
    ASSERT_TRUE(policy.ok()) << policy.status();
    policy_.emplace(*std::move(policy));
    absl::StatusOr<DaemonProcess> daemon =
        DaemonProcess::Start({"--policy", policy_->path(), "--log-level", "error"});
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_.emplace(*std::move(daemon));
    ASSERT_TRUE(daemon_->OpenToAll().ok());
    absl::StatusOr<std::vector<CastTarget>> targets = StartCastTargets();
    ASSERT_TRUE(targets.ok()) << targets.status();
    targets_ = *std::move(targets);
  }

  // PFNs of the targets' memory.
  std::unordered_set<uint64_t> Frames() const {
    std::unordered_set<uint64_t> frames;
    for (const CastTarget& target : targets_) {
      const Fd fd(open(absl::StrCat("/proc/", target.process.pid(), "/pagemap").c_str(),
                       O_RDONLY | O_CLOEXEC));
      for (uint64_t address : {target.shared, target.anonymous}) {
        std::vector<uint64_t> entries(CastTarget::kPages);
        EXPECT_EQ(pread(fd.get(), entries.data(), entries.size() * 8, address / kPage * 8),
                  static_cast<ssize_t>(entries.size() * 8));
        for (uint64_t entry : entries) {
          if (entry >> 63) frames.insert(entry & ((uint64_t{1} << 55) - 1));
        }
      }
    }
    return frames;
  }

  uint64_t Lot(uint64_t below) { return lots_() % below; }
  // Any bits, or any small number.
  uint64_t AnyNumber() { return Lot(4) == 0 ? lots_() : Lot(300); }

  // A process there is, most of the time, and a range in it, or near it, or anywhere.
  int AnyPid() {
    if (Lot(20) == 0) return static_cast<int>(Lot(3) == 0 ? getpid() : AnyNumber());
    return targets_[Lot(targets_.size())].process.pid();
  }
  void SetAnyRange(const CastTarget& target, v1::AddressRange* range) {
    const uint64_t region = Lot(2) == 0 ? target.shared : target.anonymous;
    const uint64_t start = region + Lot(CastTarget::kPages) * kPage;
    range->set_start(Lot(30) == 0 ? AnyNumber() : start);
    range->set_end(Lot(30) == 0 ? AnyNumber() : start + (1 + Lot(CastTarget::kPages)) * kPage);
  }
  void SetAnyTarget(v1::Target* target) {
    const CastTarget& cast = targets_[Lot(targets_.size())];
    target->mutable_process()->set_pid(Lot(20) == 0 ? AnyPid() : cast.process.pid());
    if (Lot(50) == 0) target->mutable_process()->set_start_time_ticks(AnyNumber());
    for (uint64_t ranges = Lot(4); ranges > 0; --ranges) SetAnyRange(cast, target->add_ranges());
    if (Lot(5) != 0) return;
    target->set_object_address(Lot(4) == 0 ? cast.anonymous : cast.shared);
    target->clear_ranges();
  }
  v1::PageExtent AnyExtent(const CastTarget& cast) {
    v1::PageExtent extent;
    extent.set_start(cast.anonymous + Lot(CastTarget::kPages) * kPage);
    extent.set_pages(1 + Lot(3));
    extent.set_state(static_cast<v1::PageState>(Lot(7)));
    if (Lot(3) == 0) extent.set_pfn(AnyNumber());
    if (Lot(4) == 0) extent.set_swap_type(Lot(3)), extent.set_swap_offset(AnyNumber());
    return extent;
  }

  // One question of some kind, by a caller, and a look at all of its answer.
  void AskAnything(v1::PagemapService::Stub& stub, const Identity& who, LeakSearch* search) {
    ++questions_;
    switch (Lot(16)) {
      case 0:
        return AskForMappings(stub, search);
      case 1:
      case 2:
        return AskForSummary(stub, search);
      case 3:
      case 4:
        return AskWhatHolds(stub, who, search);
      case 5:
        return AskToPageOut(stub, search);
      case 6:
        return AskInGeneral(stub, search);
      default:
        return AskForPages(stub, who, search);
    }
  }

  void AskForPages(v1::PagemapService::Stub& stub, const Identity& who, LeakSearch* search) {
    v1::QueryPagesRequest request;
    for (uint64_t targets = 1 + Lot(4); targets > 0; --targets) SetAnyTarget(request.add_targets());
    request.set_view(static_cast<v1::View>(1 + Lot(2)));
    request.set_format(static_cast<v1::Format>(1 + Lot(3)));
    for (uint64_t states = Lot(5); states > 0; --states) {
      request.add_states(static_cast<v1::PageState>(1 + Lot(6)));
    }
    for (uint64_t fields = Lot(7); fields > 0; --fields) {
      request.add_fields(static_cast<v1::PageField>(1 + Lot(5)));
    }
    grpc::ClientContext context;
    auto stream = stub.QueryPages(&context, request);
    v1::QueryPagesResponse message;
    while (stream->Read(&message)) {
      search->Look(message, [&](int target) { return MayBeTold(who, request, target); });
    }
    const grpc::Status status = stream->Finish();
    errors_ += status.ok() ? 0 : 1;
    EXPECT_NE(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
  }

  bool MayBeTold(const Identity& who, const v1::QueryPagesRequest& request, int target) const {
    for (const CastTarget& cast : targets_) {
      if (cast.process.pid() != request.targets(target).process().pid()) continue;
      return who.uid != 0 && Expect(kPolicy, who, cast.owner).locations;
    }
    return false;
  }

  void AskForMappings(v1::PagemapService::Stub& stub, LeakSearch* search) {
    grpc::ClientContext context;
    v1::ListMappingsRequest request;
    request.mutable_process()->set_pid(AnyPid());
    request.set_include_vm_flags(Lot(2) == 0);
    request.set_max_mappings(Lot(40));
    request.set_start_address(Lot(3) == 0 ? AnyNumber() : 0);
    v1::ListMappingsResponse response;
    errors_ += stub.ListMappings(&context, request, &response).ok() ? 0 : 1;
    search->Look(response);
  }

  void AskForSummary(v1::PagemapService::Stub& stub, LeakSearch* search) {
    grpc::ClientContext context;
    v1::SummarizePagesRequest request;
    for (uint64_t targets = 1 + Lot(4); targets > 0; --targets) SetAnyTarget(request.add_targets());
    request.set_view(static_cast<v1::View>(1 + Lot(2)));
    request.set_include_mappings(Lot(2) == 0);
    request.set_include_folios(Lot(2) == 0);
    v1::SummarizePagesResponse response;
    errors_ += stub.SummarizePages(&context, request, &response).ok() ? 0 : 1;
    search->Look(response);
  }

  // An answer to whether a page is at a place would be a way to find the place.
  void AskWhatHolds(v1::PagemapService::Stub& stub, const Identity& who, LeakSearch* search) {
    const CastTarget& cast = targets_[Lot(targets_.size())];
    grpc::ClientContext context;
    v1::RevalidatePagesRequest request;
    request.mutable_process()->set_pid(cast.process.pid());
    request.set_view(static_cast<v1::View>(1 + Lot(2)));
    bool asks_for_locations = false;
    for (uint64_t extents = 1 + Lot(3); extents > 0; --extents) {
      *request.add_extents() = AnyExtent(cast);
      const v1::PageExtent& extent = request.extents(request.extents_size() - 1);
      asks_for_locations |= extent.has_pfn() || extent.has_swap_offset();
    }
    v1::RevalidatePagesResponse response;
    const grpc::Status status = stub.RevalidatePages(&context, request, &response);
    errors_ += status.ok() ? 0 : 1;
    search->Look(response);
    if (status.ok() && asks_for_locations && !Expect(kPolicy, who, cast.owner).locations) {
      ADD_FAILURE() << "told whether a location holds: " << request.ShortDebugString();
    }
  }

  void AskToPageOut(v1::PagemapService::Stub& stub, LeakSearch* search) {
    const CastTarget& cast = targets_[Lot(targets_.size())];
    grpc::ClientContext context;
    v1::PageOutRequest request;
    request.mutable_process()->set_pid(cast.process.pid());
    SetAnyRange(cast, request.add_ranges()->mutable_range());
    request.set_dry_run(Lot(4) != 0);
    auto stream = stub.PageOut(&context, request);
    v1::PageOutResponse message;
    while (stream->Read(&message)) search->Look(message);
    errors_ += stream->Finish().ok() ? 0 : 1;
  }

  void AskInGeneral(v1::PagemapService::Stub& stub, LeakSearch* search) {
    grpc::ClientContext contexts[3];
    v1::GetCapabilitiesResponse capabilities;
    EXPECT_TRUE(stub.GetCapabilities(&contexts[0], {}, &capabilities).ok());
    search->Look(capabilities);
    v1::ListSwapAreasResponse areas;
    EXPECT_TRUE(stub.ListSwapAreas(&contexts[1], {}, &areas).ok());
    search->Look(areas);
    v1::GetStatisticsResponse statistics;
    EXPECT_TRUE(stub.GetStatistics(&contexts[2], {}, &statistics).ok());
    search->Look(statistics);
  }

  std::optional<SwapDevice> device_;
  std::optional<PolicyFile> policy_;
  std::optional<DaemonProcess> daemon_;
  std::vector<CastTarget> targets_;
  std::mt19937_64 lots_{4711};
  uint64_t questions_ = 0, errors_ = 0;
};

TEST_F(LeakSweepTest, AMillionFieldsTellNoLocation) {
  const absl::Time begin = absl::Now();
  LeakSearch search(Frames());
  std::vector<std::unique_ptr<v1::PagemapService::Stub>> stubs;
  for (const CastCaller& caller : CastCallers()) {
    auto stub = NewStubAs(caller.who, daemon_->socket());
    ASSERT_TRUE(stub.ok()) << stub.status();
    stubs.push_back(*std::move(stub));
  }
  while ((search.fields() < kFields || questions_ < 2000) && !HasFailure()) {
    const size_t caller = 1 + questions_ % (stubs.size() - 1);
    AskAnything(*stubs[caller], CastCallers()[caller].who, &search);
  }
  printf(
      "[ figure ] leaks: %lu in %lu fields and %lu packed records, of %lu questions, in %.1f s; "
      "%lu refused as a whole\n",
      search.leaks(), search.fields(), search.words(), questions_,
      absl::ToDoubleSeconds(absl::Now() - begin), errors_);
  EXPECT_EQ(search.leaks(), 0u) << absl::StrJoin(search.examples(), "\n");

  // That the search finds what there is to find, in all the ways that it looks.
  LeakSearch of_root(Frames());
  questions_ = 0;
  while (questions_ < 300) AskAnything(*stubs[0], CastCallers()[0].who, &of_root);
  printf("[ figure ] told to root: %lu locations in %lu fields and %lu packed records\n",
         of_root.leaks(), of_root.fields(), of_root.words());
  EXPECT_GT(of_root.leaks(), 10000u);
}

}  // namespace
}  // namespace pagemapd
