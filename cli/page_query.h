#ifndef PAGEMAPD_CLI_PAGE_QUERY_H_
#define PAGEMAPD_CLI_PAGE_QUERY_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "cli/address_span.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"

namespace pagemapd {

// What is asked about the extents of one process, or of one object that it maps.
struct PageQuery {
  v1::ProcessRef process;
  // As in Target: the object mapped there, with `spans` of byte offsets; takes VIEW_OBJECT.
  std::optional<uint64_t> object_address;
  // None: the whole address space, or the whole object.
  std::vector<AddressSpan> spans;
  v1::View view = v1::VIEW_PROCESS;
  // None: every state.
  std::vector<v1::PageState> states;
  std::vector<v1::PageField> fields;
};

// How it ended.
struct PageQueryEnd {
  // The call's; OK also when the target failed, and when `on_chunk` wanted no more.
  grpc::Status status;
  // Set when the target failed.
  std::optional<v1::TargetError> error;
  // What was asked for and is left out, for want of the right `locations`.
  std::set<v1::PageField> redacted;
  bool mappings_changed = false;
  v1::PageCounts counts;
};

// Called in address order; false ends the query.
using OnChunk = std::function<bool(const v1::ProcessRef& process, const v1::PageChunk& chunk)>;

// Asks, in as many calls as `max_ranges` a call make necessary, all of the same process.
PageQueryEnd RunPageQuery(v1::PagemapService::StubInterface& service, const PageQuery& query,
                          uint32_t max_ranges, const OnChunk& on_chunk);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PAGE_QUERY_H_
