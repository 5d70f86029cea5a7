#include "daemon/service/request_validation.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace pagemapd {
namespace {

v1::QueryPagesRequest Query() {
  v1::QueryPagesRequest request;
  request.set_view(v1::VIEW_PROCESS);
  request.set_format(v1::FORMAT_EXTENTS);
  request.add_targets()->mutable_process()->set_pid(1);
  return request;
}

v1::RevalidatePagesRequest Revalidation() {
  v1::RevalidatePagesRequest request;
  request.set_view(v1::VIEW_PROCESS);
  request.mutable_process()->set_pid(1);
  v1::PageExtent* extent = request.add_extents();
  extent->set_start(0x1000);
  extent->set_pages(2);
  extent->set_state(v1::PAGE_STATE_SWAPPED);
  return request;
}

void ExpectInvalid(const absl::Status& status, const std::string& says) {
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_NE(status.message().find(says), std::string::npos) << status;
}

TEST(RequestValidationTest, TurnsFieldsAndStatesIntoMasks) {
  v1::QueryPagesRequest request = Query();
  request.add_states(v1::PAGE_STATE_SWAPPED);
  request.add_fields(v1::PAGE_FIELD_LOCATION);
  auto scan = ValidateQuery(request, {});
  ASSERT_TRUE(scan.ok()) << scan.status();
  EXPECT_EQ(scan->spec.states, 1 << 4);
  EXPECT_EQ(scan->spec.fields, PageRecord::kLocationMask);
  EXPECT_FALSE(scan->spec.frame_flags);

  request.add_fields(v1::PAGE_FIELD_FRAME_FLAGS);
  request.clear_states();
  scan = ValidateQuery(request, {});
  EXPECT_EQ(scan->spec.fields, PageRecord::kLocationMask | PageRecord::kFlagMask);
  EXPECT_TRUE(scan->spec.frame_flags);
  EXPECT_TRUE(scan->spec.Wants(PageState::kHole));
}

TEST(RequestValidationTest, RefusesUnknownValues) {
  const auto check = [](const std::function<void(v1::QueryPagesRequest&)>& spoil,
                        const std::string& says) {
    v1::QueryPagesRequest request = Query();
    spoil(request);
    ExpectInvalid(ValidateQuery(request, {}).status(), says);
  };
  check([](auto& r) { r.set_view(v1::VIEW_UNSPECIFIED); }, "view 0");
  check([](auto& r) { r.set_view(static_cast<v1::View>(77)); }, "view 77");
  check([](auto& r) { r.set_format(static_cast<v1::Format>(-3)); }, "format -3");
  check([](auto& r) { r.add_states(v1::PAGE_STATE_UNSPECIFIED); }, "state 0");
  check([](auto& r) { r.add_states(static_cast<v1::PageState>(7)); }, "state 7");
  check([](auto& r) { r.add_fields(static_cast<v1::PageField>(9)); }, "field 9");
  check([](auto& r) { r.set_format(v1::FORMAT_BITMAP); }, "needs states");
  check([](auto& r) { r.clear_targets(); }, "no targets");
}

TEST(RequestValidationTest, HoldsTheLimits) {
  Limits limits;
  limits.max_targets = 2;
  limits.max_ranges = 3;
  v1::QueryPagesRequest request = Query();
  request.add_targets();
  EXPECT_TRUE(ValidateQuery(request, limits).ok());
  for (int i = 0; i < 2; ++i) {
    for (v1::Target& target : *request.mutable_targets()) target.add_ranges();
  }
  ExpectInvalid(ValidateQuery(request, limits).status(), "4 ranges; the limit is 3");
  request.add_targets();
  ExpectInvalid(ValidateQuery(request, limits).status(), "3 targets; the limit is 2");
}

TEST(RequestValidationTest, RevalidationKeepsTheRequestsOrder) {
  v1::RevalidatePagesRequest request = Revalidation();
  v1::PageExtent* lower = request.add_extents();
  *lower = request.extents(0);
  lower->set_start(0);
  lower->set_pages(1);
  lower->set_swap_type(1);
  lower->set_swap_offset(9);
  auto parsed = ValidateRevalidation(request, {});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->extents[0].index, 1);
  EXPECT_EQ(parsed->extents[0].extent.first.swap(), (SwapEntry{1, 9}));
  EXPECT_EQ(parsed->extents[1].index, 0);
  EXPECT_EQ(parsed->spec.fields, PageRecord::kLocationMask);
}

