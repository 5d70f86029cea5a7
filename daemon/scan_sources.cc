#include "daemon/scan_sources.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "daemon/page/page_size.h"
#include "daemon/procfs/idle_pages.h"
#include "daemon/procfs/kpageflags.h"
#include "daemon/procfs/pagemap_knob.h"
#include "daemon/procfs/proc_root.h"
#include "daemon/query/kernel_features.h"
#include "daemon/shmem/page_cache_probe.h"
#include "daemon/shmem/page_cache_reader.h"

namespace pagemapd {
namespace {

absl::Status BpfTakenAway() { return absl::UnavailableError("taken away by --without bpf"); }

absl::Status MarkerStatus(const Flags& flags, const KernelFeatures& features) {
  if (flags.Lacks("marker")) return absl::UnavailableError("taken away by --without marker");
  const absl::StatusOr<ShmemSwapMode>& mode = features.shmem_swap;
  if (absl::IsNotFound(mode.status())) {
    return absl::UnavailableError(
        absl::StrCat("the kernel is not patched: ", PagemapKnob::kPath, " is missing"));
  }
  if (!mode.ok()) return mode.status();
  if (*mode != ShmemSwapMode::kFull) {
    return absl::UnavailableError(absl::StrCat(PagemapKnob::kPath, " says ",
                                               *mode == ShmemSwapMode::kOff ? "off" : "marker",
                                               ", not full"));
  }
  if (!features.locations) {
    return absl::UnavailableError("pagemap hides swap offsets: CAP_SYS_ADMIN is missing");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ScanSources>> ScanSources::Probe(const Flags& flags) {
  if (const long page_size = sysconf(_SC_PAGESIZE); page_size != kPageSizeBytes) {
    return absl::UnimplementedError(
        absl::StrCat("pages of ", page_size, " bytes; this build is for ", kPageSizeBytes));
  }
  const ProcRoot root;
  absl::StatusOr<KernelFeatures> features = ProbeKernelFeatures(root);
  if (!features.ok()) return features.status();
  if (flags.Lacks("pagemap-scan")) features->pagemap_scan = false;
  if (flags.Lacks("cachestat")) features->cachestat = false;
  ScanEnvironment environment = {root, *std::move(features), std::nullopt};
  if (absl::StatusOr<KPageFlags> kpageflags = KPageFlags::Open(root); kpageflags.ok()) {
    environment.kpageflags.emplace(*std::move(kpageflags));
  } else {
    spdlog::warn("no frame flags error=\"{}\"", kpageflags.status().ToString());
  }
  // Most kernels are built without: not worth a warning.
  if (absl::StatusOr<IdlePages> idle_pages = IdlePages::Open(); idle_pages.ok()) {
    environment.idle_pages.emplace(*std::move(idle_pages));
  }
  if (!environment.features.locations) {
    spdlog::warn("pagemap hides frames and swap offsets: CAP_SYS_ADMIN is missing");
  }
  std::unique_ptr<ScanSources> sources(new ScanSources(flags, std::move(environment)));
  if (absl::Status status = sources->ChooseMarker(); !status.ok()) return status;
  sources->ChooseBpf();
  return sources;
}

absl::Status ScanSources::ChooseMarker() {
  marker_ = MarkerStatus(flags_, environment_.features);
  shows_ = marker_.ok() && (flags_.source == "auto" || flags_.source == "marker");
  if (!shows_) {
    if (flags_.source == "marker") {
      spdlog::warn("no source marker error=\"{}\"", marker_.ToString());
    }
    return absl::OkStatus();
  }
  absl::StatusOr<PagemapKnob> knob = PagemapKnob::Open();
  if (!knob.ok()) return knob.status();
  environment_.marker_knob.emplace(*std::move(knob));
  auto opened = ObjectPagemap::Open(environment_.root, *environment_.marker_knob);
  if (!opened.ok()) return opened.status();
  object_pagemap_.emplace(*std::move(opened));
  return absl::OkStatus();
}

void ScanSources::ChooseBpf() {
  const bool taken_away = flags_.Lacks("bpf");
  walker_ = BpfTakenAway();
  swap_table_ = BpfTakenAway();
  if (!taken_away) {
    walker_ = PageCacheWalker::Load(flags_.workers + flags_.spare_workers);
    swap_table_ = SwapTable::Load();
  }
  reads_ = walker_.ok() && flags_.source != "probe";
  if (!walker_.ok() && flags_.source != "probe") {
    spdlog::warn("no source bpf, and so no {} of shared memory error=\"{}\"",
                 shows_ ? "folio sizes" : "swap offsets", walker_.status().ToString());
  }
  // Where BPF as a whole is not to be had, that has just been said.
  if (!swap_table_.ok() && walker_.ok()) {
    spdlog::warn("swap types of several areas are not told apart error=\"{}\"",
                 swap_table_.status().ToString());
  }
}

std::vector<ObjectResolver> ScanSources::MakeResolvers() const {
  const KernelFeatures& features = environment_.features;
  const PageCacheProbe probe(
      features.cachestat ? PageCacheProbe::Method::kCachestat : PageCacheProbe::Method::kMincore,
      environment_.root);
  std::vector<ObjectResolver> resolvers;
  for (int slice = 0; slice < flags_.workers + flags_.spare_workers; ++slice) {
    std::optional<PageCacheReader> reader;
    if (reads_) reader.emplace(**walker_, slice, features.special_types);
    resolvers.emplace_back(probe, reader,
                           object_pagemap_.has_value() ? &*object_pagemap_ : nullptr);
  }
  return resolvers;
}

std::vector<ServiceContext::SourceChoice> ScanSources::Choices() const {
  std::vector<ServiceContext::SourceChoice> choices = {
      {"marker", marker_.ok(), shows_,
       marker_.ok() ? "pagemap, which shows shared memory in swap" : marker_.ToString()},
      {"bpf", walker_.ok(), reads_,
       walker_.ok() ? "the page cache, read by a BPF program" : walker_.status().ToString()},
      {"probe", /*available=*/true, /*active=*/!reads_,
       environment_.features.cachestat ? "lseek and cachestat" : "lseek and mincore"}};
  std::stable_partition(choices.begin(), choices.end(),
                        [](const auto& choice) { return choice.active; });
  return choices;
}

std::string ScanSources::Active() const {
  return absl::StrCat(shows_ ? "marker," : "", reads_ ? "bpf" : "probe");
}

}  // namespace pagemapd
