// Every rpc, by every caller, about every process, under every policy: allowed and denied as the
// policy says, and nothing else.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"
#include "tests/service/access/access_cast.h"
#include "tests/service/access/access_model.h"
#include "tests/testing/caller.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/page_client.h"
#include "tests/testing/policy_file.h"
#include "tests/testing/swap_device.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPage = 4096;

const PolicyRow kPolicies[] = {
    {"nothing granted", {}},
    {"a user may inspect all", {{{kOther}, {}, true, false, false, true}}},
    {"a group may inspect one user's",
     {{{}, {kOperators}, true, false, false, false, {kMachines}}}},
    {"a group may do all to one user's",
     {{{}, {kOperators}, true, true, true, false, {kMachines}}}},
    {"a user may be told the locations of its own",
     {{{kNobody}, {}, false, true, false, false, {}, true}}},
    {"a user may page out its own", {{{kNobody}, {}, false, false, true, false, {}, true}}},
    {"locations and page-out alone show nothing of others",
     {{{kNobody}, {kOperators}, false, true, true, true}}},
    {"rights add up",
     {{{kNobody}, {}, true, false, false, true},
      {{}, {kOperators}, false, true, false, false, {kMachines, 0}},
      {{kOther, kNobody}, {}, false, false, true, false, {kOther}}}},
    {"a user's processes, those in namespaces too",
     {{{kOther}, {}, true, true, true, false, {kNobody}}}},
    {"all rights on all", {{{}, {kOperators}, true, true, true, true}}},
};

class AccessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<SwapDevice> device = SwapDevice::Create(256 << 20);
    ASSERT_TRUE(device.ok()) << device.status();
    device_.emplace(*std::move(device));
    absl::StatusOr<PolicyFile> policy = PolicyFile::Create(TextOf(kPolicies[0]));
    ASSERT_TRUE(policy.ok()) << policy.status();
    policy_.emplace(*std::move(policy));
    absl::StatusOr<DaemonProcess> daemon = DaemonProcess::Start({"--policy", policy_->path()});
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_.emplace(*std::move(daemon));
    ASSERT_TRUE(daemon_->OpenToAll().ok());
    absl::StatusOr<std::vector<CastTarget>> targets = StartCastTargets();
    ASSERT_TRUE(targets.ok()) << targets.status();
    targets_ = *std::move(targets);
    for (const CastCaller& caller : CastCallers()) {
      auto stub = NewStubAs(caller.who, daemon_->socket());
      ASSERT_TRUE(stub.ok()) << stub.status();
      stubs_.push_back(*std::move(stub));
    }
  }

  void SetPolicy(const PolicyRow& policy) {
    const absl::StatusOr<bool> taken = policy_->Replace(TextOf(policy), *daemon_);
    ASSERT_TRUE(taken.ok()) << taken.status();
    ASSERT_TRUE(*taken) << policy.name << "\n" << daemon_->Log();
  }

  // One cell of the table: all that one caller can ask about one process.
  void CheckAll(v1::PagemapService::Stub& stub, const CastTarget& target,
                const Expected& expected) {
    CheckMappings(stub, target, expected);
    CheckPages(stub, target, expected);
    CheckSummary(stub, target, expected);
    CheckRevalidation(stub, target, expected);
    CheckPageOut(stub, target, expected);
  }

  // `allowed`, or denied for want of `right`, which the message must name.
  void CheckStatus(const grpc::Status& status, bool allowed, const char* right, const char* what) {
    ++checks_;
    if (allowed) {
      EXPECT_TRUE(status.ok()) << what << ": " << status.error_message();
      return;
    }
    EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << what;
    EXPECT_TRUE(absl::StrContains(status.error_message(), absl::StrCat("missing right ", right)))
        << what << ": " << status.error_message();
  }
  void CheckError(const v1::TargetError& error, bool has_error, bool allowed, const char* right,
                  const char* what) {
    ++checks_;
    EXPECT_EQ(has_error, !allowed) << what << ": " << error.message();
    if (allowed) return;
    EXPECT_EQ(error.reason(), v1::ERROR_REASON_PERMISSION_DENIED) << what;
    EXPECT_TRUE(absl::StrContains(error.message(), absl::StrCat("missing right ", right)))
        << what << ": " << error.message();
  }

  void CheckMappings(v1::PagemapService::Stub& stub, const CastTarget& target,
                     const Expected& expected) {
    for (const bool flags : {false, true}) {
      grpc::ClientContext context;
      v1::ListMappingsRequest request;
      request.mutable_process()->set_pid(target.process.pid());
      request.set_include_vm_flags(flags);
      v1::ListMappingsResponse response;
      CheckStatus(stub.ListMappings(&context, request, &response), expected.inspect, "inspect",
                  "ListMappings");
      EXPECT_EQ(response.mappings_size() > 0, expected.inspect);
    }
  }

  void CheckPages(v1::PagemapService::Stub& stub, const CastTarget& target,
                  const Expected& expected) {
    const int pid = target.process.pid();
    for (const bool locations : {false, true}) {
      for (const v1::Format format : {v1::FORMAT_EXTENTS, v1::FORMAT_PACKED}) {
        v1::QueryPagesRequest request =
            QueryOf(pid, {{target.shared, 64}, {target.anonymous, 64}}, v1::VIEW_PROCESS, format);
        if (locations) {
          request.add_fields(v1::PAGE_FIELD_LOCATION);
          request.add_fields(v1::PAGE_FIELD_FRAME_FLAGS);
        }
        const PagesAnswer answer = QueryAll(stub, request);
        ASSERT_TRUE(answer.status.ok()) << answer.status.error_message();
        ASSERT_EQ(answer.ends.size(), 1u);
        CheckError(answer.ends[0].error(), answer.ends[0].has_error(), expected.inspect, "inspect",
                   "QueryPages");
        EXPECT_EQ(answer.chunks.empty(), !expected.inspect);
        if (!expected.inspect) continue;
        ASSERT_EQ(answer.starts.size(), 1u);
        std::vector<int> redacted(answer.starts[0].redacted().begin(),
                                  answer.starts[0].redacted().end());
        std::sort(redacted.begin(), redacted.end());
        EXPECT_EQ(redacted,
                  locations && !expected.locations
                      ? (std::vector<int>{v1::PAGE_FIELD_LOCATION, v1::PAGE_FIELD_FRAME_FLAGS})
                      : std::vector<int>());
        EXPECT_EQ(LocationsIn(answer) > 0, locations && expected.locations);
      }
    }
    // The object itself, by one of the mappings of it.
    v1::QueryPagesRequest request = QueryOf(pid, {}, v1::VIEW_OBJECT, v1::FORMAT_EXTENTS);
    request.mutable_targets(0)->set_object_address(target.shared);
    const PagesAnswer answer = QueryAll(stub, request);
    ASSERT_EQ(answer.ends.size(), 1u) << answer.status.error_message();
    CheckError(answer.ends[0].error(), answer.ends[0].has_error(), expected.inspect, "inspect",
               "QueryPages of an object");
    EXPECT_EQ(answer.chunks.empty(), !expected.inspect);
  }

  static int LocationsIn(const PagesAnswer& answer) {
    int locations = 0;
    for (const v1::PageChunk& chunk : answer.chunks) {
      for (const v1::PageExtent& extent : chunk.extents()) {
        locations += extent.has_pfn() || extent.has_swap_offset();
      }
      for (size_t i = 0; i + 8 <= chunk.packed().size(); i += 8) {
        uint64_t record;
        memcpy(&record, chunk.packed().data() + i, 8);
        locations += record >> 22 != 0;
      }
    }
    return locations;
  }

  void CheckSummary(v1::PagemapService::Stub& stub, const CastTarget& target,
                    const Expected& expected) {
    grpc::ClientContext context;
    v1::SummarizePagesRequest request;
    AddTarget(target.process.pid(), {}, &request);
    request.set_view(v1::VIEW_PROCESS);
    request.set_include_mappings(true);
    v1::SummarizePagesResponse response;
    const grpc::Status status = stub.SummarizePages(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    ASSERT_EQ(response.targets_size(), 1);
    const v1::TargetSummary& summary = response.targets(0);
    CheckError(summary.error(), summary.has_error(), expected.inspect, "inspect", "SummarizePages");
    EXPECT_EQ(summary.mappings_size() > 0, expected.inspect);
    EXPECT_EQ(summary.total().mapped() > 0, expected.inspect);
    EXPECT_EQ(response.total().mapped() > 0, expected.inspect);
  }

  void CheckRevalidation(v1::PagemapService::Stub& stub, const CastTarget& target,
                         const Expected& expected) {
    for (const bool locations : {false, true}) {
      grpc::ClientContext context;
      v1::RevalidatePagesRequest request;
      request.mutable_process()->set_pid(target.process.pid());
      request.set_view(v1::VIEW_PROCESS);
      v1::PageExtent* extent = request.add_extents();
      extent->set_start(target.anonymous);
      extent->set_pages(1);
      extent->set_state(v1::PAGE_STATE_MAPPED);
      if (locations) extent->set_pfn(4711);
      v1::RevalidatePagesResponse response;
      const bool allowed = expected.inspect && (!locations || expected.locations);
      CheckStatus(stub.RevalidatePages(&context, request, &response), allowed,
                  expected.inspect ? "locations" : "inspect", "RevalidatePages");
      EXPECT_EQ(response.asked_pages(), allowed ? 1u : 0u);
    }
  }

  // Of one page, for which the target is asked to write it before.
  void CheckPageOut(v1::PagemapService::Stub& stub, const CastTarget& target,
                    const Expected& expected) {
    ASSERT_TRUE(target.process.Write(target.anonymous, {{0, 1}}).ok());
    for (const bool dry_run : {true, false}) {
      grpc::ClientContext context;
      v1::PageOutRequest request;
      request.mutable_process()->set_pid(target.process.pid());
      request.set_dry_run(dry_run);
      v1::AddressRange* range = request.add_ranges()->mutable_range();
      range->set_start(target.anonymous);
      range->set_end(target.anonymous + kPage);
      auto stream = stub.PageOut(&context, request);
      v1::PageOutResponse message, last;
      while (stream->Read(&message)) {
        if (message.has_end()) last = message;
      }
      const grpc::Status status = stream->Finish();
      ASSERT_TRUE(status.ok()) << status.error_message();
      CheckError(last.end().error(), last.end().has_error(), expected.page_out, "pageout",
                 "PageOut");
      EXPECT_EQ(last.counts().attempted(), !dry_run && expected.page_out ? 1u : 0u);
    }
    // What root sees of it afterwards.
    const PagesAnswer seen =
        QueryAll(*stubs_[0], QueryOf(target.process.pid(), {{target.anonymous, 1}},
                                     v1::VIEW_PROCESS, v1::FORMAT_EXTENTS));
    ASSERT_EQ(seen.chunks.size(), 1u);
    const bool is_mapped = seen.chunks[0].extents(0).state() == v1::PAGE_STATE_MAPPED;
    EXPECT_EQ(is_mapped, !expected.page_out);
  }

  // Questions that are about no process: for everyone.
  void CheckGeneral(v1::PagemapService::Stub& stub, const Identity& who) {
    grpc::ClientContext contexts[3];
    v1::GetCapabilitiesResponse capabilities;
    EXPECT_TRUE(stub.GetCapabilities(&contexts[0], {}, &capabilities).ok());
    EXPECT_TRUE(capabilities.caller().has_uid());
    EXPECT_EQ(capabilities.caller().uid(), who.uid);
    v1::ListSwapAreasResponse areas;
    EXPECT_TRUE(stub.ListSwapAreas(&contexts[1], {}, &areas).ok());
    EXPECT_GT(areas.areas_size(), 0);
    v1::GetStatisticsResponse statistics;
    EXPECT_TRUE(stub.GetStatistics(&contexts[2], {}, &statistics).ok());
  }

  std::optional<SwapDevice> device_;
  std::optional<PolicyFile> policy_;
  std::optional<DaemonProcess> daemon_;
  std::vector<CastTarget> targets_;
  // As CastCallers.
  std::vector<std::unique_ptr<v1::PagemapService::Stub>> stubs_;
  int checks_ = 0;
};

