#ifndef PAGEMAPD_CLI_PAGE_COUNTS_H_
#define PAGEMAPD_CLI_PAGE_COUNTS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "pagemapd/v1/pages.pb.h"

namespace pagemapd {

void AddCounts(const v1::PageCounts& more, v1::PageCounts* counts);

// Pages of all states.
uint64_t SumOf(const v1::PageCounts& counts);

// As members "hole", "mapped", "cached", "swapped", "special" and "unknown", in pages.
void PutCounts(const v1::PageCounts& counts, nlohmann::ordered_json* json);

// The same in the same order, for tables and CSV.
std::vector<std::string> CountTexts(const v1::PageCounts& counts);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PAGE_COUNTS_H_
