#include "cli/extent_writer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/address_span.h"
#include "cli/output/byte_size.h"
#include "cli/output/printable_text.h"
#include "cli/page_names.h"
#include "cli/process_mappings.h"

namespace pagemapd {

ExtentWriter::ExtentWriter(const Session& session, SwapAreaPaths areas,
                           const std::vector<v1::Mapping>& mappings, const Options& options)
    : session_(session),
      options_(options),
      lines_(options.page_size_bytes, std::move(areas),
             options.object_address.has_value() ? StartOrigin::kObject : StartOrigin::kAddressSpace,
             options.annotator),
      mappings_(mappings) {}

bool ExtentWriter::Write(const v1::ProcessRef& process, const v1::PageChunk& chunk) {
  for (const v1::PageExtent& extent : chunk.extents()) {
    Open();
    const bool more = options_.annotator == nullptr ? WriteExtent(process, chunk, extent)
                                                    : WriteParts(process, chunk, extent);
    if (!more) return false;
  }
  return true;
}

// Splits `extent` where its annotation changes.
bool ExtentWriter::WriteParts(const v1::ProcessRef& process, const v1::PageChunk& chunk,
                              const v1::PageExtent& extent) {
  v1::PageExtent part = extent;
  for (uint64_t done = 0; done < extent.pages(); done += part.pages()) {
    part.set_start(extent.start() + done * options_.page_size_bytes);
    const uint64_t uniform_pages = std::max<uint64_t>(
        options_.annotator->UniformBytes(part.start()) / options_.page_size_bytes, 1);
    part.set_pages(std::min(extent.pages() - done, uniform_pages));
    if (extent.has_pfn()) part.set_pfn(extent.pfn() + done);
    if (extent.has_swap_offset()) part.set_swap_offset(extent.swap_offset() + done);
    if (!WriteExtent(process, chunk, part)) return false;
  }
  return true;
}

void ExtentWriter::Finish(bool failed) {
  if (extents_ == 0 && failed) return;
  Open();
  if (session_.format() == OutputFormat::kJson) {
    session_.out().Append(extents_ == 0 ? "]\n" : "\n]\n");
  }
}

void ExtentWriter::Open() {
  if (std::exchange(opened_, true)) return;
  OutputStream& out = session_.out();
  if (session_.format() == OutputFormat::kJson) out.Append("[");
  if (!session_.with_heading()) return;
  if (session_.format() == OutputFormat::kCsv) out.Append(lines_.CsvHeading());
  if (session_.format() == OutputFormat::kTable) {
    AppendRow(options_.object_address.has_value() ? "OFFSET" : "RANGE", "PAGES", "SIZE", "STATE",
              "LOCATION", "FLAGS",
              options_.annotator == nullptr ? "MAPPING" : options_.annotator->TableHeading());
  }
}

bool ExtentWriter::WriteExtent(const v1::ProcessRef& process, const v1::PageChunk& chunk,
                               const v1::PageExtent& extent) {
  OutputStream& out = session_.out();
  switch (session_.format()) {
    case OutputFormat::kJson:
      out.Append(extents_ == 0 ? "\n" : ",\n");
      lines_.AppendJson(process, chunk, extent, out.text());
      break;
    case OutputFormat::kJsonLines:
      lines_.AppendJson(process, chunk, extent, out.text());
      out.Append("\n");
      break;
    case OutputFormat::kCsv:
      lines_.AppendCsv(process, chunk, extent, out.text());
      break;
    case OutputFormat::kTable:
      WriteTableRow(extent);
  }
  ++extents_;
  return out.EndRow();
}

void ExtentWriter::WriteTableRow(const v1::PageExtent& extent) {
  const uint64_t bytes = extent.pages() * options_.page_size_bytes;
  const auto or_dash = [](std::string text) { return text.empty() ? std::string("-") : text; };
  AppendRow(ToString(AddressSpan{extent.start(), extent.start() + bytes}),
            absl::StrCat(extent.pages()), ByteSize(bytes), StateName(extent.state()),
            options_.with_locations ? or_dash(session_.Printable(lines_.LocationText(extent))) : "",
            options_.with_flags ? or_dash(absl::StrJoin(FlagNames(extent.flags()), ",")) : "",
            LastColumns(extent.start()));
}

std::string ExtentWriter::LastColumns(uint64_t address) {
  if (options_.annotator != nullptr) return options_.annotator->TableText(address);
  const v1::Mapping* mapping = MappingAt(mappings_, options_.object_address.value_or(address));
  if (mapping != named_) {
    named_ = mapping;
    name_ = mapping == nullptr ? "-" : session_.Printable(MappingName(*mapping));
  }
  return name_;
}

// The rows are too many to fit the columns to them: the widths are what most rows need.
void ExtentWriter::AppendRow(const std::string& range, const std::string& pages,
                             const std::string& size, const std::string& state,
                             const std::string& location, const std::string& flags,
                             const std::string& last_columns) {
  AppendCell(range, 25, /*right=*/false);
  AppendCell(pages, 8, /*right=*/true);
  AppendCell(size, 5, /*right=*/true);
  AppendCell(state, 7, /*right=*/false);
  if (options_.with_locations) AppendCell(location, 20, /*right=*/false);
  if (options_.with_flags) AppendCell(flags, 24, /*right=*/false);
  session_.out().Append(last_columns);
  session_.out().Append("\n");
}

void ExtentWriter::AppendCell(const std::string& text, size_t width, bool right) {
  static constexpr char kSpaces[] = "                         ";
  const size_t columns = TextColumns(text);
  const absl::string_view padding(kSpaces, columns < width ? width - columns : 0);
  OutputStream& out = session_.out();
  if (right) out.Append(padding);
  out.Append(text);
  if (!right) out.Append(padding);
  out.Append("  ");
}

}  // namespace pagemapd
