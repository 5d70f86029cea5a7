#include "daemon/service/mapping_list.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "daemon/query/monotonic_time.h"
#include "daemon/service/proto_conversion.h"

namespace pagemapd {
namespace {

// No mapping is begun in a step that has taken this long. One read(2) of smaps gives the mappings
// that fit into a page, five or so, and cannot be cut short.
constexpr uint64_t kStepNanoseconds = 20'000'000;

}  // namespace

MappingListing::MappingListing(const ScanEnvironment& environment, TaskLane lane,
                               const Limits& limits, const v1::ListMappingsRequest& request,
                               AccessCheck access, std::function<bool()> is_cancelled,
                               v1::ListMappingsResponse* response,
                               std::function<void(const absl::Status&)> done)
    : environment_(environment),
      lane_(std::move(lane)),
      limits_(limits),
      request_(request),
      access_(std::move(access)),
      is_cancelled_(std::move(is_cancelled)),
      response_(response),
      done_(std::move(done)),
      max_mappings_(request.max_mappings() == 0
                        ? limits.max_listed_mappings
                        : std::min(request.max_mappings(), limits.max_listed_mappings)) {}

void MappingListing::Start() {
  lane_.Submit([self = shared_from_this()](ChunkScanner&) { self->Step(); });
}

void MappingListing::Step() {
  if (is_cancelled_()) {
    Finish(absl::CancelledError("the caller went away"));
    return;
  }
  if (!reader_.has_value()) {
    if (absl::Status status = Open(); !status.ok()) {
      Finish(status);
      return;
    }
  }
  absl::StatusOr<bool> more = ListSome();
  if (more.ok() && *more) {
    lane_.Submit([self = shared_from_this()](ChunkScanner&) { self->Step(); });
    return;
  }
  // A process that is gone shows in its file as an error or as the end.
  const absl::Status status = CheckProcess();
  Finish(status.ok() ? more.status() : status);
}

absl::Status MappingListing::Open() {
  const pid_t pid = request_.process().pid();
  absl::StatusOr<Process> process =
      Process::Open(environment_.root, pid, request_.process().start_time_ticks());
  if (!process.ok()) return process.status();
  process_.emplace(*std::move(process));
  if (!process_->HasAddressSpace()) {
    return absl::FailedPreconditionError(
        absl::StrCat("process ", pid, " is a kernel thread or a zombie"));
  }
  if (absl::Status status = access_(*process_).status(); !status.ok()) return status;
  const bool smaps = request_.include_vm_flags();
  const char* file = smaps ? "smaps" : "maps";
  absl::StatusOr<UniqueFd> fd = process_->Open(file);
  if (!fd.ok()) return fd.status();
  // Whose address space the file is bound to: see TargetScan::Open.
  if (absl::Status status = access_(*process_).status(); !status.ok()) return status;
  reader_.emplace(*std::move(fd), smaps ? MapsReader::Format::kSmaps : MapsReader::Format::kMaps,
                  absl::StrCat("/proc/", pid, "/", file));
  classifier_.emplace(environment_.features, *process_);
  response_->mutable_process()->set_pid(pid);
  response_->mutable_process()->set_start_time_ticks(process_->start_time_ticks());
  return absl::OkStatus();
}

absl::StatusOr<bool> MappingListing::ListSome() {
  const uint64_t begin_ns = MonotonicNanoseconds();
  while (true) {
    absl::StatusOr<bool> more = ListNext();
    if (!more.ok() || !*more) return more;
    if (MonotonicNanoseconds() - begin_ns >= kStepNanoseconds) return true;
  }
}

absl::StatusOr<bool> MappingListing::ListNext() {
  absl::StatusOr<bool> more = reader_->Next(&vma_);
  if (!more.ok() || !*more) return more;
  if (vma_.range.end <= request_.start_address()) return true;
  if (static_cast<uint32_t>(response_->mappings_size()) == max_mappings_ ||
      bytes_ > limits_.max_listed_bytes) {
    response_->set_next_address(vma_.range.start);
    return false;
  }
  v1::Mapping* mapping = response_->add_mappings();
  FillMapping(vma_, classifier_->Classify(vma_).kind, mapping);
  for (absl::string_view flag : absl::StrSplit(vma_.vm_flags, ' ', absl::SkipEmpty())) {
    mapping->add_vm_flags(std::string(flag));
  }
  bytes_ += mapping->SpaceUsedLong();
  return true;
}

absl::Status MappingListing::CheckProcess() const {
  const pid_t pid = request_.process().pid();
  switch (process_->Check()) {
    case ProcessChange::kNone:
      return absl::OkStatus();
    case ProcessChange::kExited:
      return absl::AbortedError(absl::StrCat("process ", pid, " exited meanwhile"));
    case ProcessChange::kExeced:
      return absl::AbortedError(absl::StrCat("process ", pid, " called exec meanwhile"));
  }
  return absl::OkStatus();
}

void MappingListing::Finish(const absl::Status& status) {
  // Every file descriptor of the target is closed before the client hears that it is done.
  classifier_.reset();
  reader_.reset();
  process_.reset();
  done_(status);
}

}  // namespace pagemapd
