#include "cli/page_query.h"

#include <algorithm>

#include "cli/page_counts.h"

namespace pagemapd {
namespace {

// One call. False if there is no point in another.
bool RunCall(v1::PagemapService::StubInterface& service, const v1::QueryPagesRequest& request,
             const OnChunk& on_chunk, v1::ProcessRef* process, PageQueryEnd* end) {
  grpc::ClientContext context;
  const auto reader = service.QueryPages(&context, request);
  v1::QueryPagesResponse response;
  bool ended = false;
  while (reader->Read(&response)) {
    for (const v1::TargetStart& start : response.starts()) {
      *process = start.process();
      for (const int field : start.redacted()) {
        end->redacted.insert(static_cast<v1::PageField>(field));
      }
    }
    for (const v1::PageChunk& chunk : response.chunks()) {
      if (on_chunk(*process, chunk)) continue;
      context.TryCancel();
      reader->Finish();
      end->status = grpc::Status::OK;
      return false;
    }
    for (const v1::TargetEnd& target : response.ends()) {
      ended = true;
      if (target.has_error()) end->error = target.error();
      end->mappings_changed |= target.mappings_changed();
      AddCounts(target.counts(), &end->counts);
    }
  }
  end->status = reader->Finish();
  if (end->status.ok() && !ended) {
    end->status = grpc::Status(grpc::StatusCode::INTERNAL, "the daemon's answer has no end");
  }
  return end->status.ok() && !end->error.has_value();
}

}  // namespace

PageQueryEnd RunPageQuery(v1::PagemapService::StubInterface& service, const PageQuery& query,
                          uint32_t max_ranges, const OnChunk& on_chunk) {
  v1::QueryPagesRequest request;
  request.set_view(query.view);
  request.set_format(v1::FORMAT_EXTENTS);
  for (const v1::PageState state : query.states) request.add_states(state);
  for (const v1::PageField field : query.fields) request.add_fields(field);
  v1::Target& target = *request.add_targets();
  if (query.object_address.has_value()) target.set_object_address(*query.object_address);

  PageQueryEnd end;
  v1::ProcessRef process = query.process;
  const size_t step = max_ranges == 0 ? std::max<size_t>(query.spans.size(), 1) : max_ranges;
  size_t next = 0;
  do {
    *target.mutable_process() = process;
    target.clear_ranges();
    for (const size_t last = std::min(query.spans.size(), next + step); next < last; ++next) {
      v1::AddressRange& range = *target.add_ranges();
      range.set_start(query.spans[next].start);
      range.set_end(query.spans[next].end);
    }
  } while (RunCall(service, request, on_chunk, &process, &end) && next < query.spans.size());
  return end;
}

}  // namespace pagemapd
