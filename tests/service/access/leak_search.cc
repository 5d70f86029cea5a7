#include "tests/service/access/leak_search.h"

#include <cstring>

#include "absl/strings/str_cat.h"

namespace pagemapd {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// PageFlags that only page frames have: from KSM to IDLE.
constexpr uint32_t kFrameFlags =
    ((1u << (v1::PAGE_FLAG_IDLE + 1)) - 1) & ~((1u << v1::PAGE_FLAG_KSM) - 1);
// As PageChunk.packed has them, and the location.
constexpr uint64_t kSecretBits = ~uint64_t{0} << 22 | uint64_t{kFrameFlags} << 5;

uint64_t NumberIn(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& reflection = *message.GetReflection();
  const bool repeated = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT64:
      return repeated ? reflection.GetRepeatedUInt64(message, &field, index)
                      : reflection.GetUInt64(message, &field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return repeated ? reflection.GetRepeatedUInt32(message, &field, index)
                      : reflection.GetUInt32(message, &field);
    default:
      return 0;
  }
}

// Whether two extents could be one, but for what may not be told.
bool CouldBeOne(const v1::PageExtent& first, const v1::PageExtent& second) {
  return first.start() + first.pages() * 4096 == second.start() &&
         first.state() == second.state() && first.flags() == second.flags() &&
         first.source() == second.source();
}

}  // namespace

void LeakSearch::Leak(const std::string& what) {
  ++leaks_;
  if (examples_.size() < 5) examples_.push_back(what);
}

void LeakSearch::LookAtNumber(uint64_t number) {
  if (frames_.count(number) == 0 || !frames_seen_.insert(number).second) return;
  if (frames_seen_.size() >= 3) Leak(absl::StrCat("the number of a frame: ", number));
}

void LeakSearch::LookAtWord(uint64_t word) {
  ++words_;
  if ((word & kSecretBits) != 0) Leak(absl::StrCat("packed record ", absl::Hex(word)));
}

void LeakSearch::LookAtChunk(const v1::PageChunk& chunk) {
  if (chunk.has_uniform()) LookAtWord(chunk.uniform());
  for (size_t i = 0; i + 8 <= chunk.packed().size(); i += 8) {
    uint64_t word;
    memcpy(&word, chunk.packed().data() + i, 8);
    LookAtWord(word);
  }
  for (int i = 0; i < chunk.extents_size(); ++i) {
    const v1::PageExtent& extent = chunk.extents(i);
    if (extent.has_pfn() || extent.has_swap_type() || extent.has_swap_offset()) {
      Leak("an extent's location: " + extent.ShortDebugString());
    }
    if ((extent.flags() & kFrameFlags) != 0) {
      Leak("flags of a frame: " + extent.ShortDebugString());
    }
    if (i > 0 && CouldBeOne(chunk.extents(i - 1), extent)) {
      Leak("an end of a run: " + extent.ShortDebugString());
    }
  }
}

void LeakSearch::LookAtMessage(const Message& message, bool may_tell) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        LookAtMessage(field->is_repeated() ? reflection.GetRepeatedMessage(message, field, i)
                                           : reflection.GetMessage(message, field),
                      may_tell);
        continue;
      }
      ++fields_;
      if (!may_tell) LookAtNumber(NumberIn(message, *field, i));
    }
  }
}

void LeakSearch::Look(const v1::QueryPagesResponse& answer,
                      const std::function<bool(int)>& may_tell) {
  for (const v1::TargetStart& start : answer.starts()) LookAtMessage(start, false);
  for (const v1::TargetEnd& end : answer.ends()) LookAtMessage(end, false);
  for (const v1::PageChunk& chunk : answer.chunks()) {
    const bool told = may_tell(chunk.target_index());
    LookAtMessage(chunk, told);
    if (!told) LookAtChunk(chunk);
  }
}

void LeakSearch::Look(const v1::GetStatisticsResponse& answer) {
  v1::GetStatisticsResponse rest = answer;
  for (auto& calls : *rest.mutable_calls()) calls.clear_calls();
  for (auto& denials : *rest.mutable_denials()) denials.clear_denials();
  rest.clear_scanned_pages();
  rest.clear_scan_ns();
  rest.clear_skipped_pages();
  rest.clear_page_out_attempted_pages();
  rest.clear_page_out_achieved_pages();
  rest.clear_refused_connections();
  rest.clear_policy_loads();
  rest.clear_policy_failures();
  LookAtMessage(rest, false);
}

void LeakSearch::Look(const Message& answer) { LookAtMessage(answer, false); }

}  // namespace pagemapd
