// A process of one's own that maps a file of somebody else's: its page table is one's own to see,
// the file's page cache is not. The kernel tells no more either (mincore(2)).

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"
#include "tests/service/access/access_cast.h"
#include "tests/service/access/access_model.h"
#include "tests/testing/caller.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/fd.h"
#include "tests/testing/page_client.h"
#include "tests/testing/policy_file.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/target_process.h"
#include "tests/testing/text_file.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kPages = 64;
// The process has read the first; the file has the first half.
constexpr uint64_t kRead = 8;
constexpr uint64_t kWritten = 32;

// Nobody may page out its own, and see it as everyone may; an operator may do all to everybody's.
const PolicyRow kPolicy = {"files",
                           {{{kNobody}, {}, false, false, true, false, {}, true},
                            {{}, {kOperators}, true, true, true, true}}};
const Identity kOperator = {61004, kOperators};

class OthersFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<SwapDevice> device = SwapDevice::Create(64 << 20);
    ASSERT_TRUE(device.ok()) << device.status();
    device_.emplace(*std::move(device));
    absl::StatusOr<PolicyFile> policy = PolicyFile::Create(TextOf(kPolicy));
    ASSERT_TRUE(policy.ok()) << policy.status();
    policy_.emplace(*std::move(policy));
    absl::StatusOr<DaemonProcess> daemon = DaemonProcess::Start({"--policy", policy_->path()});
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_.emplace(*std::move(daemon));
    ASSERT_TRUE(daemon_->OpenToAll().ok());
    char directory[] = "/dev/shm/pagemapd-test-XXXXXX";
    ASSERT_NE(mkdtemp(directory), nullptr);
    absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"rmtree", directory});
    ASSERT_TRUE(undo.ok()) << undo.status();
    undo_ = *std::move(undo);
    ASSERT_EQ(chmod(directory, 0711), 0);
    const std::string path = absl::StrCat(directory, "/file");
    Fd file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    ASSERT_TRUE(file);
    ASSERT_EQ(ftruncate(file.get(), kPages * kPage), 0);
    const std::string content(kWritten * kPage, 'x');
    ASSERT_EQ(pwrite(file.get(), content.data(), content.size(), 0),
              static_cast<ssize_t>(content.size()));
    absl::StatusOr<TargetProcess> process = TargetProcess::Start();
    ASSERT_TRUE(process.ok() && process->Become({kNobody, kNobody}).ok());
    absl::StatusOr<int64_t> fd =
        process->SyscallWithText(SYS_open, {kPayloadArg, O_RDONLY, 0}, path);
    ASSERT_TRUE(fd.ok()) << fd.status();
    absl::StatusOr<uint64_t> at =
        process->Map(kPages * kPage, PROT_READ, MAP_SHARED, static_cast<int>(*fd));
    ASSERT_TRUE(at.ok()) << at.status();
    at_ = *at;
    ASSERT_TRUE(process->Advise(at_, {{0, kPages}}, MADV_RANDOM).ok());
    ASSERT_TRUE(process->Read(at_, {{0, kRead}}).ok());
    // What was mapped around them goes again.
    ASSERT_TRUE(process->Advise(at_, {{kRead, kPages - kRead}}, MADV_DONTNEED).ok());
    process_.emplace(*std::move(process));
    nobody_ = StubOf({kNobody, kNobody});
    operator_ = StubOf(kOperator);
  }

  std::unique_ptr<v1::PagemapService::Stub> StubOf(const Identity& who) {
    auto stub = NewStubAs(who, daemon_->socket());
    EXPECT_TRUE(stub.ok()) << stub.status();
    return stub.ok() ? *std::move(stub) : nullptr;
  }

  // Pages of the mapping by state.
  std::vector<uint64_t> States(v1::PagemapService::Stub& stub, v1::View view) {
    const PagesAnswer answer =
        QueryAll(stub, QueryOf(process_->pid(), {{at_, kPages}}, view, v1::FORMAT_EXTENTS));
    EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
    EXPECT_FALSE(answer.ends[0].has_error()) << answer.ends[0].error().message();
    std::vector<uint64_t> states(7);
    for (const v1::PageChunk& chunk : answer.chunks) {
      for (const v1::PageExtent& extent : chunk.extents()) states[extent.state()] += extent.pages();
    }
    return states;
  }

  // What would, or did, become of a page.
  v1::PageOutOutcome PageOut(v1::PagemapService::Stub& stub, uint64_t page, bool dry_run) {
    v1::PageOutRequest request;
    request.mutable_process()->set_pid(process_->pid());
    v1::AddressRange* range = request.add_ranges()->mutable_range();
    range->set_start(at_ + page * kPage);
    range->set_end(at_ + (page + 1) * kPage);
    request.set_dry_run(dry_run);
    grpc::ClientContext context;
    auto stream = stub.PageOut(&context, request);
    v1::PageOutResponse message;
    v1::PageOutOutcome outcome = v1::PAGE_OUT_OUTCOME_UNSPECIFIED;
    while (stream->Read(&message)) {
      for (const auto& extent : message.extents()) outcome = extent.outcome();
    }
    EXPECT_TRUE(stream->Finish().ok());
    return outcome;
  }

  // Whether a page holds as cached.
  bool IsCached(v1::PagemapService::Stub& stub, uint64_t page) {
    v1::RevalidatePagesRequest request;
    request.mutable_process()->set_pid(process_->pid());
    request.set_view(v1::VIEW_OBJECT);
    v1::PageExtent* extent = request.add_extents();
    extent->set_start(at_ + page * kPage);
    extent->set_pages(1);
    extent->set_state(v1::PAGE_STATE_CACHED);
    grpc::ClientContext context;
    v1::RevalidatePagesResponse response;
    const grpc::Status status = stub.RevalidatePages(&context, request, &response);
    return status.ok() && response.held_pages() == 1;
  }

  std::optional<SwapDevice> device_;
  std::optional<PolicyFile> policy_;
  std::optional<DaemonProcess> daemon_;
  UndoEntry undo_;
  std::optional<TargetProcess> process_;
  uint64_t at_ = 0;
  std::unique_ptr<v1::PagemapService::Stub> nobody_, operator_;
};

