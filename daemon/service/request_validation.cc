#include "daemon/service/request_validation.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "daemon/page/page_range.h"
#include "daemon/page/page_size.h"

namespace pagemapd {
namespace {

template <typename... Args>
absl::Status Invalid(const Args&... args) {
  return absl::InvalidArgumentError(absl::StrCat(args...));
}

absl::StatusOr<View> ViewOf(v1::View view) {
  switch (view) {
    case v1::VIEW_PROCESS:
      return View::kProcess;
    case v1::VIEW_OBJECT:
      return View::kObject;
    default:
      return Invalid("view ", static_cast<int>(view), " is neither VIEW_PROCESS nor VIEW_OBJECT");
  }
}

bool IsState(int state) {
  return state >= static_cast<int>(PageState::kHole) &&
         state <= static_cast<int>(PageState::kUnknown);
}

absl::StatusOr<std::vector<TargetQuery>> TargetsOf(
    const google::protobuf::RepeatedPtrField<v1::Target>& targets, View view,
    const Limits& limits) {
  if (targets.empty()) return Invalid("no targets");
  if (targets.size() > static_cast<int64_t>(limits.max_targets)) {
    return Invalid(targets.size(), " targets; the limit is ", limits.max_targets);
  }
  uint64_t ranges = 0;
  for (const v1::Target& target : targets) ranges += target.ranges_size();
  if (ranges > limits.max_ranges) {
    return Invalid(ranges, " ranges; the limit is ", limits.max_ranges);
  }
  std::vector<TargetQuery> queries;
  queries.reserve(targets.size());
  for (const v1::Target& target : targets) {
    TargetQuery query;
    query.pid = target.process().pid();
    query.start_time_ticks = target.process().start_time_ticks();
    if (target.has_object_address()) {
      if (view != View::kObject) {
        return Invalid("target ", queries.size(), " is an object: it takes VIEW_OBJECT");
      }
      query.object_address = target.object_address();
    }
    query.ranges.reserve(target.ranges_size());
    for (const v1::AddressRange& range : target.ranges()) {
      query.ranges.push_back({range.start(), range.end()});
    }
    queries.push_back(std::move(query));
  }
  return queries;
}

absl::StatusOr<Extent> ExtentOf(const v1::PageExtent& extent, bool of_object) {
  if (extent.pages() == 0 || extent.pages() > (UINT64_MAX >> kPageShift) ||
      extent.start() > UINT64_MAX - (extent.pages() << kPageShift)) {
    return Invalid("has ", extent.pages(), " pages from 0x", absl::Hex(extent.start()));
  }
  if (!IsState(extent.state())) return Invalid("has state ", static_cast<int>(extent.state()));
  const PageState state = static_cast<PageState>(extent.state());
  PageRecord record(state, PageSource::kNone);
  if (extent.has_pfn()) {
    if (state != PageState::kMapped) return Invalid("has a PFN but is not mapped");
    record = PageRecord::Mapped(PageSource::kNone, 0, extent.pfn());
  } else if (extent.has_swap_type() || extent.has_swap_offset()) {
    if (state != PageState::kSwapped) return Invalid("has a swap entry but is not swapped");
    if (extent.swap_type() >= kSwapTypes) return Invalid("has swap type ", extent.swap_type());
    record = PageRecord::Swapped(PageSource::kNone, 0, {extent.swap_type(), extent.swap_offset()});
  }
  if ((extent.has_pfn() || extent.has_swap_offset()) && !record.has_location()) {
    return Invalid("has a location that no page can have");
  }
  const Extent parsed = {extent.start(), extent.pages(), record};
  const PageRange range = {parsed.start, parsed.End()};
  absl::Status status = of_object ? ValidateObjectRange(range) : ValidateRange(range);
  if (!status.ok()) return status;
  return parsed;
}

}  // namespace

absl::StatusOr<ScanRequest> ValidateQuery(const v1::QueryPagesRequest& request,
                                          const Limits& limits) {
  ScanRequest result;
  absl::StatusOr<View> view = ViewOf(request.view());
  if (!view.ok()) return view.status();
  result.spec.view = *view;
  switch (request.format()) {
    case v1::FORMAT_EXTENTS:
      result.spec.format = Format::kExtents;
      break;
    case v1::FORMAT_PACKED:
      result.spec.format = Format::kPacked;
      break;
    case v1::FORMAT_BITMAP:
      result.spec.format = Format::kBitmap;
      break;
    default:
      return Invalid("format ", static_cast<int>(request.format()), " is not known");
  }
  if (request.states().empty()) {
    if (result.spec.format == Format::kBitmap) {
      return Invalid("FORMAT_BITMAP needs states: a bit says whether the state is among them");
    }
  } else {
    result.spec.states = 0;
  }
  for (int state : request.states()) {
    if (!IsState(state)) return Invalid("state ", state, " is not known");
    result.spec.states |= 1 << state;
  }
  // A bit that is the same for all of them needs none of them told from the others.
  if ((result.spec.states & ScanSpec::kUnswappedStates) == ScanSpec::kUnswappedStates) {
    result.spec.states |= 1 << static_cast<int>(PageState::kUnsettled);
  }
  for (int field : request.fields()) {
    switch (field) {
      case v1::PAGE_FIELD_LOCATION:
        result.spec.fields |= PageRecord::kLocationMask;
        break;
      case v1::PAGE_FIELD_FRAME_FLAGS:
        result.spec.frame_flags = true;
        result.spec.fields |= PageRecord::kFlagMask;
        break;
      case v1::PAGE_FIELD_SWAP_CACHE:
        result.spec.swap_cache = true;
        [[fallthrough]];
      case v1::PAGE_FIELD_FLAGS:
        result.spec.fields |= PageRecord::kFlagMask;
        break;
      case v1::PAGE_FIELD_SOURCE:
        result.spec.fields |= PageRecord::kSourceMask;
        break;
      default:
        return Invalid("field ", field, " is not known");
    }
  }
  auto targets = TargetsOf(request.targets(), *view, limits);
  if (!targets.ok()) return targets.status();
  result.targets = *std::move(targets);
  return result;
}

absl::StatusOr<ScanRequest> ValidateSummary(const v1::SummarizePagesRequest& request,
                                            const Limits& limits) {
  ScanRequest result;
  absl::StatusOr<View> view = ViewOf(request.view());
  if (!view.ok()) return view.status();
  result.spec.view = *view;
  result.spec.format = Format::kCounts;
  result.spec.folios = request.include_folios();
  auto targets = TargetsOf(request.targets(), *view, limits);
  if (!targets.ok()) return targets.status();
  result.targets = *std::move(targets);
  return result;
}

absl::StatusOr<RevalidationRequest> ValidateRevalidation(const v1::RevalidatePagesRequest& request,
                                                         const Limits& limits) {
  RevalidationRequest result;
  absl::StatusOr<View> view = ViewOf(request.view());
  if (!view.ok()) return view.status();
  result.spec.view = *view;
  result.target.pid = request.process().pid();
  result.target.start_time_ticks = request.process().start_time_ticks();
  if (request.has_object_address()) {
    if (*view != View::kObject) return Invalid("extents of an object: they take VIEW_OBJECT");
    result.target.object_address = request.object_address();
  }
  if (request.extents().empty()) return Invalid("no extents");
  if (request.extents_size() > static_cast<int64_t>(limits.max_ranges)) {
    return Invalid(request.extents_size(), " extents; the limit is ", limits.max_ranges);
  }
  result.extents.reserve(request.extents_size());
  for (const v1::PageExtent& extent : request.extents()) {
    const uint32_t index = static_cast<uint32_t>(result.extents.size());
    absl::StatusOr<Extent> parsed = ExtentOf(extent, request.has_object_address());
    if (!parsed.ok()) return Invalid("extent ", index, ": ", parsed.status().message());
    if (parsed->first.has_location()) result.spec.fields |= PageRecord::kLocationMask;
    result.extents.push_back({index, *parsed});
  }
  std::sort(result.extents.begin(), result.extents.end(),
            [](const ExpectedExtent& a, const ExpectedExtent& b) {
              return a.extent.start < b.extent.start;
            });
  result.target.ranges.reserve(result.extents.size());
  for (size_t i = 0; i < result.extents.size(); ++i) {
    const Extent& extent = result.extents[i].extent;
    if (i > 0 && result.extents[i - 1].extent.End() > extent.start) {
      return Invalid("extents ", result.extents[i - 1].index, " and ", result.extents[i].index,
                     " overlap");
    }
    result.target.ranges.push_back({extent.start, extent.End()});
  }
  return result;
}

absl::StatusOr<PageOutRequest> ValidatePageOut(const v1::PageOutRequest& request,
                                               const Limits& limits) {
  PageOutRequest result;
  result.pid = request.process().pid();
  result.start_time_ticks = request.process().start_time_ticks();
  result.dry_run = request.dry_run();
  result.only_idle = request.only_idle();
  // Not "all of it": too much to be asked for by leaving something out.
  if (request.ranges().empty()) return Invalid("no ranges");
  if (request.ranges_size() > static_cast<int64_t>(limits.max_ranges)) {
    return Invalid(request.ranges_size(), " ranges; the limit is ", limits.max_ranges);
  }
  result.ranges.reserve(request.ranges_size());
  for (const v1::PageOutRange& range : request.ranges()) {
    PageOutRange parsed;
    parsed.range = {range.range().start(), range.range().end()};
    if (absl::Status status = ValidateRange(parsed.range); !status.ok()) {
      return Invalid("range ", result.ranges.size(), ": ", status.message());
    }
    if (range.has_expected()) {
      const v1::ObjectRef& object = range.expected().object();
      parsed.expected = {{object.device_major(), object.device_minor()},
                         object.inode(),
                         range.expected().object_index()};
    }
    result.ranges.push_back(parsed);
  }
  result.ranges = Normalize(std::move(result.ranges));
  return result;
}

}  // namespace pagemapd
