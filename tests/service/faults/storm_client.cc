#include "tests/service/faults/storm_client.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "tests/testing/page_client.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kMarkersEnd = uint64_t{1} << 46;
static_assert(kFlyMarkers < kMarkersEnd);

Ending EndingOf(v1::ErrorReason reason) {
  switch (reason) {
    case v1::ERROR_REASON_NO_SUCH_PROCESS:
      return Ending::kGone;
    case v1::ERROR_REASON_PROCESS_REPLACED:
    case v1::ERROR_REASON_NO_ADDRESS_SPACE:
      return Ending::kReplacedOrZombie;
    case v1::ERROR_REASON_PROCESS_EXITED:
      return Ending::kExited;
    case v1::ERROR_REASON_PROCESS_EXECED:
      return Ending::kExeced;
    case v1::ERROR_REASON_PERMISSION_DENIED:
      return Ending::kDenied;
    default:
      return Ending::kOther;
  }
}

Ending EndingOf(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return Ending::kAnswered;
    case grpc::StatusCode::NOT_FOUND:
      return Ending::kGone;
    case grpc::StatusCode::FAILED_PRECONDITION:
      return Ending::kReplacedOrZombie;
    case grpc::StatusCode::PERMISSION_DENIED:
      return Ending::kDenied;
    case grpc::StatusCode::ABORTED:
      return absl::StrContains(status.error_message(), "exec") ? Ending::kExeced : Ending::kExited;
    default:
      return Ending::kOther;
  }
}

void End(const grpc::Status& status, Sight* sight) {
  sight->ending = EndingOf(status);
  sight->detail = absl::StrCat("status ", status.error_code(), ": ", status.error_message());
}

void End(const v1::TargetError& error, bool has_error, Sight* sight) {
  sight->ending = has_error ? EndingOf(error.reason()) : Ending::kAnswered;
  sight->detail = absl::StrCat(v1::ErrorReason_Name(error.reason()), ": ", error.message());
}

void NoteMarker(uint64_t start, Sight* sight) {
  if (start < kFlyMarkers || start >= kMarkersEnd) return;
  sight->serials.insert((start - kFlyMarkers) / kFlyMarkerBytes);
}

// Where `count` pages from `start` on are of kFlyMemory: `state_of`(page from `start`).
template <typename StateOf>
void NoteMemory(uint64_t start, uint64_t count, StateOf state_of, Sight* sight) {
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t page = (start - kFlyMemory) / kPage + i;
    if (start + i * kPage >= kFlyMemory && page < kFlyPages) sight->memory[page] = state_of(i);
  }
}

void NoteChunk(const v1::PageChunk& chunk, v1::Format format, Sight* sight) {
  // Extents leave out nothing here, bitmaps are of what is mapped.
  NoteMarker(chunk.start(), sight);
  if (sight->memory.empty()) return;
  for (const v1::PageExtent& extent : chunk.extents()) {
    NoteMemory(
        extent.start(), extent.pages(), [&](uint64_t) { return extent.state(); }, sight);
  }
  if (format != v1::FORMAT_PACKED) return;
  const auto state_of = [&](uint64_t i) {
    uint64_t record = chunk.uniform();
    if (!chunk.has_uniform()) memcpy(&record, chunk.packed().data() + 8 * i, 8);
    return static_cast<v1::PageState>(record & 7);
  };
  NoteMemory(chunk.start(), chunk.pages(), state_of, sight);
}

void SetDeadline(grpc::ClientContext* context) {
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
}

// Starts a call of one answer, by `start`(context, response, on_done), and acts while it runs.
template <typename Response, typename Start>
grpc::Status CallAndAct(Start start, const std::function<void()>& meanwhile, Response* response) {
  grpc::ClientContext context;
  SetDeadline(&context);
  grpc::Status status;
  absl::Notification done;
  start(&context, response, [&](grpc::Status ended) {
    status = std::move(ended);
    done.Notify();
  });
  meanwhile();
  done.WaitForNotification();
  return status;
}

}  // namespace

