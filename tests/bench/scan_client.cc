#include "tests/bench/scan_client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace pagemapd {
namespace {

void Add(v1::PageState state, uint64_t pages, ScanTally* tally) {
  switch (state) {
    case v1::PAGE_STATE_HOLE:
      tally->hole += pages;
      break;
    case v1::PAGE_STATE_MAPPED:
      tally->mapped += pages;
      break;
    case v1::PAGE_STATE_CACHED:
      tally->cached += pages;
      break;
    case v1::PAGE_STATE_SWAPPED:
      tally->swapped += pages;
      break;
    default:
      break;
  }
}

v1::PageState PackedState(uint64_t record) { return static_cast<v1::PageState>(record & 7); }

void AddPacked(const std::string& packed, ScanTally* tally) {
  // Eight counters of a byte each in one word: one a state, none of which passes 255.
  constexpr size_t kBatch = 255;
  const size_t records = packed.size() / sizeof(uint64_t);
  for (size_t at = 0; at < records; at += kBatch) {
    const size_t end = std::min(records, at + kBatch);
    uint64_t counters = 0;
    for (size_t i = at; i < end; ++i) {
      uint64_t record;
      std::memcpy(&record, packed.data() + i * sizeof(record), sizeof(record));
      counters += uint64_t{1} << (PackedState(record) * 8);
    }
    for (int state = 0; state < 8; ++state) {
      Add(static_cast<v1::PageState>(state), counters >> (state * 8) & 0xff, tally);
    }
  }
}

uint64_t SetBits(const std::string& bitmap) {
  uint64_t bits = 0;
  size_t at = 0;
  for (; at + sizeof(uint64_t) <= bitmap.size(); at += sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, bitmap.data() + at, sizeof(word));
    bits += __builtin_popcountll(word);
  }
  for (; at < bitmap.size(); ++at) {
    bits += __builtin_popcount(static_cast<unsigned char>(bitmap[at]));
  }
  return bits;
}

void AddChunk(const v1::PageChunk& chunk, v1::Format format, ScanTally* tally) {
  switch (format) {
    case v1::FORMAT_EXTENTS:
      for (const v1::PageExtent& extent : chunk.extents()) {
        Add(extent.state(), extent.pages(), tally);
      }
      break;
    case v1::FORMAT_PACKED:
      if (chunk.has_uniform()) {
        Add(PackedState(chunk.uniform()), chunk.pages(), tally);
      } else {
        AddPacked(chunk.packed(), tally);
      }
      break;
    default:
      tally->mapped +=
          chunk.has_uniform() ? chunk.uniform() * chunk.pages() : SetBits(chunk.bitmap());
  }
}

void SetTarget(pid_t pid, const PageRange& range, v1::Target* target) {
  target->mutable_process()->set_pid(pid);
  v1::AddressRange* asked = target->add_ranges();
  asked->set_start(range.start);
  asked->set_end(range.end);
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

absl::Status FromTarget(const v1::TargetError& error) {
  return absl::AbortedError(
      absl::StrCat(v1::ErrorReason_Name(error.reason()), ": ", error.message()));
}

}  // namespace

ScanClient::ScanClient(const std::string& address) {
  grpc::ChannelArguments arguments;
  // Else the channels of one process share a connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  channel_ = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  stub_ = v1::PagemapService::NewStub(channel_);
}

absl::StatusOr<ScanTally> ScanClient::QueryPages(const Query& query) {
  v1::QueryPagesRequest request;
  SetTarget(query.pid, query.range, request.add_targets());
  request.set_view(query.view);
  request.set_format(query.format);
  if (query.format == v1::FORMAT_BITMAP) {
    request.add_states(query.view == v1::VIEW_OBJECT ? v1::PAGE_STATE_CACHED
                                                     : v1::PAGE_STATE_MAPPED);
  }
  for (v1::PageField field : query.fields) request.add_fields(field);

  grpc::ClientContext context;
  ScanTally tally;
  bool ended = false;
  absl::Status failed;
  auto reader = stub_->QueryPages(&context, request);
  absl::Duration stall = query.stall;
  // One message throughout, so that its memory is used again.
  v1::QueryPagesResponse response;
  while (reader->Read(&response)) {
    for (const v1::PageChunk& chunk : response.chunks()) AddChunk(chunk, query.format, &tally);
    for (const v1::TargetEnd& end : response.ends()) {
      ended = true;
      tally.told = end.counts();
      if (end.has_error()) failed = FromTarget(end.error());
    }
    absl::SleepFor(std::exchange(stall, absl::ZeroDuration()));
  }
  if (absl::Status s = FromGrpc(reader->Finish()); !s.ok()) return s;
  if (!failed.ok()) return failed;
  if (!ended) return absl::DataLossError("the stream ended before its target");
  return tally;
}

absl::StatusOr<ScanTally> ScanClient::SummarizePages(pid_t pid, const PageRange& range) {
  v1::SummarizePagesRequest request;
  SetTarget(pid, range, request.add_targets());
  request.set_view(v1::VIEW_PROCESS);
  grpc::ClientContext context;
  v1::SummarizePagesResponse response;
  const grpc::Status status = stub_->SummarizePages(&context, request, &response);
  if (absl::Status s = FromGrpc(status); !s.ok()) return s;
  if (response.targets_size() != 1) return absl::DataLossError("not one target in the answer");
  if (response.targets(0).has_error()) return FromTarget(response.targets(0).error());
  ScanTally tally;
  tally.told = response.total();
  tally.hole = tally.told.hole();
  tally.mapped = tally.told.mapped();
  tally.cached = tally.told.cached();
  tally.swapped = tally.told.swapped();
  return tally;
}

}  // namespace pagemapd
