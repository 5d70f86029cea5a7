#ifndef PAGEMAPD_DAEMON_SCAN_SOURCES_H_
#define PAGEMAPD_DAEMON_SCAN_SOURCES_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/bpf/page_cache_walker.h"
#include "daemon/bpf/swap_table.h"
#include "daemon/flags.h"
#include "daemon/query/target_scan.h"
#include "daemon/service/service_context.h"
#include "daemon/shmem/object_pagemap.h"
#include "daemon/shmem/object_resolver.h"

namespace pagemapd {

// What scans work with: what the kernel offers, probed once, and what of it the flags want.
class ScanSources {
 public:
  // Logs what is missing. UNIMPLEMENTED on a kernel with pages of another size.
  static absl::StatusOr<std::unique_ptr<ScanSources>> Probe(const Flags& flags);

  // A resolver for each worker and each spare. They point into this object.
  std::vector<ObjectResolver> MakeResolvers() const;

  // Not to be changed once there are scans.
  ScanEnvironment& environment() { return environment_; }
  // Null where the kernel's table cannot be read.
  const SwapTable* swap_table() const { return swap_table_.ok() ? swap_table_->get() : nullptr; }
  // For GetCapabilities.
  std::vector<ServiceContext::SourceChoice> Choices() const;
  // "marker,bpf", for people.
  std::string Active() const;

 private:
  ScanSources(const Flags& flags, ScanEnvironment environment)
      : flags_(flags), environment_(std::move(environment)) {}

  absl::Status ChooseMarker();
  void ChooseBpf();

  const Flags& flags_;
  ScanEnvironment environment_;
  // Whether pagemap shows all shared memory in swap; if not, why.
  absl::Status marker_;
  bool shows_ = false;
  bool reads_ = false;
  std::optional<ObjectPagemap> object_pagemap_;
  absl::StatusOr<std::unique_ptr<PageCacheWalker>> walker_;
  absl::StatusOr<std::unique_ptr<SwapTable>> swap_table_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_SCAN_SOURCES_H_