const char* Name(Ending ending) {
  static constexpr const char* kNames[] = {
      "answered", "gone", "replaced or zombie", "exited", "execed", "denied", "other"};
  return kNames[static_cast<size_t>(ending)];
}

Sight StormClient::AskForPages(const v1::QueryPagesRequest& request,
                               const std::function<void()>& meanwhile) {
  grpc::ClientContext context;
  SetDeadline(&context);
  auto stream = stub_->QueryPages(&context, request);
  meanwhile();
  Sight sight;
  if (request.format() != v1::FORMAT_BITMAP) sight.memory.resize(kFlyPages);
  v1::QueryPagesResponse message;
  int ends = 0;
  while (stream->Read(&message)) {
    for (const v1::TargetStart& start : message.starts()) {
      sight.start_time_ticks = start.process().start_time_ticks();
    }
    for (const v1::PageChunk& chunk : message.chunks()) NoteChunk(chunk, request.format(), &sight);
    for (const v1::TargetEnd& end : message.ends()) {
      End(end.error(), end.has_error(), &sight);
      sight.mappings_changed = end.mappings_changed();
      ++ends;
    }
  }
  const grpc::Status status = stream->Finish();
  if (!status.ok() || ends != 1) {
    End(status, &sight);
    sight.ending = Ending::kOther;
    absl::StrAppend(&sight.detail, ", ", ends, " ends");
  }
  return sight;
}

Sight StormClient::AskForSummary(const v1::ProcessRef& process,
                                 const std::function<void()>& meanwhile) {
  v1::SummarizePagesRequest request;
  *request.add_targets()->mutable_process() = process;
  request.set_view(v1::VIEW_PROCESS);
  request.set_include_mappings(true);
  v1::SummarizePagesResponse response;
  const grpc::Status status = CallAndAct(
      [&](auto* context, auto* answer, auto on_done) {
        stub_->async()->SummarizePages(context, &request, answer, on_done);
      },
      meanwhile, &response);
  Sight sight;
  End(status, &sight);
  if (!status.ok()) {
    sight.ending = Ending::kOther;
    return sight;
  }
  const v1::TargetSummary& summary = response.targets(0);
  End(summary.error(), summary.has_error(), &sight);
  sight.start_time_ticks = summary.process().start_time_ticks();
  sight.mappings_changed = summary.mappings_changed();
  for (const v1::MappingSummary& mapping : summary.mappings()) {
    NoteMarker(mapping.mapping().range().start(), &sight);
  }
  return sight;
}

Sight StormClient::AskForMappings(const v1::ProcessRef& process,
                                  const std::function<void()>& meanwhile) {
  v1::ListMappingsRequest request;
  *request.mutable_process() = process;
  v1::ListMappingsResponse response;
  const grpc::Status status = CallAndAct(
      [&](auto* context, auto* answer, auto on_done) {
        stub_->async()->ListMappings(context, &request, answer, on_done);
      },
      meanwhile, &response);
  Sight sight;
  End(status, &sight);
  sight.start_time_ticks = response.process().start_time_ticks();
  for (const v1::Mapping& mapping : response.mappings()) {
    NoteMarker(mapping.range().start(), &sight);
  }
  return sight;
}

Sight StormClient::AskWhatHolds(const v1::ProcessRef& process, uint32_t serial,
                                const std::function<void()>& meanwhile) {
  v1::RevalidatePagesRequest request;
  *request.mutable_process() = process;
  request.set_view(v1::VIEW_PROCESS);
  for (uint64_t start : {kFlyMemory, kFlyMarkers + kFlyMarkerBytes * serial}) {
    v1::PageExtent* extent = request.add_extents();
    extent->set_start(start);
    extent->set_pages(1);
    extent->set_state(v1::PAGE_STATE_MAPPED);
  }
  v1::RevalidatePagesResponse response;
  const grpc::Status status = CallAndAct(
      [&](auto* context, auto* answer, auto on_done) {
        stub_->async()->RevalidatePages(context, &request, answer, on_done);
      },
      meanwhile, &response);
  Sight sight;
  End(status, &sight);
  sight.start_time_ticks = response.process().start_time_ticks();
  sight.mappings_changed = response.mappings_changed();
  if (!response.holds().empty() && (response.holds()[0] & 2) != 0) sight.serials.insert(serial);
  return sight;
}

