#include "tests/integration/page_report.h"

#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace pagemapd {
namespace {

using nlohmann::json;

// The value of an enum by its name in the output: "swap_cache" is PAGE_FLAG_SWAP_CACHE.
int ValueOf(const google::protobuf::EnumDescriptor& names, absl::string_view prefix,
            const std::string& name) {
  const auto* value = names.FindValueByName(absl::StrCat(prefix, absl::AsciiStrToUpper(name)));
  return value == nullptr ? 0 : value->number();
}

// nlohmann's accessors throw; ParsePageLine catches.
PageLine FromJson(const json& line) {
  PageLine result;
  result.pid = line.at("pid").get<int32_t>();
  result.start_time_ticks = line.at("start_time_ticks").get<uint64_t>();
  v1::PageExtent& extent = result.extent;
  extent.set_start(std::strtoull(line.at("start").get<std::string>().c_str(), nullptr, 16));
  uint64_t end = std::strtoull(line.at("end").get<std::string>().c_str(), nullptr, 16);
  extent.set_pages(line.at("pages").get<uint64_t>());
  if (extent.start() + extent.pages() * kPageBytes != end) extent.set_pages(0);
  extent.set_state(static_cast<v1::PageState>(
      ValueOf(*v1::PageState_descriptor(), "PAGE_STATE_", line.at("state").get<std::string>())));
  if (auto pfn = line.find("pfn"); pfn != line.end()) extent.set_pfn(pfn->get<uint64_t>());
  if (auto swap = line.find("swap"); swap != line.end()) {
    extent.set_swap_type(swap->at("type").get<uint32_t>());
    extent.set_swap_offset(swap->at("offset").get<uint64_t>());
  }
  if (auto flags = line.find("flags"); flags != line.end()) {
    uint32_t bits = 0;
    for (const auto& flag : *flags) {
      bits |= 1u << ValueOf(*v1::PageFlag_descriptor(), "PAGE_FLAG_", flag.get<std::string>());
    }
    extent.set_flags(bits);
  }
  if (auto source = line.find("source"); source != line.end()) {
    extent.set_source(static_cast<v1::PageSource>(
        ValueOf(*v1::PageSource_descriptor(), "PAGE_SOURCE_", source->get<std::string>())));
  }
  result.object = line.value("object", "");
  result.index = line.value("index", uint64_t{0});
  return result;
}

// PageChunk.packed, as pagemap_service.proto lays it out.
ReportedPage Unpack(uint64_t record) {
  ReportedPage page;
  page.state = static_cast<v1::PageState>(record & 7);
  page.source = static_cast<v1::PageSource>(record >> 3 & 7);
  page.flags = static_cast<uint32_t>(record >> 6 & 0xffff) << 1;
  uint64_t location = record >> 22;
  if (page.state == v1::PAGE_STATE_MAPPED) {
    page.pfn = location;
    page.has_pfn = location != 0;
  } else if (page.state == v1::PAGE_STATE_SWAPPED) {
    page.swap_type = location & 31;
    page.swap_offset = location >> 5;
    page.has_slot = location != 0;
  }
  return page;
}

}  // namespace

absl::StatusOr<PageLine> ParsePageLine(absl::string_view line) {
  try {
    PageLine parsed = FromJson(json::parse(line.begin(), line.end()));
    if (parsed.extent.pages() == 0 || parsed.extent.state() == 0 || parsed.extent.flags() & 1) {
      return absl::DataLossError(absl::StrCat("makes no sense: ", line));
    }
    return parsed;
  } catch (const json::exception& error) {
    return absl::DataLossError(absl::StrCat(error.what(), ": ", line));
  }
}

absl::StatusOr<ReportedPage*> PageReport::PagesAt(uint64_t address, uint64_t pages) {
  uint64_t first = (address - start_) / kPageBytes;
  if (address < start_ || pages == 0 || pages > pages_.size() || first > pages_.size() - pages) {
    return absl::OutOfRangeError(absl::StrFormat("%d pages at %#x", pages, address));
  }
  for (uint64_t i = first; i < first + pages; ++i) {
    if (pages_[i].state != 0) {
      return absl::AlreadyExistsError(absl::StrFormat("%#x told twice", start_ + i * kPageBytes));
    }
  }
  return &pages_[first];
}

absl::Status PageReport::Add(const v1::PageExtent& extent) {
  absl::StatusOr<ReportedPage*> at = PagesAt(extent.start(), extent.pages());
  if (!at.ok()) return at.status();
  for (uint64_t i = 0; i < extent.pages(); ++i) {
    ReportedPage& page = (*at)[i];
    page.state = extent.state();
    page.source = extent.source();
    page.flags = extent.flags();
    page.has_pfn = extent.has_pfn();
    page.pfn = extent.has_pfn() ? extent.pfn() + i : 0;
    page.has_slot = extent.has_swap_type() && extent.has_swap_offset();
    page.swap_type = extent.swap_type();
    page.swap_offset = page.has_slot ? extent.swap_offset() + i : 0;
  }
  return absl::OkStatus();
}

absl::Status PageReport::AddPacked(const v1::PageChunk& chunk) {
  absl::StatusOr<ReportedPage*> at = PagesAt(chunk.start(), chunk.pages());
  if (!at.ok()) return at.status();
  if (!chunk.has_uniform() && chunk.packed().size() != 8 * chunk.pages()) {
    return absl::DataLossError(absl::StrCat(chunk.packed().size(), " bytes of packed records for ",
                                            chunk.pages(), " pages"));
  }
  for (uint64_t i = 0; i < chunk.pages(); ++i) {
    uint64_t record = chunk.uniform();
    if (!chunk.has_uniform()) memcpy(&record, chunk.packed().data() + 8 * i, 8);
    (*at)[i] = Unpack(record);
  }
  return absl::OkStatus();
}

absl::Status PageReport::Add(const v1::PageChunk& chunk) {
  if (chunk.extents_size() == 0) return AddPacked(chunk);
  for (const v1::PageExtent& extent : chunk.extents()) {
    if (extent.start() < chunk.start() ||
        extent.start() + extent.pages() * kPageBytes > chunk.start() + chunk.pages() * kPageBytes) {
      return absl::OutOfRangeError("an extent reaches out of its chunk");
    }
    if (absl::Status s = Add(extent); !s.ok()) return s;
  }
  return absl::OkStatus();
}

bool Continues(const v1::PageExtent& previous, const v1::PageExtent& next) {
  uint64_t pages = previous.pages();
  return previous.start() + pages * kPageBytes == next.start() &&
         previous.state() == next.state() && previous.flags() == next.flags() &&
         previous.source() == next.source() && previous.has_pfn() == next.has_pfn() &&
         (!next.has_pfn() || previous.pfn() + pages == next.pfn()) &&
         previous.has_swap_type() == next.has_swap_type() &&
         (!next.has_swap_type() || (previous.swap_type() == next.swap_type() &&
                                    previous.swap_offset() + pages == next.swap_offset()));
}

}  // namespace pagemapd
