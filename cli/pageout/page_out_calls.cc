#include "cli/pageout/page_out_calls.h"

#include <algorithm>
#include <map>
#include <utility>

namespace pagemapd {
namespace {

// What was counted in the calls before, and in this one.
v1::PageOutCounts Sum(const v1::PageOutCounts& before, const v1::PageOutCounts& counts) {
  v1::PageOutCounts sum;
  sum.set_asked(before.asked() + counts.asked());
  sum.set_attempted(before.attempted() + counts.attempted());
  sum.set_achieved(before.achieved() + counts.achieved());
  std::map<v1::PageOutOutcome, uint64_t> outcomes;
  for (const v1::PageOutCounts* part : {&before, &counts}) {
    for (const auto& entry : part->outcomes()) outcomes[entry.outcome()] += entry.pages();
  }
  for (const auto& [outcome, pages] : outcomes) {
    auto& entry = *sum.add_outcomes();
    entry.set_outcome(outcome);
    entry.set_pages(pages);
  }
  return sum;
}

}  // namespace

uint64_t PageOutTotal::PagesOf(v1::PageOutOutcome outcome) const {
  uint64_t pages = 0;
  for (const auto& entry : counts.outcomes()) {
    if (entry.outcome() == outcome) pages += entry.pages();
  }
  return pages;
}

PageOutCalls::PageOutCalls(v1::PagemapService::StubInterface& service,
                           const v1::ProcessRef& process, const PageOutSwitches& switches,
                           uint32_t max_ranges, OnPageOutAnswer on_answer)
    : service_(service),
      on_answer_(std::move(on_answer)),
      max_ranges_(max_ranges == 0 ? kMaxRanges : std::min<size_t>(max_ranges, kMaxRanges)) {
  *request_.mutable_process() = process;
  request_.set_dry_run(switches.dry_run);
  request_.set_only_idle(switches.only_idle);
  request_.set_max_pages_per_second(switches.max_pages_per_second);
}

bool PageOutCalls::Add(const v1::PageOutRange& range) {
  const size_t bytes = range.ByteSizeLong();
  const size_t ranges = request_.ranges_size();
  if ((ranges == max_ranges_ || range_bytes_ + bytes > kMaxRangeBytes) && !Flush()) return false;
  if (ended_) return false;
  *request_.add_ranges() = range;
  range_bytes_ += bytes;
  return true;
}

bool PageOutCalls::Flush() {
  if (!ended_ && request_.ranges_size() > 0) Call();
  Drop();
  return !ended_;
}

void PageOutCalls::Drop() {
  request_.clear_ranges();
  range_bytes_ = 0;
}

void PageOutCalls::Call() {
  const v1::PageOutCounts before = total_.counts;
  grpc::ClientContext context;
  const auto reader = service_.PageOut(&context, request_);
  v1::PageOutResponse response;
  bool complete = false;
  while (reader->Read(&response)) {
    if (response.has_process()) {
      *request_.mutable_process() = response.process();
      total_.process = response.process();
    }
    if (response.has_counts()) total_.counts = Sum(before, response.counts());
    if (response.has_end()) {
      complete = true;
      if (response.end().has_error()) total_.error = response.end().error();
      total_.mappings_changed |= response.end().mappings_changed();
    }
    if (on_answer_(total_, response)) continue;
    context.TryCancel();
    reader->Finish();
    ended_ = true;
    return;
  }
  total_.status = reader->Finish();
  if (total_.status.ok() && !complete) {
    total_.status = grpc::Status(grpc::StatusCode::INTERNAL, "the daemon's answer has no end");
  }
  ended_ = total_.failed();
}

}  // namespace pagemapd