Sight StormClient::AskToPageOut(const v1::ProcessRef& process,
                                const std::function<void()>& meanwhile) {
  v1::PageOutRequest request;
  *request.mutable_process() = process;
  v1::AddressRange* range = request.add_ranges()->mutable_range();
  range->set_start(kFlyMemory);
  range->set_end(kFlyMemory + kFlyWrittenPages * kPage);
  grpc::ClientContext context;
  SetDeadline(&context);
  auto stream = stub_->PageOut(&context, request);
  meanwhile();
  Sight sight;
  v1::PageOutResponse message;
  bool ended = false;
  while (stream->Read(&message)) {
    if (message.has_process()) sight.start_time_ticks = message.process().start_time_ticks();
    if (!message.has_end()) continue;
    ended = true;
    End(message.end().error(), message.end().has_error(), &sight);
  }
  const grpc::Status status = stream->Finish();
  if (!status.ok() || !ended) {
    End(status, &sight);
    sight.ending = Ending::kOther;
  }
  return sight;
}

Sight StormClient::Ask(Question question, const Mayfly& fly, uint64_t start_time_ticks,
                       const std::function<void()>& meanwhile) {
  absl::Duration& typical = typical_[static_cast<size_t>(question)];
  const absl::Time begin = absl::Now();
  const absl::Duration delay =
      typical * std::uniform_real_distribution<double>(0, 1.5)(lots_) - absl::Microseconds(50);
  const auto act = [&] {
    // What is left of it: the call itself took some.
    const absl::Duration left = delay - (absl::Now() - begin);
    if (left > absl::ZeroDuration()) absl::SleepFor(left);
    meanwhile();
  };
  v1::ProcessRef process;
  process.set_pid(fly.pid);
  process.set_start_time_ticks(start_time_ticks);
  v1::QueryPagesRequest pages;
  *pages.add_targets()->mutable_process() = process;
  pages.set_view(v1::VIEW_PROCESS);
  pages.set_format(v1::FORMAT_EXTENTS);
  pages.add_fields(v1::PAGE_FIELD_LOCATION);
  Sight sight;
  switch (question) {
    case Question::kExtents:
      sight = AskForPages(pages, act);
      break;
    case Question::kPacked:
      pages.set_format(v1::FORMAT_PACKED);
      pages.add_fields(v1::PAGE_FIELD_FRAME_FLAGS);
      sight = AskForPages(pages, act);
      break;
    case Question::kBitmap:
      pages.set_format(v1::FORMAT_BITMAP);
      pages.add_states(v1::PAGE_STATE_MAPPED);
      sight = AskForPages(pages, act);
      break;
    case Question::kObjectView:
      pages.set_view(v1::VIEW_OBJECT);
      sight = AskForPages(pages, act);
      sight.memory.clear();
      break;
    case Question::kSummary:
      sight = AskForSummary(process, act);
      break;
    case Question::kMappings:
      sight = AskForMappings(process, act);
      break;
    case Question::kRevalidate:
      sight = AskWhatHolds(process, fly.serial, act);
      break;
    case Question::kPageOut:
      sight = AskToPageOut(process, act);
      break;
  }
  // Not where the act may have been what it waited for.
  if (sight.ending == Ending::kAnswered && delay <= typical / 2) {
    const absl::Duration took = absl::Now() - begin;
    typical = typical == absl::ZeroDuration() ? took : typical * 0.9 + took * 0.1;
  }
  return sight;
}

}  // namespace pagemapd
