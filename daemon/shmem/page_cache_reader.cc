#include "daemon/shmem/page_cache_reader.h"

#include <algorithm>
#include <array>

#include "daemon/page/page_size.h"
#include "daemon/page/swap_entry.h"

namespace pagemapd {
namespace {

constexpr PageRecord kHoleRecord(PageState::kHole, PageSource::kBpf);
constexpr PageRecord kCachedRecord(PageState::kCached, PageSource::kBpf, kFlagFile);
constexpr PageRecord kUnknownRecord(PageState::kUnknown, PageSource::kBpf);

bool IsPastAnyFile(uint64_t first_index, size_t pages) {
  return first_index >= SharedObject::kEndIndex || pages > SharedObject::kEndIndex - first_index;
}

// What was known of an unsettled page are its flags.
void Settle(PageRecord settled, PageRecord* record) {
  *record = PageRecord(settled.bits() | (record->bits() & PageRecord::kFlagMask));
}

// Of a leaf with siblings: the slot whose entry that of `slot` is a part of.
size_t HeadOf(const page_cache_leaf& leaf, size_t slot) {
  const uint64_t entry = leaf.slots[slot];
  return PAGE_CACHE_IS_SIBLING(entry) ? PAGE_CACHE_HEAD(entry) : slot;
}

// Of a leaf with siblings: log2 of the pages of the entry of each slot.
std::array<uint8_t, PAGE_CACHE_LEAF_PAGES> OrdersOf(const page_cache_leaf& leaf) {
  std::array<uint8_t, PAGE_CACHE_LEAF_PAGES> orders{};
  for (size_t head = 0; head < PAGE_CACHE_LEAF_PAGES;) {
    size_t end = head + 1;
    while (end < PAGE_CACHE_LEAF_PAGES && HeadOf(leaf, end) == head) ++end;
    uint8_t order = 0;
    while ((size_t{2} << order) <= end - head) ++order;
    std::fill(orders.begin() + head, orders.begin() + end, order);
    head = end;
  }
  return orders;
}

uint64_t Bit(uint64_t mask, size_t slot) { return mask >> slot & 1; }

template <bool kOverwrite>
void SettleAll(PageRecord settled, absl::Span<PageRecord> records) {
  if (kOverwrite) {
    std::fill(records.begin(), records.end(), settled);
    return;
  }
  // Without a branch.
  for (PageRecord& record : records) {
    record = PageRecord(record.bits() | (settled.bits() & -uint64_t{record.unsettled()}));
  }
}

// The records of four pages, by four bits of a mask of folios.
using Quad = std::array<PageRecord, 4>;
constexpr std::array<Quad, 16> MakeQuads() {
  std::array<Quad, 16> quads{};
  for (size_t bits = 0; bits < quads.size(); ++bits) {
    for (size_t page = 0; page < 4; ++page) {
      quads[bits][page] = bits >> page & 1 ? kCachedRecord : kHoleRecord;
    }
  }
  return quads;
}
constexpr std::array<Quad, 16> kQuads = MakeQuads();

}  // namespace

template <typename Visit>
absl::Status PageCacheReader::ForEachLeaf(int fd, uint64_t first_index, size_t pages, bool sizes,
                                          Visit visit) {
  const uint64_t end_leaf = ((first_index + pages - 1) >> PAGE_CACHE_LEAF_SHIFT) + 1;
  for (size_t done = 0; done < pages;) {
    const uint64_t leaf = (first_index + done) >> PAGE_CACHE_LEAF_SHIFT;
    auto leaves = walker_.Walk(
        slice_, fd, {leaf, std::min<uint64_t>(end_leaf - leaf, PAGE_CACHE_WALK_LEAVES), sizes});
    if (!leaves.ok()) return leaves.status();
    for (const page_cache_leaf& walked : *leaves) {
      const size_t slot = (first_index + done) % PAGE_CACHE_LEAF_PAGES;
      const size_t count = std::min(PAGE_CACHE_LEAF_PAGES - slot, pages - done);
      visit(walked, slot, done, count);
      done += count;
    }
  }
  return absl::OkStatus();
}

PageRecord PageCacheReader::DecodeValue(uint64_t value, uint64_t distance) const {
  const uint32_t type = SwapTypeOfValue(value);
  if (type < kFirstSpecialSwapType) {
    return PageRecord::Swapped(PageSource::kBpf, kFlagFile,
                               {type, SwapOffsetOfValue(value) + distance});
  }
  // The one marker in a page cache stands for a page that could not be read from swap
  // (shmem_set_folio_swapin_error in mm/shmem.c).
  return PageRecord(PageState::kSpecial, PageSource::kBpf,
                    kFlagFile | (type == special_.marker ? kFlagHwpoison : special_.flags[type]));
}

PageRecord PageCacheReader::DecodeSlot(const page_cache_leaf& leaf, size_t slot) const {
  const size_t head = HeadOf(leaf, slot);
  const uint64_t entry = leaf.slots[head];
  if (entry & 1) return DecodeValue(entry, slot - head);
  if (entry == PAGE_CACHE_FOLIO) return kCachedRecord;
  return entry == 0 ? kHoleRecord : kUnknownRecord;
}

template <bool kOverwrite>
void PageCacheReader::SettlePages(const page_cache_leaf& leaf, size_t slot,
                                  absl::Span<PageRecord> records) const {
  uint64_t folios = leaf.folios >> slot;
  uint64_t values = leaf.values >> slot;
  if (kOverwrite && records.size() == PAGE_CACHE_LEAF_PAGES) {
    for (PageRecord* quad = records.begin(); quad != records.end(); quad += 4, folios >>= 4) {
      std::copy(kQuads[folios & 15].begin(), kQuads[folios & 15].end(), quad);
    }
    for (; values != 0; values &= values - 1) {
      const size_t i = __builtin_ctzll(values);
      records[i] = DecodeValue(leaf.slots[i], 0);
    }
    return;
  }
  constexpr uint64_t kDifference = kHoleRecord.bits() ^ kCachedRecord.bits();
  for (size_t i = 0; i < records.size(); ++i, folios >>= 1, values >>= 1) {
    // Without a branch, but for pages in swap.
    uint64_t settled = kHoleRecord.bits() ^ (-(folios & 1) & kDifference);
    if (values & 1) settled = DecodeValue(leaf.slots[slot + i], 0).bits();
    const uint64_t known = kOverwrite ? 0 : records[i].bits();
    const uint64_t open = kOverwrite || records[i].unsettled();
    records[i] = PageRecord(known | (settled & -open));
  }
}

template <bool kOverwrite>
void PageCacheReader::SettleLeaf(const page_cache_leaf& leaf, size_t slot, uint64_t index,
                                 absl::Span<PageRecord> records) const {
  switch (leaf.kind) {
    case PAGE_CACHE_LEAF_HOLE:
      return SettleAll<kOverwrite>(kHoleRecord, records);
    case PAGE_CACHE_LEAF_FOLIO:
      return SettleAll<kOverwrite>(kCachedRecord, records);
    case PAGE_CACHE_LEAF_PAGES_EACH:
      return SettlePages<kOverwrite>(leaf, slot, records);
    case PAGE_CACHE_LEAF_VALUE:
    case PAGE_CACHE_LEAF_SIBLINGS:
      break;
    default:
      return SettleAll<kOverwrite>(kUnknownRecord, records);
  }
  for (size_t i = 0; i < records.size(); ++i) {
    if (kOverwrite) records[i] = PageRecord();
    if (!records[i].unsettled()) continue;
    Settle(leaf.kind == PAGE_CACHE_LEAF_SIBLINGS
               ? DecodeSlot(leaf, slot + i)
               : DecodeValue(leaf.value, index + i - leaf.value_index),
           &records[i]);
  }
}

absl::Status PageCacheReader::Read(const SharedObject& object, uint64_t first_index,
                                   absl::Span<PageRecord> records) {
  if (records.empty()) return absl::OkStatus();
  if (IsPastAnyFile(first_index, records.size())) {
    SettleAll<true>(kUnknownRecord, records);
    return absl::OkStatus();
  }
  return ForEachLeaf(object.fd(), first_index, records.size(), /*sizes=*/false,
                     [&](const page_cache_leaf& leaf, size_t slot, size_t first, size_t pages) {
                       SettleLeaf<true>(leaf, slot, first_index + first,
                                        records.subspan(first, pages));
                     });
}

absl::Status PageCacheReader::Resolve(const SharedObject& object, uint64_t first_index,
                                      absl::Span<PageRecord> records) {
  const auto is_open = [](PageRecord record) { return record.unsettled(); };
  const auto first_open = std::find_if(records.begin(), records.end(), is_open);
  const auto end_open = std::find_if(records.rbegin(), records.rend(), is_open).base();
  if (first_open >= end_open) return absl::OkStatus();
  first_index += first_open - records.begin();
  records = records.subspan(first_open - records.begin(), end_open - first_open);
  if (IsPastAnyFile(first_index, records.size())) {
    SettleAll<false>(kUnknownRecord, records);
    return absl::OkStatus();
  }
  return ForEachLeaf(object.fd(), first_index, records.size(), /*sizes=*/false,
                     [&](const page_cache_leaf& leaf, size_t slot, size_t first, size_t pages) {
                       SettleLeaf<false>(leaf, slot, first_index + first,
                                         records.subspan(first, pages));
                     });
}

absl::StatusOr<uint64_t> PageCacheReader::SkipHoles(const SharedObject& object, uint64_t index,
                                                    uint64_t limit) {
  limit = std::min(limit, SharedObject::kEndIndex);
  if (index >= limit) return index;
  auto leaf = walker_.SkipHoles(slice_, object.fd(), index >> PAGE_CACHE_LEAF_SHIFT,
                                ((limit - 1) >> PAGE_CACHE_LEAF_SHIFT) + 1);
  if (!leaf.ok()) return leaf.status();
  return std::clamp(*leaf << PAGE_CACHE_LEAF_SHIFT, index, limit);
}

absl::Status PageCacheReader::CountFolios(const SharedObject& object, uint64_t first_index,
                                          absl::Span<const PageRecord> records,
                                          FolioCounts* counts) {
  const auto count = [&](PageRecord record, bool is_folio, bool is_value, uint32_t order) {
    // Not of a copy that a private mapping made.
    if (order >= FolioCounts::kOrders || (record.flags() & kFlagFile) == 0) return;
    const PageState state = record.state();
    if (is_folio && (state == PageState::kMapped || state == PageState::kCached)) {
      ++counts->resident[order];
    } else if (is_value && state == PageState::kSwapped) {
      ++counts->swapped[order];
    }
  };
  if (records.empty() || IsPastAnyFile(first_index, records.size())) return absl::OkStatus();
  return ForEachLeaf(
      object.fd(), first_index, records.size(), /*sizes=*/true,
      [&](const page_cache_leaf& leaf, size_t slot, size_t first, size_t pages) {
        if (leaf.kind == PAGE_CACHE_LEAF_SIBLINGS) {
          const auto orders = OrdersOf(leaf);
          for (size_t i = 0; i < pages; ++i) {
            const uint64_t entry = leaf.slots[HeadOf(leaf, slot + i)];
            count(records[first + i], entry == PAGE_CACHE_FOLIO, entry & 1, orders[slot + i]);
          }
          return;
        }
        const bool each = leaf.kind == PAGE_CACHE_LEAF_PAGES_EACH;
        for (size_t i = 0; i < pages; ++i) {
          count(records[first + i],
                each ? Bit(leaf.folios, slot + i) : leaf.kind == PAGE_CACHE_LEAF_FOLIO,
                each ? Bit(leaf.values, slot + i) : leaf.kind == PAGE_CACHE_LEAF_VALUE,
                each ? 0 : leaf.order);
        }
      });
}

}  // namespace pagemapd
