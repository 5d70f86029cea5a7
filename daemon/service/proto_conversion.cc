#include "daemon/service/proto_conversion.h"

#include <string>

#include "daemon/query/target_error.h"

namespace pagemapd {

grpc::Status ToGrpcStatus(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

void FillTargetError(const absl::Status& error, v1::TargetError* out) {
  out->set_reason(static_cast<v1::ErrorReason>(ReasonOf(error)));
  out->set_message(std::string(error.message()));
}

void FillCounts(const PageCounts& counts, v1::PageCounts* out) {
  out->set_hole(counts.of(PageState::kHole));
  out->set_mapped(counts.of(PageState::kMapped));
  out->set_cached(counts.of(PageState::kCached));
  out->set_swapped(counts.of(PageState::kSwapped));
  out->set_special(counts.of(PageState::kSpecial));
  out->set_unknown(counts.of(PageState::kUnknown));
  out->set_unresolved(counts.of(PageState::kUnsettled));
}

void FillExtent(const Extent& extent, v1::PageExtent* out) {
  const PageRecord first = extent.first;
  out->set_start(extent.start);
  out->set_pages(extent.pages);
  out->set_state(static_cast<v1::PageState>(first.state()));
  out->set_flags(first.flags());
  out->set_source(static_cast<v1::PageSource>(first.source()));
  if (!first.has_location()) return;
  if (first.state() == PageState::kSwapped) {
    out->set_swap_type(first.swap().type);
    out->set_swap_offset(first.swap().offset);
  } else {
    out->set_pfn(first.pfn());
  }
}

void FillObject(const Vma& vma, v1::ObjectRef* out) {
  out->set_device_major(vma.device.major);
  out->set_device_minor(vma.device.minor);
  out->set_inode(vma.inode);
}

void FillMapping(const Vma& vma, MappingKind kind, v1::Mapping* out) {
  out->mutable_range()->set_start(vma.range.start);
  out->mutable_range()->set_end(vma.range.end);
  out->set_readable(vma.readable);
  out->set_writable(vma.writable);
  out->set_executable(vma.executable);
  out->set_shared(vma.shared);
  out->set_offset_bytes(vma.offset_bytes);
  if (vma.has_object()) FillObject(vma, out->mutable_object());
  out->set_kind(static_cast<v1::MappingKind>(kind));
  out->set_path(vma.path);
}

void FillPageOutExtent(const PageOutExtent& extent, v1::PageOutExtent* out) {
  out->set_start(extent.start);
  out->set_pages(extent.pages);
  out->set_outcome(static_cast<v1::PageOutOutcome>(extent.outcome));
}

void FillPageOutCounts(const PageOutCounts& counts, v1::PageOutCounts* out) {
  out->set_asked(counts.asked);
  out->set_attempted(counts.attempted);
  out->set_achieved(counts.achieved);
  for (size_t outcome = 0; outcome < counts.by_outcome.size(); ++outcome) {
    if (counts.by_outcome[outcome] == 0) continue;
    v1::PageOutCounts::OutcomePages* pages = out->add_outcomes();
    pages->set_outcome(static_cast<v1::PageOutOutcome>(outcome));
    pages->set_pages(counts.by_outcome[outcome]);
  }
}

void FillSwapUse(const SwapTypeCounts& counts,
                 google::protobuf::RepeatedPtrField<v1::SwapUse>* out) {
  for (uint32_t type = 0; type < counts.size(); ++type) {
    if (counts[type] == 0) continue;
    v1::SwapUse* use = out->Add();
    if (type < kSwapTypes) use->set_type(type);
    use->set_pages(counts[type]);
  }
}

void FillFolios(const FolioCounts& counts, google::protobuf::RepeatedPtrField<v1::FolioSize>* out) {
  for (int order = 0; order < FolioCounts::kOrders; ++order) {
    if (counts.resident[order] == 0 && counts.swapped[order] == 0) continue;
    v1::FolioSize* size = out->Add();
    size->set_order(order);
    size->set_resident_pages(counts.resident[order]);
    size->set_swapped_pages(counts.swapped[order]);
  }
}

}  // namespace pagemapd
