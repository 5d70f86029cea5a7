// Listings that take the kernel long (it counts the pages of every mapping for smaps) hold up
// nobody: not while they run, and not when their clients are gone. One worker, so that the order of
// the answers shows it.

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tests/integration/edges_fixture.h"

namespace pagemapd {
namespace {

// Of one object, all its pages in every mapping: smaps of it takes some seconds, many times what a
// test asks meanwhile. As many as one answer has room for: half a KiB each, of 1 MiB.
constexpr uint64_t kPages = 24576;
constexpr int kMappings = 1800;

class ListingTest : public EdgesTest {
 protected:
  void SetUp() override {
    StartDaemon({"--workers", "1"});
    const absl::StatusOr<uint64_t> page =
        target_->Map(4096, kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS);
    ASSERT_TRUE(page.ok()) << page.status();
    ASSERT_TRUE(target_->Write(*page, {{0, 1}}).ok());
    page_ = *page;
    if (!large_.has_value()) MakeLarge();
  }

  static void TearDownTestSuite() { large_.reset(); }

  static void MakeLarge() {
    absl::StatusOr<TargetProcess> target = TargetProcess::Start();
    ASSERT_TRUE(target.ok()) << target.status();
    large_.emplace(*std::move(target));
    const absl::StatusOr<int64_t> fd =
        large_->SyscallWithText(SYS_memfd_create, {kPayloadArg, 0}, "a name");
    ASSERT_TRUE(fd.ok()) << fd.status();
    const uint64_t object = *fd;
    ASSERT_TRUE(large_->Syscall(SYS_ftruncate, {object, kPages * 4096}).ok());
    // A fault of a page in the cache maps those beside it too, 16 in all.
    std::vector<PageRun> touched;
    for (uint64_t page = 0; page < kPages; page += 16) touched.push_back({page, 1});
    for (int i = 0; i < kMappings; ++i) {
      const absl::StatusOr<uint64_t> address =
          large_->Map(kPages * 4096, kReadWrite, MAP_SHARED, *fd);
      ASSERT_TRUE(address.ok()) << address.status();
      if (i == 0) {
        ASSERT_TRUE(large_->Write(*address, {{0, kPages}}).ok());
      }
      ASSERT_TRUE(large_->Read(*address, touched).ok());
    }
  }

  v1::ListMappingsRequest Listing() const {
    v1::ListMappingsRequest request;
    request.mutable_process()->set_pid(large_->pid());
    request.set_include_vm_flags(true);
    return request;
  }

  // Listings that the daemon has in hand.
  int64_t OpenListings() const {
    const std::string smaps = absl::StrCat("/", large_->pid(), "/smaps");
    const std::vector<std::string> files = *daemon_->OpenFiles();
    return std::count_if(files.begin(), files.end(),
                         [&](const std::string& file) { return absl::EndsWith(file, smaps); });
  }

  // Waits until there are so many; false if the listing that sets `ended` ends before.
  bool AwaitListings(int64_t expected, const std::atomic<bool>& ended) const {
    while (OpenListings() != expected) {
      if (ended) return false;
      absl::SleepFor(absl::Milliseconds(1));
    }
    return true;
  }

  // Asks about a small process, on a connection of its own.
  void Summarize() {
    const auto stub = NewStub(daemon_->address());
    v1::SummarizePagesRequest request;
    request.set_view(v1::VIEW_PROCESS);
    AddTarget(target_->pid(), {{page_, 1}}, &request);
    grpc::ClientContext context;
    v1::SummarizePagesResponse summary;
    const grpc::Status status = stub->SummarizePages(&context, request, &summary);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(summary.total().mapped(), 1u);
  }

  // Of the small process.
  uint64_t page_ = 0;
  // Takes a while to make: of all tests, until one kills it.
  static std::optional<TargetProcess> large_;
};

std::optional<TargetProcess> ListingTest::large_;

// A ListMappings in a thread of its own.
class ListingCall {
 public:
  ListingCall(const std::string& address, const v1::ListMappingsRequest& request)
      : thread_([this, stub = NewStub(address), request] {
          status_ = stub->ListMappings(&context_, request, &response_);
          ended_ = true;
        }) {}
  ~ListingCall() {
    if (thread_.joinable()) thread_.join();
  }

  void Cancel() { context_.TryCancel(); }
  const std::atomic<bool>& ended() const { return ended_; }
  // Waits for the end.
  const grpc::Status& status() {
    if (thread_.joinable()) thread_.join();
    return status_;
  }
  const v1::ListMappingsResponse& response() const { return response_; }

