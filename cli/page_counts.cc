#include "cli/page_counts.h"

#include "absl/strings/str_cat.h"

namespace pagemapd {

void AddCounts(const v1::PageCounts& more, v1::PageCounts* counts) {
  counts->set_hole(counts->hole() + more.hole());
  counts->set_mapped(counts->mapped() + more.mapped());
  counts->set_cached(counts->cached() + more.cached());
  counts->set_swapped(counts->swapped() + more.swapped());
  counts->set_special(counts->special() + more.special());
  counts->set_unknown(counts->unknown() + more.unknown());
  counts->set_unresolved(counts->unresolved() + more.unresolved());
}

uint64_t SumOf(const v1::PageCounts& counts) {
  return counts.hole() + counts.mapped() + counts.cached() + counts.swapped() + counts.special() +
         counts.unknown();
}

void PutCounts(const v1::PageCounts& counts, nlohmann::ordered_json* json) {
  (*json)["hole"] = counts.hole();
  (*json)["mapped"] = counts.mapped();
  (*json)["cached"] = counts.cached();
  (*json)["swapped"] = counts.swapped();
  (*json)["special"] = counts.special();
  (*json)["unknown"] = counts.unknown();
}

std::vector<std::string> CountTexts(const v1::PageCounts& counts) {
  return {absl::StrCat(counts.hole()),    absl::StrCat(counts.mapped()),
          absl::StrCat(counts.cached()),  absl::StrCat(counts.swapped()),
          absl::StrCat(counts.special()), absl::StrCat(counts.unknown())};
}

}  // namespace pagemapd
