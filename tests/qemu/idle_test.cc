// Page-out of what nobody has touched since the last look, where the kernel tracks idle pages:
// those of kernel-patches/ do.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <optional>

#include "tests/integration/page_out_fixture.h"
#include "tests/testing/oracle.h"
#include "tests/testing/swap_device.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kPages = 1024;
// A page in twenty may still wait for the LRU lists, where no idle page is looked for.
constexpr uint64_t kSlack = kPages / 20;

class IdleTest : public PageOutTest, public ::testing::WithParamInterface<MemoryKind> {
 protected:
  void SetUp() override {
    absl::StatusOr<SwapDevice> device = SwapDevice::Create(64 << 20);
    ASSERT_TRUE(device.ok()) << device.status();
    device_.emplace(*std::move(device));
    PageOutTest::SetUp();
    region_ = Written(GetParam(), kPages);
  }
  void TearDown() override { target_.reset(); }

  PageOutAnswer Look(bool dry_run = false) {
    v1::PageOutRequest request = PageOutOf(target_->pid(), {{region_.address, kPages}});
    request.set_only_idle(true);
    request.set_dry_run(dry_run);
    PageOutAnswer answer = PageOut(request);
    CheckWhole(request, answer);
    return answer;
  }

  std::optional<SwapDevice> device_;
  MemoryRegion region_;
};

TEST_P(IdleTest, TheFirstLookOnlyLooks) {
  grpc::ClientContext context;
  v1::GetCapabilitiesResponse capabilities;
  ASSERT_TRUE(stub_->GetCapabilities(&context, {}, &capabilities).ok());
  ASSERT_TRUE(capabilities.kernel_features().idle_pages());
  const PageOutAnswer first = Look();
  EXPECT_EQ(first.PagesOf(v1::PAGE_OUT_OUTCOME_IN_USE), kPages) << first.Text();
  EXPECT_EQ(first.counts.attempted(), 0u);
}

TEST_P(IdleTest, PagesOutWhatWasNotTouchedSince) {
  Look();
  // Until pages that were put off are on the lists.
  Look();
  ASSERT_TRUE(target_->Write(region_.address, {{0, kPages}}).ok());
  Look();
  ASSERT_TRUE(target_->Read(region_.address, {{0, 256}}).ok());
  const PageOutAnswer answer = Look();
  const uint64_t out = answer.PagesOf(v1::PAGE_OUT_OUTCOME_PAGED_OUT);
  EXPECT_GE(out, kPages - 256 - kSlack) << answer.Text();
  EXPECT_LE(out, kPages - 256) << answer.Text();
  for (uint64_t page = 0; page < 256; ++page) {
    ASSERT_EQ(answer.OutcomeAt(region_.address + page * kPageBytes), v1::PAGE_OUT_OUTCOME_IN_USE)
        << "page " << page;
  }
  EXPECT_EQ(CheckWritten(target_->pid(), region_, {{0, kPages}}), absl::OkStatus());
}

TEST_P(IdleTest, ADryRunLeavesNoMarks) {
  Look(/*dry_run=*/true);
  const PageOutAnswer again = Look(/*dry_run=*/true);
  EXPECT_EQ(again.PagesOf(v1::PAGE_OUT_OUTCOME_IN_USE), kPages) << again.Text();
  Look();
  const PageOutAnswer told = Look(/*dry_run=*/true);
  EXPECT_GE(told.PagesOf(v1::PAGE_OUT_OUTCOME_WOULD_PAGE_OUT), kPages - kSlack) << told.Text();
}

INSTANTIATE_TEST_SUITE_P(Kinds, IdleTest,
                         ::testing::Values(MemoryKind::kMemfd, MemoryKind::kPrivateAnon),
                         [](const auto& info) {
                           return info.param == MemoryKind::kMemfd ? "memfd" : "private";
                         });

}  // namespace
}  // namespace pagemapd