TEST_F(AccessTest, IsExactlyWhatThePolicySays) {
  int cells = 0;
  for (const PolicyRow& policy : kPolicies) {
    SetPolicy(policy);
    for (size_t i = 0; i < stubs_.size(); ++i) {
      const CastCaller& caller = CastCallers()[i];
      CheckGeneral(*stubs_[i], caller.who);
      for (const CastTarget& target : targets_) {
        SCOPED_TRACE(absl::StrCat("policy: ", policy.name, "; caller: ", caller.name,
                                  "; target: ", target.name));
        CheckAll(*stubs_[i], target, Expect(policy, caller.who, target.owner));
        if (HasFatalFailure()) return;
        ++cells;
      }
    }
    if (HasFailure()) return;
  }
  printf(
      "[ figure ] access: %d answers and denials checked, of %d callers and targets under "
      "policies\n",
      checks_, cells);
}

TEST_F(AccessTest, ABadPolicyChangesNothing) {
  const PolicyRow& good = kPolicies[2];
  SetPolicy(good);
  const CastCaller& caller = CastCallers()[2];
  for (const char* bad :
       {"grant { user: \"65534\" right: INSPECT all: true", "grant { right: INSPECT all: true }",
        "grant { user: \"no-such-user-here\" right: INSPECT all: true }", "all: true",
        "grant { user: \"65534\" right: INSPECT }", "grant { user: \"65534\" all: true }",
        "grant { user: \"65534\" right: EVERYTHING all: true }"}) {
    const absl::StatusOr<bool> taken = policy_->Replace(bad, *daemon_);
    ASSERT_TRUE(taken.ok()) << taken.status();
    EXPECT_FALSE(*taken) << bad;
    for (const CastTarget& target : targets_) {
      SCOPED_TRACE(absl::StrCat(bad, "; target: ", target.name));
      CheckAll(*stubs_[2], target, Expect(good, caller.who, target.owner));
    }
  }
  EXPECT_TRUE(absl::StrContains(daemon_->Log(), "no-such-user-here")) << daemon_->Log();
}

TEST_F(AccessTest, DenialsAreLoggedAndCounted) {
  const int pid = targets_[0].process.pid();
  CheckMappings(*stubs_[1], targets_[0], {});
  const std::string log = daemon_->Log();
  EXPECT_TRUE(
      absl::StrContains(log, absl::StrCat("denied right=inspect caller=\"uid ", kNobody, "\"")))
      << log;
  EXPECT_TRUE(absl::StrContains(log, absl::StrCat("pids=", getpid()))) << log;
  EXPECT_TRUE(absl::StrContains(log, absl::StrCat("target=", pid))) << log;
  grpc::ClientContext context;
  v1::GetStatisticsResponse statistics;
  ASSERT_TRUE(stubs_[0]->GetStatistics(&context, {}, &statistics).ok());
  uint64_t denials = 0;
  for (const auto& denial : statistics.denials()) {
    if (denial.right() == "inspect") denials = denial.denials();
  }
  EXPECT_EQ(denials, 2u);
}

}  // namespace
}  // namespace pagemapd
