// The three formats, the filters and fields, summaries and revalidation: all of one daemon, against
// each other and against the oracle.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/integration/page_report.h"
#include "tests/testing/ctl_run.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/memory_region.h"
#include "tests/testing/page_client.h"
#include "tests/testing/served_target.h"
#include "tests/testing/steady_check.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/target_process.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPages = 40000;
constexpr v1::PageState kStates[] = {v1::PAGE_STATE_HOLE,    v1::PAGE_STATE_MAPPED,
                                     v1::PAGE_STATE_CACHED,  v1::PAGE_STATE_SWAPPED,
                                     v1::PAGE_STATE_SPECIAL, v1::PAGE_STATE_UNKNOWN};
constexpr v1::View kViews[] = {v1::VIEW_PROCESS, v1::VIEW_OBJECT};

uint64_t CountOf(const v1::PageCounts& counts, v1::PageState state) {
  switch (state) {
    case v1::PAGE_STATE_HOLE:
      return counts.hole();
    case v1::PAGE_STATE_MAPPED:
      return counts.mapped();
    case v1::PAGE_STATE_CACHED:
      return counts.cached();
    case v1::PAGE_STATE_SWAPPED:
      return counts.swapped();
    case v1::PAGE_STATE_SPECIAL:
      return counts.special();
    default:
      return counts.unknown();
  }
}

class FormatsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<SwapDevice> device = SwapDevice::Create(uint64_t{1} << 30);
    ASSERT_TRUE(device.ok()) << device.status();
    device_.emplace(*std::move(device));
    // Some answers here have more extents than a request may by default.
    absl::Status started = StartWithTarget({"--max-ranges", "65536"}, &daemon_, &stub_, &target_);
    ASSERT_TRUE(started.ok()) << started;
    // Of each mix, since a chunk that is all the same goes another way.
    for (auto [kind, mix] : {std::pair(MemoryKind::kMemfd, Mix::kRandom),
                             std::pair(MemoryKind::kMemfd, Mix::kAllSwapped),
                             std::pair(MemoryKind::kSharedAnon, Mix::kRunLength),
                             std::pair(MemoryKind::kPrivateAnon, Mix::kRandom),
                             std::pair(MemoryKind::kPrivateAnon, Mix::kSparse),
                             std::pair(MemoryKind::kPrivateMemfd, Mix::kRunLength)}) {
      absl::StatusOr<MemoryRegion> region = MapRegion(*target_, kind, kPages);
      ASSERT_TRUE(region.ok()) << region.status();
      absl::Status shaped = Shape(*target_, *region, MakeMix(mix, kPages, WishesFor(kind), 3));
      ASSERT_TRUE(shaped.ok()) << shaped;
      regions_.push_back(*std::move(region));
    }
  }

  v1::QueryPagesRequest Request(const MemoryRegion& region, v1::View view, v1::Format format,
                                std::initializer_list<v1::PageField> fields) const {
    return QueryOf(target_->pid(), {{region.address, region.pages}}, view, format, fields);
  }

  PagesAnswer Ask(const v1::QueryPagesRequest& request) {
    PagesAnswer answer = QueryAll(*stub_, request);
    EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
    for (const v1::TargetEnd& end : answer.ends) {
      EXPECT_FALSE(end.has_error()) << end.error().message();
    }
    return answer;
  }

  std::vector<ReportedPage> Pages(const MemoryRegion& region, const PagesAnswer& answer) {
    PageReport report(region.address, region.pages);
    for (const v1::PageChunk& chunk : answer.chunks) {
      absl::Status added = report.Add(chunk);
      EXPECT_TRUE(added.ok()) << added;
    }
    return report.pages();
  }

  std::vector<bool> Bits(const MemoryRegion& region, const PagesAnswer& answer) {
    std::vector<bool> bits(region.pages);
    for (const v1::PageChunk& chunk : answer.chunks) {
      uint64_t first = (chunk.start() - region.address) / kPageBytes;
      bool has_bits = !chunk.has_uniform() && !chunk.bitmap().empty();
      if (first + chunk.pages() > region.pages ||
          (has_bits && chunk.bitmap().size() != (chunk.pages() + 7) / 8)) {
        ADD_FAILURE() << "a bitmap of " << chunk.bitmap().size() << " bytes for " << chunk.pages()
                      << " pages from page " << first;
        continue;
      }
      for (uint64_t i = 0; i < chunk.pages(); ++i) {
        bits[first + i] = has_bits ? chunk.bitmap()[i / 8] >> (i % 8) & 1
                                   : chunk.has_uniform() && chunk.uniform() == 1;
      }
    }
    return bits;
  }

  v1::SummarizePagesResponse Summarize(const std::vector<const MemoryRegion*>& regions,
                                       v1::View view) {
    v1::SummarizePagesRequest request;
    request.set_view(view);
    request.set_include_mappings(true);
    for (const MemoryRegion* region : regions) {
      AddTarget(target_->pid(), {{region->address, region->pages}}, &request);
    }
    grpc::ClientContext context;
    v1::SummarizePagesResponse summary;
    grpc::Status status = stub_->SummarizePages(&context, request, &summary);
    EXPECT_TRUE(status.ok()) << status.error_message();
    for (const v1::TargetSummary& target : summary.targets()) {
      EXPECT_FALSE(target.has_error()) << target.error().message();
    }
    return summary;
  }

  v1::RevalidatePagesResponse Revalidate(const v1::RevalidatePagesRequest& request) {
    grpc::ClientContext context;
    v1::RevalidatePagesResponse response;
    grpc::Status status = stub_->RevalidatePages(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  void ExpectSteadily(const MemoryRegion& region,
                      const std::function<std::vector<std::string>()>& check) {
    for (const std::string& failure : CheckSteadily(target_->pid(), region, check)) {
      ADD_FAILURE() << failure;
    }
  }

  std::optional<SwapDevice> device_;
  std::optional<DaemonProcess> daemon_;
  std::unique_ptr<v1::PagemapService::Stub> stub_;
  std::optional<TargetProcess> target_;
  std::vector<MemoryRegion> regions_;
};

TEST_F(FormatsTest, PackedSaysWhatExtentsSay) {
  // These the kernel changes of its own accord, by reclaim and DAMON.
  constexpr uint32_t kVolatile =
      1u << v1::PAGE_FLAG_DIRTY | 1u << v1::PAGE_FLAG_REFERENCED | 1u << v1::PAGE_FLAG_IDLE;
  for (const MemoryRegion& region : regions_) {
    for (v1::View view : kViews) {
      SCOPED_TRACE(absl::StrCat(Name(region.kind), ", view ", view));
      ExpectSteadily(region, [&] {
        std::vector<std::string> failures;
        auto fields = {v1::PAGE_FIELD_LOCATION, v1::PAGE_FIELD_FRAME_FLAGS, v1::PAGE_FIELD_SOURCE};
        std::vector<ReportedPage> extents =
            Pages(region, Ask(Request(region, view, v1::FORMAT_EXTENTS, fields)));
        std::vector<ReportedPage> packed =
            Pages(region, Ask(Request(region, view, v1::FORMAT_PACKED, fields)));
        for (uint64_t i = 0; i < region.pages; ++i) {
          const ReportedPage &a = extents[i], &b = packed[i];
          bool same = a.state != 0 && a.state == b.state && a.source == b.source &&
                      (a.flags & ~kVolatile) == (b.flags & ~kVolatile) && a.has_pfn == b.has_pfn &&
                      a.pfn == b.pfn && a.has_slot == b.has_slot && a.swap_type == b.swap_type &&
                      a.swap_offset == b.swap_offset;
          if (same || failures.size() > 4) continue;
          failures.push_back(absl::StrFormat(
              "page %d: %s flags %#x source %d pfn %#x slot %d:%#x, packed %s %#x %d %#x %d:%#x", i,
              v1::PageState_Name(a.state), a.flags, a.source, a.pfn, a.swap_type, a.swap_offset,
              v1::PageState_Name(b.state), b.flags, b.source, b.pfn, b.swap_type, b.swap_offset));
        }
        return failures;
      });
    }
  }
}

TEST_F(FormatsTest, FiltersAndBitmapsPickTheStatesAskedFor) {
  for (const MemoryRegion& region : regions_) {
    for (v1::View view : kViews) {
      for (unsigned filter : {1u, 2u, 4u, 8u, 10u, 13u, 32u, 63u}) {
        SCOPED_TRACE(absl::StrCat(Name(region.kind), ", view ", view, ", filter ", filter));
        auto wanted = [&](v1::PageState state) { return (filter >> (state - 1) & 1) != 0; };
        auto request = [&](v1::Format format) {
          v1::QueryPagesRequest request = Request(region, view, format, {});
          for (v1::PageState state : kStates) {
            if (wanted(state)) request.add_states(state);
          }
          return request;
        };
        ExpectSteadily(region, [&]() -> std::vector<std::string> {
          std::vector<ReportedPage> all =
              Pages(region, Ask(Request(region, view, v1::FORMAT_EXTENTS, {})));
          std::vector<ReportedPage> extents = Pages(region, Ask(request(v1::FORMAT_EXTENTS)));
          std::vector<ReportedPage> packed = Pages(region, Ask(request(v1::FORMAT_PACKED)));
          std::vector<bool> bitmap = Bits(region, Ask(request(v1::FORMAT_BITMAP)));
          uint64_t wrong[3] = {};
          for (uint64_t i = 0; i < region.pages; ++i) {
            v1::PageState expected =
                wanted(all[i].state) ? all[i].state : v1::PAGE_STATE_UNSPECIFIED;
            wrong[0] += extents[i].state != expected;
            wrong[1] += packed[i].state != expected;
            wrong[2] += bitmap[i] != wanted(all[i].state);
          }
          if (wrong[0] + wrong[1] + wrong[2] == 0) return {};
          return {absl::StrCat("pages wrong: ", wrong[0], " in extents, ", wrong[1], " in packed, ",
                               wrong[2], " in bitmap")};
        });
      }
    }
  }
}

TEST_F(FormatsTest, CommandLineFiltersByState) {
  const MemoryRegion& region = regions_[0];
  ExpectSteadily(region, [&]() -> std::vector<std::string> {
    std::vector<ReportedPage> all =
        Pages(region, Ask(Request(region, v1::VIEW_PROCESS, v1::FORMAT_EXTENTS, {})));
    uint64_t expected = 0, said = 0, others = 0;
    for (const ReportedPage& page : all) {
      expected += page.state == v1::PAGE_STATE_SWAPPED || page.state == v1::PAGE_STATE_CACHED;
    }
    auto result = RunCtl(
        daemon_->address(),
        {"-o", "jsonl", "pages", absl::StrCat(target_->pid()), "--range",
         absl::StrFormat("%x-%x", region.address, region.address + region.pages * kPageBytes),
         "--state", "swapped,cached"},
        [&](absl::string_view line) {
          auto parsed = ParsePageLine(line);
          if (!parsed.ok()) return;
          v1::PageState state = parsed->extent.state();
          said += parsed->extent.pages();
          others += state != v1::PAGE_STATE_SWAPPED && state != v1::PAGE_STATE_CACHED;
        });
    if (!result.ok() || result->exit_code != 0) {
      return {result.ok() ? result->err : result.status().ToString()};
    }
    if (said == expected && others == 0) return {};
    return {absl::StrCat(said, " pages told of ", expected, ", extents of other states ", others)};
  });
}

// Nothing adjacent and equal is told as two extents, but where a chunk ends; nothing that was not
// asked for is told, or splits.
TEST_F(FormatsTest, ExtentsAreMaximal) {
  const std::vector<std::vector<v1::PageField>> asked = {
      {},
      {v1::PAGE_FIELD_LOCATION},
      {v1::PAGE_FIELD_FLAGS},
      {v1::PAGE_FIELD_SOURCE},
      {v1::PAGE_FIELD_LOCATION, v1::PAGE_FIELD_FRAME_FLAGS, v1::PAGE_FIELD_SOURCE}};
  for (const MemoryRegion& region : regions_) {
    for (v1::View view : kViews) {
      for (const auto& fields : asked) {
        v1::QueryPagesRequest request = Request(region, view, v1::FORMAT_EXTENTS, {});
        std::set<v1::PageField> has(fields.begin(), fields.end());
        for (v1::PageField field : fields) request.add_fields(field);
        PagesAnswer answer = Ask(request);
        uint64_t split = 0, untold = 0;
        for (const v1::PageChunk& chunk : answer.chunks) {
          const v1::PageExtent* previous = nullptr;
          for (const v1::PageExtent& extent : chunk.extents()) {
            if (previous != nullptr && Continues(*previous, extent)) ++split;
            previous = &extent;
            bool location = extent.has_pfn() || extent.has_swap_type();
            if (has.count(v1::PAGE_FIELD_LOCATION) == 0 && location) ++untold;
            bool flags = has.count(v1::PAGE_FIELD_FLAGS) + has.count(v1::PAGE_FIELD_FRAME_FLAGS);
            if (!flags && extent.flags() != 0) ++untold;
            if (has.count(v1::PAGE_FIELD_SOURCE) == 0 && extent.source() != 0) ++untold;
          }
        }
        EXPECT_EQ(split, 0u) << Name(region.kind) << ", view " << view;
        EXPECT_EQ(untold, 0u) << Name(region.kind) << ", view " << view;
      }
    }
  }
}

TEST_F(FormatsTest, SummariesAreSumsOfPages) {
  for (v1::View view : kViews) {
    for (const MemoryRegion& region : regions_) {
      SCOPED_TRACE(absl::StrCat(Name(region.kind), ", view ", view));
      ExpectSteadily(region, [&]() -> std::vector<std::string> {
        v1::SummarizePagesResponse summary = Summarize({&region}, view);
        if (summary.targets_size() != 1 || summary.targets(0).mappings_size() != 1) {
          return {"not one target with one mapping"};
        }
        const v1::TargetSummary& said = summary.targets(0);
        std::vector<std::string> failures;
        if (said.mappings(0).mapping().range().start() != region.address) {
          failures.push_back("another mapping");
        }
        PagesAnswer answer = Ask(Request(region, view, v1::FORMAT_EXTENTS, {}));
        std::vector<ReportedPage> pages = Pages(region, answer);
        for (v1::PageState state : kStates) {
          uint64_t expected = 0;
          for (const ReportedPage& page : pages) expected += page.state == state;
          for (const v1::PageCounts& counts :
               {said.total(), said.mappings(0).counts(), answer.ends.at(0).counts()}) {
            if (CountOf(counts, state) == expected) continue;
            failures.push_back(absl::StrCat(v1::PageState_Name(state), ": ", CountOf(counts, state),
                                            " instead of ", expected));
          }
        }
        return failures;
      });
    }
  }
}

TEST_F(FormatsTest, SummaryTotalsAreSumsOfTargets) {
  std::vector<const MemoryRegion*> regions;
  for (const MemoryRegion& region : regions_) regions.push_back(&region);
  v1::SummarizePagesResponse summary = Summarize(regions, v1::VIEW_PROCESS);
  ASSERT_EQ(summary.targets_size(), regions.size());
  for (v1::PageState state : kStates) {
    uint64_t sum = 0;
    for (const v1::TargetSummary& target : summary.targets()) {
      sum += CountOf(target.total(), state);
    }
    EXPECT_EQ(CountOf(summary.total(), state), sum) << v1::PageState_Name(state);
  }
  auto swapped = [](const auto& message) {
    uint64_t pages = 0;
    for (const v1::SwapUse& use : message.swap()) pages += use.pages();
    return pages;
  };
  EXPECT_EQ(swapped(summary), summary.total().swapped());
  EXPECT_GT(swapped(summary), kPages);
  for (const v1::TargetSummary& target : summary.targets()) {
    EXPECT_EQ(swapped(target), target.total().swapped());
    EXPECT_FALSE(target.mappings_changed());
    EXPECT_LT(target.scan_begin_ns(), target.scan_end_ns());
  }
}

// Extents hold until the pages change; then exactly those of changed pages do not.
TEST_F(FormatsTest, RevalidationFindsWhatChanged) {
  for (const MemoryRegion& region : regions_) {
    SCOPED_TRACE(Name(region.kind));
    v1::RevalidatePagesRequest request;
    std::vector<TruePage> before;
    ExpectSteadily(region, [&]() -> std::vector<std::string> {
      auto truth = TruthOf(target_->pid(), region, false);
      if (!truth.ok()) return {truth.status().ToString()};
      before = *std::move(truth);
      PagesAnswer answer =
          Ask(Request(region, v1::VIEW_PROCESS, v1::FORMAT_EXTENTS, {v1::PAGE_FIELD_LOCATION}));
      request.Clear();
      *request.mutable_process() = answer.starts.at(0).process();
      request.set_view(v1::VIEW_PROCESS);
      for (const v1::PageChunk& chunk : answer.chunks) {
        for (const v1::PageExtent& extent : chunk.extents()) *request.add_extents() = extent;
      }
      v1::RevalidatePagesResponse fresh = Revalidate(request);
      if (fresh.asked_pages() == region.pages && fresh.held_pages() == region.pages &&
          fresh.held_extents() == request.extents_size()) {
        return {};
      }
      return {absl::StrCat("of fresh extents ", fresh.held_pages(), " pages and ",
                           fresh.held_extents(), " of ", request.extents_size(), " hold")};
    });

    // Every fifth of those swapped and of those mapped.
    std::vector<PageRun> touched, dropped;
    uint64_t swapped = 0, mapped = 0;
    for (uint64_t i = 0; i < region.pages; ++i) {
      if (before[i].state == TrueState::kSwapped && swapped++ % 5 == 0) touched.push_back({i, 1});
      if (before[i].state == TrueState::kMapped && mapped++ % 5 == 0) dropped.push_back({i, 1});
    }
    ASSERT_GT(touched.size(), 5u);
    ASSERT_TRUE(target_->Read(region.address, touched).ok());
    ASSERT_TRUE(target_->Advise(region.address, dropped, MADV_DONTNEED).ok());
    ExpectSteadily(region, [&]() -> std::vector<std::string> {
      auto after = TruthOf(target_->pid(), region, false);
      if (!after.ok()) return {after.status().ToString()};
      v1::RevalidatePagesResponse again = Revalidate(request);
      if (again.holds().size() != (request.extents_size() + 7) / 8) return {"holds too short"};
      uint64_t held_pages = 0, held_extents = 0, wrong = 0;
      for (int e = 0; e < request.extents_size(); ++e) {
        const v1::PageExtent& extent = request.extents(e);
        uint64_t first = (extent.start() - region.address) / kPageBytes;
        bool holds = true;
        for (uint64_t i = first; i < first + extent.pages(); ++i) {
          bool same = before[i] == (*after)[i];
          holds = holds && same;
          held_pages += same;
        }
        held_extents += holds;
        wrong += ((again.holds()[e / 8] >> (e % 8) & 1) != 0) != holds;
      }
      if (wrong == 0 && again.held_extents() == held_extents && again.held_pages() == held_pages &&
          held_extents < request.extents_size()) {
        return {};
      }
      return {absl::StrCat(wrong, " bits wrong; ", again.held_extents(), " extents said to hold, ",
                           held_extents, " do; ", again.held_pages(), " pages said to hold, ",
                           held_pages, " do")};
    });
  }
}

}  // namespace
}  // namespace pagemapd
