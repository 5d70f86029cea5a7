// Migrates a QEMU guest, and pages out again what of it was in swap on this host: what recool.py
// does, with a bit a page in place of extents. A terabyte of guest is 32 MiB of bits, however its
// pages lie; stretches of equal pages are a few bytes.
//
// Usage: recool_bitmap DAEMON QMP DESTINATION

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/vm/qmp_client.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"

namespace pagemapd {
namespace {

absl::Status ToStatus(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

absl::Status ToStatus(const v1::TargetError& error) {
  return absl::AbortedError(
      absl::StrCat(v1::ErrorReason_Name(error.reason()), ": ", error.message()));
}

// One client of one daemon, for one process.
class Recooler {
 public:
  explicit Recooler(const std::string& address)
      : service_(v1::PagemapService::NewStub(
            grpc::CreateChannel(address, grpc::InsecureChannelCredentials()))) {}

  // Finds the guest's RAM: the shared memory that QEMU maps.
  absl::Status Open(int pid) {
    grpc::ClientContext context;
    if (auto s = service_->GetCapabilities(&context, {}, &capabilities_); !s.ok()) {
      return ToStatus(s);
    }
    v1::ListMappingsRequest request;
    request.mutable_process()->set_pid(pid);
    do {
      grpc::ClientContext listing;
      v1::ListMappingsResponse answer;
      if (auto s = service_->ListMappings(&listing, request, &answer); !s.ok()) return ToStatus(s);
      *target_.mutable_process() = answer.process();
      for (const v1::Mapping& mapping : answer.mappings()) {
        if (mapping.kind() != v1::MAPPING_KIND_SHMEM || !mapping.shared()) continue;
        *target_.add_ranges() = mapping.range();
      }
      request.set_start_address(answer.next_address());
    } while (request.start_address() != 0);
    return absl::OkStatus();
  }

  // Keeps a bit for each page, which is set if the page is in swap.
  absl::Status Record() {
    v1::QueryPagesRequest request;
    *request.add_targets() = target_;
    request.set_view(v1::VIEW_PROCESS);
    request.set_format(v1::FORMAT_BITMAP);
    request.add_states(v1::PAGE_STATE_SWAPPED);
    grpc::ClientContext context;
    auto stream = service_->QueryPages(&context, request);
    v1::QueryPagesResponse answer;
    absl::Status failed;
    while (stream->Read(&answer)) {
      for (v1::PageChunk& chunk : *answer.mutable_chunks()) {
        // Nothing of it is in swap.
        if (chunk.has_uniform() && chunk.uniform() == 0) continue;
        if (!chunk.has_uniform() && chunk.bitmap().size() != (chunk.pages() + 7) / 8) {
          return absl::DataLossError(absl::StrCat(chunk.bitmap().size(), " bytes of bitmap for ",
                                                  chunk.pages(), " pages"));
        }
        chunks_.push_back(std::move(chunk));
      }
      for (const v1::TargetEnd& end : answer.ends()) {
        if (end.has_error()) failed = ToStatus(end.error());
      }
    }
    if (auto s = stream->Finish(); !s.ok()) return ToStatus(s);
    return failed;
  }

  // Pages out what has its bit set, a request full of ranges at a time.
  absl::Status PageOut() {
    v1::PageOutRequest request;
    *request.mutable_process() = target_.process();
    for (const v1::PageChunk& chunk : chunks_) {
      for (uint64_t first = 0, end; first < chunk.pages(); first = end + 1) {
        for (end = first; end < chunk.pages() && IsSet(chunk, end);) ++end;
        if (end == first) continue;
        AddRange(chunk, first, end, &request);
        if (request.ranges_size() < static_cast<int>(capabilities_.limits().max_ranges())) continue;
        if (absl::Status s = Send(request); !s.ok()) return s;
        request.clear_ranges();
      }
    }
    return request.ranges_size() == 0 ? absl::OkStatus() : Send(request);
  }

  // Pages by what became of them.
  const std::map<v1::PageOutOutcome, uint64_t>& outcomes() const { return outcomes_; }

 private:
  static bool IsSet(const v1::PageChunk& chunk, uint64_t page) {
    return chunk.has_uniform() || (chunk.bitmap()[page / 8] >> (page % 8) & 1) != 0;
  }

  void AddRange(const v1::PageChunk& chunk, uint64_t first, uint64_t end,
                v1::PageOutRequest* request) const {
    const uint64_t page_size = capabilities_.page_size_bytes();
    v1::PageOutRange* range = request->add_ranges();
    range->mutable_range()->set_start(chunk.start() + first * page_size);
    range->mutable_range()->set_end(chunk.start() + end * page_size);
    *range->mutable_expected()->mutable_object() = chunk.object();
    range->mutable_expected()->set_object_index(chunk.object_index() + first);
  }

  absl::Status Send(const v1::PageOutRequest& request) {
    grpc::ClientContext context;
    auto stream = service_->PageOut(&context, request);
    v1::PageOutResponse answer, last;
    while (stream->Read(&answer)) last.Swap(&answer);
    if (auto s = stream->Finish(); !s.ok()) return ToStatus(s);
    for (const auto& item : last.counts().outcomes()) outcomes_[item.outcome()] += item.pages();
    return last.end().has_error() ? ToStatus(last.end().error()) : absl::OkStatus();
  }

  std::unique_ptr<v1::PagemapService::Stub> service_;
  v1::GetCapabilitiesResponse capabilities_;
  v1::Target target_;
  std::vector<v1::PageChunk> chunks_;
  std::map<v1::PageOutOutcome, uint64_t> outcomes_;
};

// Until it is over, one way or the other.
absl::Status Migrate(QmpClient& qmp, const std::string& destination) {
  absl::Status started = qmp.Execute("migrate", {{"uri", destination}}).status();
  if (!started.ok()) return started;
  while (true) {
    const absl::StatusOr<nlohmann::json> state = qmp.Execute("query-migrate");
    if (!state.ok()) return state.status();
    const auto status = state->find("status");
    if (status == state->end() || *status == "failed" || *status == "cancelled") {
      return absl::AbortedError(absl::StrCat("the migration: ", state->dump()));
    }
    if (*status == "completed") return absl::OkStatus();
    absl::SleepFor(absl::Milliseconds(100));
  }
}

absl::Status Run(const std::string& daemon, const std::string& qmp_path,
                 const std::string& destination) {
  absl::StatusOr<QmpClient> qmp = QmpClient::Connect(qmp_path, absl::Seconds(30));
  if (!qmp.ok()) return qmp.status();
  Recooler recooler(daemon);
  if (absl::Status s = recooler.Open(qmp->peer_pid()); !s.ok()) return s;
  if (absl::Status s = recooler.Record(); !s.ok()) return s;
  const absl::Status migrated = Migrate(*qmp, destination);
  // Also what a migration that failed has brought back.
  const absl::Status paged_out = recooler.PageOut();
  for (const auto& [outcome, pages] : recooler.outcomes()) {
    printf("%9lu pages %s\n", pages, v1::PageOutOutcome_Name(outcome).c_str());
  }
  return migrated.ok() ? paged_out : migrated;
}

}  // namespace
}  // namespace pagemapd

int main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "Usage: recool_bitmap DAEMON QMP DESTINATION\n");
    return 2;
  }
  const absl::Status status = pagemapd::Run(argv[1], argv[2], argv[3]);
  if (!status.ok()) fprintf(stderr, "recool_bitmap: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
