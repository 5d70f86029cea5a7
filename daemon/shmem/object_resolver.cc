#include "daemon/shmem/object_resolver.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "daemon/shmem/object_mincore.h"

namespace pagemapd {
namespace {

// A private mapping's own pages in swap are pagemap's to tell, and in no object.
bool SwappedInObject(PageRecord record) {
  return record.state() == PageState::kSwapped && record.source() != PageSource::kPagemap;
}

}  // namespace

absl::StatusOr<bool> ObjectResolver::Resolve(const SharedObject& object, uint64_t first_index,
                                             absl::Span<PageRecord> records,
                                             PageCacheProbe::Known known) {
  if (Reads(object) && reader_->Resolve(object, first_index, records).ok()) return false;
  // What a reader that failed left unsettled, too: `source` tells.
  return ResolveFromOutside(object, first_index, records, known);
}

absl::StatusOr<bool> ObjectResolver::ResolveFromOutside(const SharedObject& object,
                                                        uint64_t first_index,
                                                        absl::Span<PageRecord> records,
                                                        PageCacheProbe::Known known) {
  const bool has_pagemap = pagemap_ != nullptr && object.kind() == SharedObject::Kind::kTmpfs;
  if (!has_pagemap) {
    known.not_swapped = false;
  } else if (!known.not_swapped) {
    // Where that fails the probe alone tells.
    known.not_swapped = pagemap_->SettleSwapped(object, first_index, records).value_or(false);
  }
  auto resolution = probe_.Resolve(object, first_index, records, known);
  if (resolution.ok() && resolution->presumed && !ConfirmNotSwapped(object, first_index, records)) {
    known.not_swapped = false;
    resolution = probe_.Resolve(object, first_index, records, known);
  }
  if (!resolution.ok()) return resolution.status();
  return resolution->counted;
}

bool ObjectResolver::ConfirmNotSwapped(const SharedObject& object, uint64_t first_index,
                                       absl::Span<PageRecord> records) {
  const auto presumed = [](PageRecord record) { return record.source() == PageSource::kMincore; };
  confirmed_.assign(records.size(), PageRecord(PageState::kUnknown, PageSource::kNone));
  for (size_t i = 0; i < records.size(); ++i) {
    if (!presumed(records[i])) continue;
    confirmed_[i] =
        PageRecord(PageState::kUnsettled, PageSource::kNone, records[i].flags() & ~kFlagFile);
  }
  const bool told =
      pagemap_->SettleSwapped(object, first_index, absl::MakeSpan(confirmed_)).value_or(false);
  for (size_t i = 0; i < records.size(); ++i) {
    // Still unsettled: not in swap now either, if that is certain.
    if (presumed(records[i]) && !(told && confirmed_[i].unsettled())) records[i] = confirmed_[i];
  }
  return told;
}

absl::Status ObjectResolver::Read(const SharedObject& object, uint64_t first_index,
                                  absl::Span<PageRecord> records) {
  if (Reads(object) && reader_->Read(object, first_index, records).ok()) return absl::OkStatus();
  std::fill(records.begin(), records.end(), PageRecord());
  return ResolveFromOutside(object, first_index, records, {}).status();
}

uint64_t ObjectResolver::SkipHoles(const SharedObject& object, uint64_t index, uint64_t limit) {
  if (!Reads(object)) return probe_.SkipHoles(object, index, limit);
  return reader_->SkipHoles(object, index, limit).value_or(index);
}

absl::Status ObjectResolver::MarkSwapCache(const SharedObject& object, uint64_t first_index,
                                           absl::Span<PageRecord> records) {
  constexpr uint64_t kSame = PageRecord::kStateMask | PageRecord::kLocationMask;
  std::array<unsigned char, kMincorePages> resident;
  for (size_t begin = 0; begin < records.size(); begin += kMincorePages) {
    const absl::Span<PageRecord> part =
        records.subspan(begin, std::min(kMincorePages, records.size() - begin));
    if (std::none_of(part.begin(), part.end(), SwappedInObject)) continue;
    const uint64_t index = first_index + begin;
    absl::Status status = MincoreOfObject(object.fd(), index, part.size(), resident.data());
    if (!status.ok()) return status;
    again_.assign(part.size(), PageRecord(PageState::kUnknown, PageSource::kNone));
    for (size_t i = 0; i < part.size(); ++i) {
      if ((resident[i] & 1) && SwappedInObject(part[i])) again_[i] = PageRecord();
    }
    // A page that came back to RAM before mincore looked is no copy.
    absl::Status resolved = Resolve(object, index, absl::MakeSpan(again_), {}).status();
    if (!resolved.ok()) return resolved;
    for (size_t i = 0; i < part.size(); ++i) {
      if (again_[i].state() == PageState::kSwapped &&
          again_[i].Only(kSame) == part[i].Only(kSame)) {
        part[i].AddFlags(kFlagSwapCache);
      }
    }
  }
  return absl::OkStatus();
}

absl::Status ObjectResolver::CountFolios(const SharedObject& object, uint64_t first_index,
                                         absl::Span<const PageRecord> records,
                                         FolioCounts* counts) {
  if (!Reads(object)) return absl::OkStatus();
  return reader_->CountFolios(object, first_index, records, counts);
}

}  // namespace pagemapd
