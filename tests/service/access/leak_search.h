#ifndef PAGEMAPD_TESTS_SERVICE_ACCESS_LEAK_SEARCH_H_
#define PAGEMAPD_TESTS_SERVICE_ACCESS_LEAK_SEARCH_H_

#include <google/protobuf/message.h>

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_set>
#include <vector>

#include "pagemapd/v1/pagemap_service.pb.h"

namespace pagemapd {

// Looks in answers for what nobody may be told without the right `locations`: PFNs, swap offsets,
// and flags of page frames; and where runs of frames or offsets end. Every field that is there is
// looked at, by reflection, and every word of packed records.
class LeakSearch {
 public:
  // `frames`: PFNs of pages that are asked about, which must not turn up in any number either.
  // Three different ones are a leak; one may be a coincidence.
  explicit LeakSearch(std::unordered_set<uint64_t> frames) : frames_(std::move(frames)) {}

  // `may_tell`(target_index): whether this caller may be told the locations of that target.
  void Look(const v1::QueryPagesResponse& answer, const std::function<bool(int)>& may_tell);
  // All but its counters: they grow with what anybody does, through the numbers of frames too, and
  // tell no page's place.
  void Look(const v1::GetStatisticsResponse& answer);
  // Any other answer.
  void Look(const google::protobuf::Message& answer);

  // Fields and words looked at.
  uint64_t fields() const { return fields_; }
  uint64_t words() const { return words_; }
  uint64_t leaks() const { return leaks_; }
  // The first few, for people.
  const std::vector<std::string>& examples() const { return examples_; }

 private:
  void LookAtMessage(const google::protobuf::Message& message, bool may_tell);
  void LookAtNumber(uint64_t number);
  void LookAtChunk(const v1::PageChunk& chunk);
  void LookAtWord(uint64_t word);
  void Leak(const std::string& what);

  const std::unordered_set<uint64_t> frames_;
  std::unordered_set<uint64_t> frames_seen_;
  uint64_t fields_ = 0, words_ = 0, leaks_ = 0;
  std::vector<std::string> examples_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_SERVICE_ACCESS_LEAK_SEARCH_H_