 private:
  grpc::ClientContext context_;
  v1::ListMappingsResponse response_;
  grpc::Status status_;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

TEST_F(ListingTest, OthersAreAnsweredMeanwhile) {
  ListingCall call(daemon_->address(), Listing());
  ASSERT_TRUE(AwaitListings(1, call.ended()));
  Summarize();
  EXPECT_FALSE(call.ended());
  ASSERT_TRUE(call.status().ok()) << call.status().error_message();
  EXPECT_GT(call.response().mappings_size(), kMappings);
  EXPECT_EQ(call.response().next_address(), 0u);
}

TEST_F(ListingTest, CancelledOnesEnd) {
  constexpr int kCancelled = 8;
  ListingCall stays(daemon_->address(), Listing());
  ASSERT_TRUE(AwaitListings(1, stays.ended()));
  std::array<std::unique_ptr<ListingCall>, kCancelled> calls;
  for (auto& call : calls) {
    call = std::make_unique<ListingCall>(daemon_->address(), Listing());
  }
  // Under way, all of them.
  EXPECT_TRUE(AwaitListings(1 + kCancelled, stays.ended()));
  for (auto& call : calls) call->Cancel();
  for (auto& call : calls) {
    EXPECT_EQ(call->status().error_code(), grpc::StatusCode::CANCELLED);
  }
  EXPECT_TRUE(AwaitListings(1, stays.ended()));
  Summarize();
  // Cancelled as soon as they are asked for.
  for (auto& call : calls) {
    call = std::make_unique<ListingCall>(daemon_->address(), Listing());
    call->Cancel();
  }
  for (auto& call : calls) {
    EXPECT_EQ(call->status().error_code(), grpc::StatusCode::CANCELLED);
  }
  Summarize();
  EXPECT_TRUE(AwaitListings(1, stays.ended()));
  EXPECT_FALSE(stays.ended());
  ASSERT_TRUE(stays.status().ok()) << stays.status().error_message();
  EXPECT_GT(stays.response().mappings_size(), kMappings);
}

// As a line of maps, with single blanks.
std::string MapsLine(const v1::Mapping& mapping) {
  return absl::StrFormat(
      "%08x-%08x %c%c%c%c %08x %02x:%02x %d%s%s", mapping.range().start(), mapping.range().end(),
      mapping.readable() ? 'r' : '-', mapping.writable() ? 'w' : '-',
      mapping.executable() ? 'x' : '-', mapping.shared() ? 's' : 'p', mapping.offset_bytes(),
      mapping.object().device_major(), mapping.object().device_minor(), mapping.object().inode(),
      mapping.path().empty() ? "" : " ", mapping.path());
}

std::vector<std::string> MapsLines(const std::string& maps) {
  std::vector<std::string> lines;
  for (absl::string_view line : absl::StrSplit(maps, '\n', absl::SkipEmpty())) {
    lines.push_back(absl::StrJoin(absl::StrSplit(line, ' ', absl::SkipEmpty()), " "));
  }
  return lines;
}

TEST_F(ListingTest, PagesMakeTheWhole) {
  const std::vector<std::string> truth =
      MapsLines(*ReadText(absl::StrCat("/proc/", large_->pid(), "/maps")));
  ASSERT_GT(truth.size(), size_t{kMappings});
  for (const bool vm_flags : {false, true}) {
    v1::ListMappingsRequest request = Listing();
    request.set_include_vm_flags(vm_flags);
    request.set_max_mappings(vm_flags ? 600 : 7);
    std::vector<std::string> listed;
    do {
      grpc::ClientContext context;
      v1::ListMappingsResponse response;
      const grpc::Status status = stub_->ListMappings(&context, request, &response);
      ASSERT_TRUE(status.ok()) << status.error_message();
      ASSERT_LE(response.mappings_size(), static_cast<int>(request.max_mappings()));
      EXPECT_EQ(response.process().pid(), large_->pid());
      for (const v1::Mapping& mapping : response.mappings()) {
        listed.push_back(MapsLine(mapping));
        EXPECT_EQ(mapping.vm_flags_size() > 0, vm_flags) << listed.back();
      }
      request.set_start_address(response.next_address());
    } while (request.start_address() != 0);
    EXPECT_EQ(listed, truth);
  }
}

TEST_F(ListingTest, EndsWithItsProcess) {
  ListingCall call(daemon_->address(), Listing());
  ASSERT_TRUE(AwaitListings(1, call.ended()));
  large_->Kill();
  EXPECT_EQ(call.status().error_code(), grpc::StatusCode::ABORTED) << call.status().error_message();
  EXPECT_EQ(OpenListings(), 0);
  large_.reset();
}

}  // namespace
}  // namespace pagemapd