TEST_F(OthersFilesTest, OnlyThePageTableIsShown) {
  auto states = States(*operator_, v1::VIEW_PROCESS);
  EXPECT_EQ(states[v1::PAGE_STATE_MAPPED], kRead);
  EXPECT_EQ(states[v1::PAGE_STATE_CACHED], kWritten - kRead);
  EXPECT_EQ(states[v1::PAGE_STATE_HOLE], kPages - kWritten);
  states = States(*operator_, v1::VIEW_OBJECT);
  EXPECT_EQ(states[v1::PAGE_STATE_CACHED], kWritten);

  states = States(*nobody_, v1::VIEW_PROCESS);
  EXPECT_EQ(states[v1::PAGE_STATE_MAPPED], kRead);
  EXPECT_EQ(states[v1::PAGE_STATE_UNKNOWN], kPages - kRead);
  states = States(*nobody_, v1::VIEW_OBJECT);
  EXPECT_EQ(states[v1::PAGE_STATE_UNKNOWN], kPages);
}

TEST_F(OthersFilesTest, NorByAnyOtherQuestion) {
  EXPECT_TRUE(IsCached(*operator_, kRead + 1));
  EXPECT_FALSE(IsCached(*operator_, kWritten + 1));
  EXPECT_FALSE(IsCached(*nobody_, kRead + 1));

  v1::QueryPagesRequest object = QueryOf(process_->pid(), {}, v1::VIEW_OBJECT, v1::FORMAT_EXTENTS);
  object.mutable_targets(0)->set_object_address(at_);
  PagesAnswer answer = QueryAll(*operator_, object);
  ASSERT_EQ(answer.ends.size(), 1u);
  EXPECT_FALSE(answer.ends[0].has_error()) << answer.ends[0].error().message();
  answer = QueryAll(*nobody_, object);
  ASSERT_EQ(answer.ends.size(), 1u);
  EXPECT_EQ(answer.ends[0].error().reason(), v1::ERROR_REASON_PERMISSION_DENIED);

  v1::SummarizePagesRequest request;
  AddTarget(process_->pid(), {{at_, kPages}}, &request);
  request.set_view(v1::VIEW_PROCESS);
  request.set_include_folios(true);
  v1::SummarizePagesResponse summary;
  for (v1::PagemapService::Stub* stub : {nobody_.get(), operator_.get()}) {
    grpc::ClientContext context;
    const grpc::Status status = stub->SummarizePages(&context, request, &summary);
    ASSERT_TRUE(status.ok()) << status.error_message();
    const bool may = stub == operator_.get();
    EXPECT_EQ(summary.total().cached(), may ? kWritten - kRead : 0u);
    EXPECT_EQ(summary.total().hole(), may ? kPages - kWritten : 0u);
    uint64_t in_folios = 0;
    for (const v1::FolioSize& folio : summary.folios()) in_folios += folio.resident_pages();
    EXPECT_EQ(in_folios, may ? kWritten : 0u);
  }
}

// With the right to page out one's own: no more than the kernel would do for its owner, and no way
// to learn which pages of the file are in RAM.
TEST_F(OthersFilesTest, NorByPageOut) {
  for (const bool dry_run : {true, false}) {
    const v1::PageOutOutcome resident = PageOut(*nobody_, kRead + 1, dry_run);
    const v1::PageOutOutcome hole = PageOut(*nobody_, kWritten + 1, dry_run);
    EXPECT_EQ(resident, hole) << v1::PageOutOutcome_Name(resident) << ", "
                              << v1::PageOutOutcome_Name(hole);
    EXPECT_NE(resident, v1::PAGE_OUT_OUTCOME_PAGED_OUT);
  }
  EXPECT_TRUE(IsCached(*operator_, kRead + 1));
}

}  // namespace
}  // namespace pagemapd
