#include "daemon/service/mapping_list.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "daemon/procfs/maps.h"
#include "daemon/procfs/process.h"
#include "daemon/query/mapping_kind.h"
#include "daemon/query/target_error.h"
#include "daemon/service/proto_conversion.h"

namespace pagemapd {

absl::Status ListMappingsOf(const ScanEnvironment& environment,
                            const v1::ListMappingsRequest& request, const Limits& limits,
                            const AccessCheck& access, v1::ListMappingsResponse* response) {
  const pid_t pid = request.process().pid();
  absl::StatusOr<Process> process =
      Process::Open(environment.root, pid, request.process().start_time_ticks());
  if (!process.ok()) return process.status();
  if (!process->HasAddressSpace()) {
    return absl::FailedPreconditionError(
        absl::StrCat("process ", pid, " is a kernel thread or a zombie"));
  }
  if (absl::Status status = access(*process).status(); !status.ok()) return status;
  const char* file = request.include_vm_flags() ? "smaps" : "maps";
  absl::StatusOr<UniqueFd> fd = process->Open(file);
  if (!fd.ok()) return fd.status();
  // Whose address space the file is bound to: see TargetScan::Open.
  if (absl::Status status = access(*process).status(); !status.ok()) return status;
  MapsReader reader(
      *std::move(fd),
      request.include_vm_flags() ? MapsReader::Format::kSmaps : MapsReader::Format::kMaps,
      absl::StrCat("/proc/", pid, "/", file));
  MappingClassifier classifier(environment.features, *process);
  const uint32_t limit = request.max_mappings() == 0
                             ? limits.max_listed_mappings
                             : std::min(request.max_mappings(), limits.max_listed_mappings);
  uint64_t bytes = 0;
  response->mutable_process()->set_pid(pid);
  response->mutable_process()->set_start_time_ticks(process->start_time_ticks());
  Vma vma;
  while (true) {
    absl::StatusOr<bool> more = reader.Next(&vma);
    if (!more.ok()) return more.status();
    if (!*more) break;
    if (vma.range.end <= request.start_address()) continue;
    if (static_cast<uint32_t>(response->mappings_size()) == limit ||
        bytes > limits.max_listed_bytes) {
      response->set_next_address(vma.range.start);
      break;
    }
    v1::Mapping* mapping = response->add_mappings();
    FillMapping(vma, classifier.Classify(vma).kind, mapping);
    for (absl::string_view flag : absl::StrSplit(vma.vm_flags, ' ', absl::SkipEmpty())) {
      mapping->add_vm_flags(std::string(flag));
    }
    bytes += mapping->SpaceUsedLong();
  }
  switch (process->Check()) {
    case ProcessChange::kNone:
      return absl::OkStatus();
    case ProcessChange::kExited:
      return absl::AbortedError(absl::StrCat("process ", pid, " exited meanwhile"));
    case ProcessChange::kExeced:
      return absl::AbortedError(absl::StrCat("process ", pid, " called exec meanwhile"));
  }
  return absl::OkStatus();
}

}  // namespace pagemapd
