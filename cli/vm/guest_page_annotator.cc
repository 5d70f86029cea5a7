#include "cli/vm/guest_page_annotator.h"

#include <fmt/compile.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "cli/output/csv_row.h"
#include "cli/output/json_string.h"
#include "cli/output/printable_text.h"

namespace pagemapd {
namespace {

constexpr size_t kOffsetColumns = 12;

void Append(absl::string_view text, fmt::memory_buffer& out) {
  out.append(text.data(), text.data() + text.size());
}

std::string Padded(std::string text, size_t columns) {
  text.append(columns - std::min(columns, TextColumns(text)), ' ');
  return text;
}

}  // namespace

GuestPageAnnotator::GuestPageAnnotator(const std::vector<const RamBlock*>& blocks, bool utf8)
    : places_(blocks), name_columns_(absl::string_view("BLOCK").size()) {
  for (const RamBlock* block : blocks) {
    name_columns_ = std::max(name_columns_, TextColumns(PrintableText(block->name, utf8)));
  }
  for (const RamBlock* block : blocks) {
    fmt::memory_buffer json, csv;
    AppendJsonString(block->name, json);
    AppendCsvField(block->name, csv);
    names_[block] = {fmt::to_string(json), fmt::to_string(csv),
                     Padded(PrintableText(block->name, utf8), name_columns_)};
  }
}

uint64_t GuestPageAnnotator::UniformBytes(uint64_t address) const {
  return std::max<uint64_t>(places_.PlaceOf(address).bytes, 1);
}

std::string GuestPageAnnotator::TableHeading() const {
  return absl::StrCat(Padded("BLOCK", name_columns_), "  ", Padded("OFFSET", kOffsetColumns),
                      "  GPA");
}

std::string GuestPageAnnotator::TableText(uint64_t address) const {
  const GuestPlace place = places_.PlaceOf(address);
  if (place.block == nullptr) return "-";
  return absl::StrCat(
      names_.at(place.block).cell, "  ",
      Padded(absl::StrCat(absl::Hex(place.offset)), kOffsetColumns), "  ",
      place.guest_address.has_value() ? absl::StrCat(absl::Hex(*place.guest_address)) : "-");
}

void GuestPageAnnotator::AppendJson(uint64_t address, fmt::memory_buffer& out) const {
  const GuestPlace place = places_.PlaceOf(address);
  if (place.block == nullptr) return;
  fmt::format_to(fmt::appender(out), FMT_COMPILE(",\"block\":{},\"offset\":\"0x{:x}\""),
                 names_.at(place.block).json, place.offset);
  if (place.guest_address.has_value()) {
    fmt::format_to(fmt::appender(out), FMT_COMPILE(",\"gpa\":\"0x{:x}\""), *place.guest_address);
  }
}

void GuestPageAnnotator::AppendCsv(uint64_t address, fmt::memory_buffer& out) const {
  const GuestPlace place = places_.PlaceOf(address);
  if (place.block == nullptr) return Append(",,,", out);
  fmt::format_to(fmt::appender(out), FMT_COMPILE(",{},0x{:x},"), names_.at(place.block).csv,
                 place.offset);
  if (place.guest_address.has_value()) {
    fmt::format_to(fmt::appender(out), FMT_COMPILE("0x{:x}"), *place.guest_address);
  }
}

}  // namespace pagemapd
