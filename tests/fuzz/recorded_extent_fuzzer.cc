// ParseRecordedExtent on each line, and on what PageLineWriter makes of the extents that came of
// it.
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_split.h"
#include "cli/page_line.h"
#include "cli/pageout/recorded_extent.h"
#include "tests/fuzz/require.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPageSizeBytes = 4096;

void RequireExtent(const RecordedExtent& extent) {
  REQUIRE(extent.process.pid() > 0);
  REQUIRE(extent.process.start_time_ticks() != 0);
  REQUIRE(v1::PageState_IsValid(extent.state));
  REQUIRE(extent.state != v1::PAGE_STATE_UNSPECIFIED);
  const v1::AddressRange& range = extent.range.range();
  REQUIRE(range.start() < range.end());
  REQUIRE((range.start() | range.end()) % kPageSizeBytes == 0);
  REQUIRE(extent.range.has_expected());
  const v1::PageOutRange::Expected& expected = extent.range.expected();
  REQUIRE(expected.has_object() || expected.object_index() == 0);
  const uint64_t pages = (range.end() - range.start()) / kPageSizeBytes;
  REQUIRE(expected.object_index() + pages >= pages);
}

// The line as `pages` writes it.
fmt::memory_buffer Printed(const RecordedExtent& recorded) {
  v1::PageChunk chunk;
  chunk.set_start(recorded.range.range().start());
  chunk.set_object_index(recorded.range.expected().object_index());
  if (recorded.range.expected().has_object()) {
    *chunk.mutable_object() = recorded.range.expected().object();
  }
  v1::PageExtent extent;
  extent.set_start(chunk.start());
  extent.set_pages((recorded.range.range().end() - chunk.start()) / kPageSizeBytes);
  extent.set_state(recorded.state);
  fmt::memory_buffer line;
  PageLineWriter(kPageSizeBytes, {}).AppendJson(recorded.process, chunk, extent, line);
  return line;
}

void CheckLine(absl::string_view line) {
  const absl::StatusOr<RecordedExtent> extent = ParseRecordedExtent(line, kPageSizeBytes);
  if (!extent.ok()) {
    REQUIRE(extent.status().code() == absl::StatusCode::kInvalidArgument ||
            extent.status().code() == absl::StatusCode::kFailedPrecondition);
    REQUIRE(!extent.status().message().empty());
    REQUIRE(extent.status().message().size() < 1024);
    return;
  }
  RequireExtent(*extent);
  const fmt::memory_buffer printed = Printed(*extent);
  const absl::StatusOr<RecordedExtent> again =
      ParseRecordedExtent({printed.data(), printed.size()}, kPageSizeBytes);
  REQUIRE(again.ok());
  REQUIRE(again->state == extent->state);
  REQUIRE(again->process.SerializeAsString() == extent->process.SerializeAsString());
  REQUIRE(again->range.SerializeAsString() == extent->range.SerializeAsString());
}

}  // namespace
}  // namespace pagemapd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  for (const absl::string_view line : absl::StrSplit(text, '\n')) pagemapd::CheckLine(line);
  return 0;
}
