#include "cli/page_line.h"

#include <fmt/compile.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "cli/output/csv_row.h"
#include "cli/output/json_string.h"
#include "cli/page_names.h"

namespace pagemapd {
namespace {

void Append(absl::string_view text, fmt::memory_buffer& out) {
  out.append(text.data(), text.data() + text.size());
}

template <typename Format, typename... Values>
void AppendFormat(fmt::memory_buffer& out, const Format& format, const Values&... values) {
  fmt::format_to(fmt::appender(out), format, values...);
}

void AppendObject(const v1::ObjectRef& object, fmt::memory_buffer& out) {
  AppendFormat(out, FMT_COMPILE("{:02x}:{:02x}:{}"), object.device_major(), object.device_minor(),
               object.inode());
}

}  // namespace

SwapAreaPaths SwapAreaPathsOf(const v1::ListSwapAreasResponse& areas) {
  SwapAreaPaths paths;
  for (const auto& name : areas.type_names()) {
    if (name.area_index() >= static_cast<uint32_t>(areas.areas_size())) continue;
    paths[name.type()] = areas.areas(name.area_index()).path();
  }
  return paths;
}

std::string ObjectText(const v1::ObjectRef& object) {
  fmt::memory_buffer text;
  AppendObject(object, text);
  return fmt::to_string(text);
}

PageLineWriter::PageLineWriter(uint64_t page_size_bytes, SwapAreaPaths areas, StartOrigin origin,
                               const PageAnnotator* annotator)
    : page_size_bytes_(page_size_bytes),
      origin_(origin),
      annotator_(annotator),
      areas_(std::move(areas)) {
  for (const auto& [type, path] : areas_) {
    fmt::memory_buffer json;
    AppendJsonString(path, json);
    json_areas_[type] = fmt::to_string(json);
  }
}

std::string PageLineWriter::CsvHeading() const {
  if (annotator_ == nullptr) return kCsvHeading;
  return absl::StrCat(absl::StripSuffix(kCsvHeading, "\n"), annotator_->CsvHeading(), "\n");
}

uint64_t PageLineWriter::ObjectIndex(const v1::PageChunk& chunk,
                                     const v1::PageExtent& extent) const {
  return chunk.object_index() + (extent.start() - chunk.start()) / page_size_bytes_;
}

void PageLineWriter::AppendJson(const v1::ProcessRef& process, const v1::PageChunk& chunk,
                                const v1::PageExtent& extent, fmt::memory_buffer& out) const {
  const char* const prefix = origin_ == StartOrigin::kObject ? "object_" : "";
  AppendFormat(out,
               FMT_COMPILE("{{\"pid\":{},\"start_time_ticks\":{},\"{}start\":\"0x{:x}\","
                           "\"{}end\":\"0x{:x}\",\"pages\":{},\"state\":\"{}\""),
               process.pid(), process.start_time_ticks(), prefix, extent.start(), prefix,
               extent.start() + extent.pages() * page_size_bytes_, extent.pages(),
               StateName(extent.state()));
  if (extent.has_pfn()) AppendFormat(out, FMT_COMPILE(",\"pfn\":{}"), extent.pfn());
  if (extent.has_swap_type()) {
    AppendFormat(out, FMT_COMPILE(",\"swap\":{{\"type\":{},\"offset\":{}"), extent.swap_type(),
                 extent.swap_offset());
    const auto area = json_areas_.find(extent.swap_type());
    if (area != json_areas_.end()) AppendFormat(out, FMT_COMPILE(",\"area\":{}"), area->second);
    out.push_back('}');
  }
  if (chunk.has_object()) {
    Append(",\"object\":\"", out);
    AppendObject(chunk.object(), out);
    AppendFormat(out, FMT_COMPILE("\",\"index\":{}"), ObjectIndex(chunk, extent));
  }
  if (extent.flags() != 0) {
    absl::string_view separator = ",\"flags\":[\"";
    for (const absl::string_view flag : FlagNames(extent.flags())) {
      Append(separator, out);
      Append(flag, out);
      separator = "\",\"";
    }
    Append("\"]", out);
  }
  if (extent.source() != v1::PAGE_SOURCE_UNSPECIFIED) {
    AppendFormat(out, FMT_COMPILE(",\"source\":\"{}\""), SourceName(extent.source()));
  }
  if (annotator_ != nullptr) annotator_->AppendJson(extent.start(), out);
  out.push_back('}');
}

void PageLineWriter::AppendCsv(const v1::ProcessRef& process, const v1::PageChunk& chunk,
                               const v1::PageExtent& extent, fmt::memory_buffer& out) const {
  const uint64_t end = extent.start() + extent.pages() * page_size_bytes_;
  const bool in_object = origin_ == StartOrigin::kObject;
  AppendFormat(out, FMT_COMPILE("{},{},"), process.pid(), process.start_time_ticks());
  if (in_object) {
    out.push_back(',');
  } else {
    AppendFormat(out, FMT_COMPILE("0x{:x},0x{:x}"), extent.start(), end);
  }
  AppendFormat(out, FMT_COMPILE(",{},{},"), extent.pages(), StateName(extent.state()));
  if (extent.has_pfn()) AppendFormat(out, FMT_COMPILE("{}"), extent.pfn());
  out.push_back(',');
  if (extent.has_swap_type()) {
    AppendFormat(out, FMT_COMPILE("{},{},"), extent.swap_type(), extent.swap_offset());
    const auto area = areas_.find(extent.swap_type());
    if (area != areas_.end()) AppendCsvField(area->second, out);
  } else {
    Append(",,", out);
  }
  out.push_back(',');
  if (chunk.has_object()) {
    AppendObject(chunk.object(), out);
    AppendFormat(out, FMT_COMPILE(",{},"), ObjectIndex(chunk, extent));
  } else {
    Append(",,", out);
  }
  Append(absl::StrJoin(FlagNames(extent.flags()), "|"), out);
  out.push_back(',');
  Append(SourceName(extent.source()), out);
  if (in_object) {
    AppendFormat(out, FMT_COMPILE(",0x{:x},0x{:x}"), extent.start(), end);
  } else {
    Append(",,", out);
  }
  if (annotator_ != nullptr) annotator_->AppendCsv(extent.start(), out);
  out.push_back('\n');
}

std::string PageLineWriter::LocationText(const v1::PageExtent& extent) const {
  if (extent.has_pfn()) return absl::StrCat("pfn ", extent.pfn());
  if (!extent.has_swap_type()) return "";
  const auto area = areas_.find(extent.swap_type());
  return area == areas_.end() ? absl::StrCat("swap ", extent.swap_type(), ":", extent.swap_offset())
                              : absl::StrCat(area->second, ":", extent.swap_offset());
}

}  // namespace pagemapd
