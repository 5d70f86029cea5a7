#include "daemon/reclaim/idle_filter.h"

#include <algorithm>
#include <utility>

namespace pagemapd {
namespace {

constexpr uint64_t kFramesInWord = 64;
// Of the largest folio that is looked for: PMD_SIZE with 4 KiB pages. Larger ones are hugetlb's.
constexpr uint64_t kFolioFrames = 512;

}  // namespace

absl::Status IdleFilter::FindUsed(absl::Span<const PageRecord> records,
                                  absl::Span<const uint32_t> chosen, bool leave_no_marks) {
  used_.clear();
  candidates_.clear();
  folio_first_ = folio_end_ = 0;
  std::swap(used_heads_, last_used_heads_);
  used_heads_.clear();
  for (const uint32_t place : chosen) {
    const PageRecord page = records[place];
    // Without its frame there is nothing to ask about.
    if (!page.has_location()) {
      used_.push_back(place);
      continue;
    }
    uint64_t head = page.pfn();
    if (page.flags() & kFlagThp) {
      absl::StatusOr<uint64_t> found = HeadOf(head);
      if (!found.ok()) return found.status();
      head = *found;
    }
    candidates_.push_back({head, place});
  }
  std::sort(candidates_.begin(), candidates_.end(),
            [](const Candidate& a, const Candidate& b) { return a.head < b.head; });
  for (size_t i = 0; i < candidates_.size();) {
    const uint64_t word = candidates_[i].head / kFramesInWord;
    absl::StatusOr<uint64_t> idle = idle_pages_->Read(word);
    if (!idle.ok()) return idle.status();
    uint64_t marks = 0;
    for (; i < candidates_.size() && candidates_[i].head / kFramesInWord == word; ++i) {
      const uint64_t head = candidates_[i].head;
      const uint64_t bit = uint64_t{1} << (head % kFramesInWord);
      const bool was_used =
          std::binary_search(last_used_heads_.begin(), last_used_heads_.end(), head);
      if ((*idle & bit) != 0 && !was_used) continue;
      used_.push_back(candidates_[i].place);
      if (used_heads_.empty() || used_heads_.back() != head) used_heads_.push_back(head);
      if (!was_used) marks |= bit;
    }
    if (marks == 0 || leave_no_marks) continue;
    if (absl::Status status = idle_pages_->Mark(word, marks); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> IdleFilter::HeadOf(uint64_t pfn) {
  if (pfn >= folio_first_ && pfn < folio_end_) return folio_first_;
  if (kpageflags_ == nullptr) return pfn;
  const uint64_t begin = pfn - std::min(pfn, kFolioFrames - 1);
  flags_.resize(2 * kFolioFrames);
  if (absl::Status status = kpageflags_->Read(begin, absl::MakeSpan(flags_)); !status.ok()) {
    return status;
  }
  const auto is_tail = [&](uint64_t frame) {
    return (flags_[frame - begin] & kKpfCompoundTail) != 0;
  };
  folio_first_ = pfn;
  while (folio_first_ > begin && is_tail(folio_first_)) --folio_first_;
  folio_end_ = pfn + 1;
  while (folio_end_ < begin + flags_.size() && is_tail(folio_end_)) ++folio_end_;
  return folio_first_;
}

}  // namespace pagemapd
