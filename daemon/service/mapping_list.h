#ifndef PAGEMAPD_DAEMON_SERVICE_MAPPING_LIST_H_
#define PAGEMAPD_DAEMON_SERVICE_MAPPING_LIST_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/procfs/maps.h"
#include "daemon/procfs/process.h"
#include "daemon/query/mapping_kind.h"
#include "daemon/query/target_access.h"
#include "daemon/query/target_scan.h"
#include "daemon/query/worker_pool.h"
#include "daemon/service/limits.h"
#include "pagemapd/v1/pagemap_service.pb.h"

namespace pagemapd {

// Answers ListMappings with as many mappings as `limits` allows at once, if `access` allows any.
// Runs on the pool in short steps: the kernel counts the pages of each mapping for smaps, which
// takes milliseconds for a large one.
class MappingListing : public std::enable_shared_from_this<MappingListing> {
 public:
  // `environment`, `limits`, `request` and `response` must outlive the run. `is_cancelled`
  // is asked before each step, `done` is called once, from a worker, when every file is closed.
  MappingListing(const ScanEnvironment& environment, TaskLane lane, const Limits& limits,
                 const v1::ListMappingsRequest& request, AccessCheck access,
                 std::function<bool()> is_cancelled, v1::ListMappingsResponse* response,
                 std::function<void(const absl::Status&)> done);

  void Start();

 private:
  void Step();
  absl::Status Open();
  // Lists for as long as a step may take. True when there is more to list.
  absl::StatusOr<bool> ListSome();
  // The next mapping. False when there is none, or no room for it.
  absl::StatusOr<bool> ListNext();
  void Finish(const absl::Status& status);
  absl::Status CheckProcess() const;

  const ScanEnvironment& environment_;
  const TaskLane lane_;
  const Limits& limits_;
  const v1::ListMappingsRequest& request_;
  const AccessCheck access_;
  const std::function<bool()> is_cancelled_;
  v1::ListMappingsResponse* const response_;
  const std::function<void(const absl::Status&)> done_;
  // Most mappings of the answer, and the bytes it has so far.
  const uint32_t max_mappings_;
  uint64_t bytes_ = 0;
  // Absent before the first step, and when all is done.
  std::optional<Process> process_;
  std::optional<MapsReader> reader_;
  std::optional<MappingClassifier> classifier_;
  Vma vma_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SERVICE_MAPPING_LIST_H_
