#ifndef PAGEMAPD_CLI_PAGE_LINE_H_
#define PAGEMAPD_CLI_PAGE_LINE_H_

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <string>

#include "cli/page_annotator.h"
#include "pagemapd/v1/pagemap_service.pb.h"

namespace pagemapd {

// The paths of swap areas, by swap type, as far as it is certain which area has the type.
using SwapAreaPaths = std::map<uint32_t, std::string>;
SwapAreaPaths SwapAreaPathsOf(const v1::ListSwapAreasResponse& areas);

// "MAJOR:MINOR:INODE" as in /proc/PID/maps: "00:01:2049".
std::string ObjectText(const v1::ObjectRef& object);

// What the starts of chunks and extents count from.
enum class StartOrigin {
  kAddressSpace,
  // The targets were objects: byte offsets into them.
  kObject,
};

// Writes extents for programs. The formats are an interface: `pageout --from` and users' scripts
// read them.
class PageLineWriter {
 public:
  // `annotator`, if any, adds to each line, and must outlive this object.
  PageLineWriter(uint64_t page_size_bytes, SwapAreaPaths areas,
                 StartOrigin origin = StartOrigin::kAddressSpace,
                 const PageAnnotator* annotator = nullptr);

  // {"pid":1,"start_time_ticks":2,"start":"0x..","end":"0x..","pages":3,"state":"swapped",
  // "swap":{"type":0,"offset":4,"area":"/dev/zram0"},"object":"00:01:2049","index":0,
  // "flags":["file"],"source":"pagemap"} on one line, without a newline. What does not apply, or
  // was not asked for, is absent. With kObject "object_start" and "object_end" stand in place of
  // "start" and "end", so that nobody takes an offset for an address.
  void AppendJson(const v1::ProcessRef& process, const v1::PageChunk& chunk,
                  const v1::PageExtent& extent, fmt::memory_buffer& out) const;

  // The same, as CSV under kCsvHeading, with its newline. Flags are joined by "|". Of the two pairs
  // of starts and ends one is empty.
  void AppendCsv(const v1::ProcessRef& process, const v1::PageChunk& chunk,
                 const v1::PageExtent& extent, fmt::memory_buffer& out) const;
  static constexpr char kCsvHeading[] =
      "pid,start_time_ticks,start,end,pages,state,pfn,swap_type,swap_offset,swap_area,object,index,"
      "flags,source,object_start,object_end\n";
  // That, with the annotator's columns.
  std::string CsvHeading() const;

  // Where an extent is, for people: "pfn 1193046", "/dev/zram0:4711", "swap 0:4711", or nothing.
  // Bytes as the daemon gave them.
  std::string LocationText(const v1::PageExtent& extent) const;

 private:
  uint64_t ObjectIndex(const v1::PageChunk& chunk, const v1::PageExtent& extent) const;

  uint64_t page_size_bytes_;
  StartOrigin origin_;
  const PageAnnotator* annotator_;
  SwapAreaPaths areas_;
  // As JSON strings.
  SwapAreaPaths json_areas_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PAGE_LINE_H_