TEST(RequestValidationTest, ExtentsOfAnObjectStartAtOffsets) {
  v1::RevalidatePagesRequest request = Revalidation();
  request.set_object_address(0x7000);
  request.set_view(v1::VIEW_PROCESS);
  ExpectInvalid(ValidateRevalidation(request, {}).status(), "VIEW_OBJECT");
  request.set_view(v1::VIEW_OBJECT);
  // Past any address, and not past any file.
  request.mutable_extents(0)->set_start(uint64_t{1} << 62);
  auto parsed = ValidateRevalidation(request, {});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->target.object_address, 0x7000);
  request.mutable_extents(0)->set_start(uint64_t{1} << 63);
  ExpectInvalid(ValidateRevalidation(request, {}).status(), "largest file");
}

TEST(RequestValidationTest, RefusesExtentsThatCannotBe) {
  const auto check = [](const std::function<void(v1::PageExtent&)>& spoil,
                        const std::string& says) {
    v1::RevalidatePagesRequest request = Revalidation();
    spoil(*request.mutable_extents(0));
    ExpectInvalid(ValidateRevalidation(request, {}).status(), "extent 0: ");
    ExpectInvalid(ValidateRevalidation(request, {}).status(), says);
  };
  check([](auto& e) { e.set_pages(0); }, "0 pages");
  check([](auto& e) { e.set_pages(UINT64_MAX); }, "18446744073709551615 pages");
  check([](auto& e) { e.set_start(UINT64_MAX - 4095); }, "0xfffffffffffff000");
  check([](auto& e) { e.set_start(0x1001); }, "0x1001");
  check([](auto& e) { e.set_state(v1::PAGE_STATE_UNSPECIFIED); }, "state 0");
  check([](auto& e) { e.set_pfn(5); }, "not mapped");
  check([](auto& e) { e.set_swap_type(32); }, "swap type 32");
  check([](auto& e) { e.set_swap_offset(uint64_t{1} << 40); }, "location");
}

TEST(RequestValidationTest, RefusesOverlappingExtents) {
  v1::RevalidatePagesRequest request = Revalidation();
  *request.add_extents() = request.extents(0);
  request.mutable_extents(1)->set_start(0x2000);
  ExpectInvalid(ValidateRevalidation(request, {}).status(), "extents 0 and 1 overlap");
  request.clear_extents();
  ExpectInvalid(ValidateRevalidation(request, {}).status(), "no extents");
}

TEST(RequestValidationTest, AFilterThatTreatsAllThatIsNotSwappedAlike) {
  v1::QueryPagesRequest request;
  request.set_view(v1::VIEW_PROCESS);
  request.set_format(v1::FORMAT_BITMAP);
  request.add_targets()->mutable_process()->set_pid(1);
  const auto alike = [&] { return ValidateQuery(request, Limits())->spec.TreatsUnswappedAlike(); };
  request.add_states(v1::PAGE_STATE_SWAPPED);
  EXPECT_TRUE(alike());
  request.add_states(v1::PAGE_STATE_CACHED);
  EXPECT_FALSE(alike());
  for (int state : {v1::PAGE_STATE_HOLE, v1::PAGE_STATE_SPECIAL}) {
    request.add_states(static_cast<v1::PageState>(state));
    EXPECT_FALSE(alike()) << state;
  }
  request.add_states(v1::PAGE_STATE_UNKNOWN);
  EXPECT_TRUE(alike()) << "a bit, whichever of them it is";
  request.set_format(v1::FORMAT_EXTENTS);
  EXPECT_FALSE(alike());
  request.clear_states();
  EXPECT_FALSE(alike()) << "every state";
  request.add_states(v1::PAGE_STATE_MAPPED);
  EXPECT_TRUE(alike());
}

}  // namespace
}  // namespace pagemapd
