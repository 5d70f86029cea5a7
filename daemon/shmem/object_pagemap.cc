#include "daemon/shmem/object_pagemap.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "daemon/page/page_size.h"
#include "daemon/page/pagemap_decoder.h"
#include "daemon/sys/errno_status.h"

namespace pagemapd {
namespace {

// Pages of one mapping: 8 KiB of entries.
constexpr size_t kWindowPages = 1024;

bool IsInSwap(PageRecord record) {
  return record.state() == PageState::kSwapped && record.source() == PageSource::kMarker;
}

}  // namespace

absl::StatusOr<ObjectPagemap> ObjectPagemap::Open(const ProcRoot& root, const PagemapKnob& knob) {
  absl::StatusOr<UniqueFd> fd = root.Open("self/pagemap");
  if (!fd.ok()) return fd.status();
  return ObjectPagemap(Pagemap(*std::move(fd), root.path() + "/self/pagemap"), knob);
}

absl::StatusOr<bool> ObjectPagemap::SettleSwapped(const SharedObject& object, uint64_t first_index,
                                                  absl::Span<PageRecord> records) const {
  // Such an index has no place in a file; its offset would be another page's.
  if (first_index >= SharedObject::kEndIndex ||
      records.size() > SharedObject::kEndIndex - first_index || !knob_.IsFull()) {
    return false;
  }
  const auto unsettled = [](PageRecord record) { return record.unsettled(); };
  for (size_t begin = 0; begin < records.size(); begin += kWindowPages) {
    const absl::Span<PageRecord> window =
        records.subspan(begin, std::min(kWindowPages, records.size() - begin));
    if (std::none_of(window.begin(), window.end(), unsettled)) continue;
    absl::Status status = SettleWindow(object, first_index + begin, window);
    if (!status.ok()) return status;
  }
  return knob_.IsFull();
}

absl::Status ObjectPagemap::SettleWindow(const SharedObject& object, uint64_t index,
                                         absl::Span<PageRecord> records) const {
  const size_t bytes = records.size() << kPageShift;
  void* const window = mmap(nullptr, bytes, PROT_NONE, MAP_SHARED, object.fd(),
                            static_cast<off_t>(index << kPageShift));
  if (window == MAP_FAILED) {
    return ErrnoStatus(errno, absl::StrCat("mmap of ", records.size(), " pages from page ", index));
  }
  std::array<uint64_t, kWindowPages> entries;
  const absl::StatusOr<size_t> read = pagemap_.Read(reinterpret_cast<uint64_t>(window),
                                                    absl::MakeSpan(entries).first(records.size()));
  munmap(window, bytes);
  if (!read.ok()) return read.status();
  if (*read != records.size()) {
    return absl::DataLossError(absl::StrCat("pagemap ends in a mapping of the daemon's own, ",
                                            *read, " pages after its start"));
  }
  for (size_t i = 0; i < records.size(); ++i) {
    if (!records[i].unsettled()) continue;
    const PageRecord found = DecodePagemapEntry(PagemapEntry(entries[i]), {});
    if (!IsInSwap(found)) continue;
    // Whatever else the entry says is of the window.
    records[i] =
        PageRecord::Swapped(PageSource::kMarker, records[i].flags() | kFlagFile, found.swap());
  }
  return absl::OkStatus();
}

}  // namespace pagemapd
