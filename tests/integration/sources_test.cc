// A daemon that cannot have BPF, for whatever reason, says why, once, and answers by the page-cache
// probe. Where the kernel's pagemap shows shared memory in swap, the source marker comes on top.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "tests/integration/page_report.h"
#include "tests/integration/ways.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/memory_region.h"
#include "tests/testing/page_client.h"
#include "tests/testing/steady_check.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/target_process.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPages = 8192;

struct Circumstances {
  const char* name;
  std::vector<std::string> wrapper;
  std::vector<std::string> flags;
  // Of bpf.
  bool available;
  bool active;
  // In the warning and in the source's detail, where bpf is not available.
  const char* reason;
  // The source marker is active, where the kernel has it.
  bool marker;
};

void PrintTo(const Circumstances& given, std::ostream* out) { *out << given.name; }

const std::vector<Circumstances>& AllCircumstances() {
  // CAP_SYS_ADMIN stands in for the other two.
  const std::vector<std::string> kNoCapability = {"/usr/bin/setpriv",
                                                  "--bounding-set=-sys_admin,-bpf,-perfmon"};
  // Where libbpf looks for the kernel's types; elsewhere only in files of a kernel's debug package.
  const std::vector<std::string> kNoBtf = {
      "/usr/bin/unshare",
      "--mount",
      "--propagation=private",
      "/bin/sh",
      "-c",
      "for at in /sys/kernel/btf /boot; do"
      " ! test -d $at || mount -t tmpfs none $at || exit 9; done; exec \"$@\"",
      "sh"};
  static const auto* all = new std::vector<Circumstances>{
      {"Bpf", {}, {}, true, true, "", true},
      {"BpfAskedFor", {}, {"--source", "bpf"}, true, true, "", false},
      {"NoCapability", kNoCapability, {}, false, false, "CAP_BPF", false},
      {"NoCapabilityBpfAskedFor",
       kNoCapability,
       {"--source", "bpf"},
       false,
       false,
       "CAP_BPF",
       false},
      {"NoBtf", kNoBtf, {}, false, false, "BTF", true},
      {"ProbeAskedFor", {}, {"--source", "probe"}, true, false, "", false},
      {"WithoutBpf", {}, {"--without", "bpf"}, false, false, "--without bpf", true},
      {"MarkerAskedFor", {}, {"--source", "marker"}, true, true, "", true},
      {"NoCapabilityMarkerAskedFor",
       kNoCapability,
       {"--source", "marker"},
       false,
       false,
       "CAP_BPF",
       false},
      {"WithoutMarker", {}, {"--without", "marker"}, true, true, "", false},
  };
  return *all;
}

class SourcesTest : public ::testing::TestWithParam<Circumstances> {
 protected:
  void SetUp() override {
    absl::StatusOr<SwapDevice> device = SwapDevice::Create(256 << 20);
    ASSERT_TRUE(device.ok()) << device.status();
    device_.emplace(*std::move(device));
    absl::StatusOr<DaemonProcess> daemon =
        DaemonProcess::Start(GetParam().flags, GetParam().wrapper);
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_.emplace(*std::move(daemon));
    stub_ = NewStub(daemon_->address());
  }

  static bool MarkerIsActive() { return GetParam().marker && KernelHasMarker(); }

  std::optional<SwapDevice> device_;
  std::optional<DaemonProcess> daemon_;
  std::unique_ptr<v1::PagemapService::Stub> stub_;
};

TEST_P(SourcesTest, SaysWhyInOneWarning) {
  const Circumstances& given = GetParam();
  std::vector<std::string> warnings;
  int of_marker = 0;
  for (absl::string_view line : absl::StrSplit(daemon_->Log(), '\n')) {
    if (absl::StrContains(line, " warning ") && absl::StrContains(line, "source bpf")) {
      warnings.emplace_back(line);
    }
    of_marker += absl::StrContains(line, " warning ") && absl::StrContains(line, "source marker");
    EXPECT_FALSE(absl::StrContains(line, " error ")) << line;
    // libbpf's own words go nowhere else.
    EXPECT_FALSE(absl::StartsWith(line, "libbpf")) << line;
  }
  EXPECT_EQ(warnings.size(), given.available ? 0 : 1) << daemon_->Log();
  // Only who asked for it misses it.
  const bool asked = given.flags == std::vector<std::string>{"--source", "marker"};
  EXPECT_EQ(of_marker, asked && !MarkerIsActive() ? 1 : 0) << daemon_->Log();
  for (const std::string& warning : warnings) {
    EXPECT_TRUE(absl::StrContains(warning, given.reason)) << warning;
  }

  v1::GetCapabilitiesResponse capabilities;
  grpc::ClientContext context;
  ASSERT_TRUE(stub_->GetCapabilities(&context, {}, &capabilities).ok());
  int active = 0, seen = 0;
  for (const auto& source : capabilities.sources()) {
    active += source.active();
    EXPECT_NE(source.detail(), "") << source.name();
    EXPECT_TRUE(source.available() || !source.active()) << source.name();
    if (source.name() == "marker") {
      ++seen;
      EXPECT_EQ(source.active(), MarkerIsActive());
      if (!KernelHasMarker() && given.flags != std::vector<std::string>{"--without", "marker"}) {
        EXPECT_TRUE(absl::StrContains(source.detail(), "not patched")) << source.detail();
      }
    }
    if (source.name() != "bpf") continue;
    ++seen;
    EXPECT_EQ(source.available(), given.available) << source.detail();
    EXPECT_EQ(source.active(), given.active);
    if (!given.available) {
      EXPECT_TRUE(absl::StrContains(source.detail(), given.reason)) << source.detail();
    }
  }
  EXPECT_EQ(active, MarkerIsActive() ? 2 : 1);
  EXPECT_EQ(seen, 2);
  EXPECT_TRUE(capabilities.sources(0).active());
}

TEST_P(SourcesTest, AnswersRightly) {
  absl::StatusOr<TargetProcess> target = TargetProcess::Start();
  ASSERT_TRUE(target.ok()) << target.status();
  for (MemoryKind kind : {MemoryKind::kMemfd, MemoryKind::kSharedAnon}) {
    absl::StatusOr<MemoryRegion> region = MapRegion(*target, kind, kPages);
    ASSERT_TRUE(region.ok()) << region.status();
    absl::Status shaped =
        Shape(*target, *region, MakeMix(Mix::kRandom, kPages, WishesFor(kind), 11));
    ASSERT_TRUE(shaped.ok()) << shaped;
    for (v1::View view : {v1::VIEW_PROCESS, v1::VIEW_OBJECT}) {
      SCOPED_TRACE(absl::StrCat(Name(kind), ", ", v1::View_Name(view)));
      uint64_t swapped = 0;
      std::vector<std::string> failures = CheckSteadily(target->pid(), *region, [&] {
        std::vector<std::string> found;
        auto truth = TruthOf(target->pid(), *region, view == v1::VIEW_OBJECT);
        PagesAnswer answer = QueryAll(
            *stub_, QueryOf(target->pid(), {{region->address, kPages}}, view, v1::FORMAT_EXTENTS,
                            {v1::PAGE_FIELD_LOCATION, v1::PAGE_FIELD_SOURCE}));
        PageReport report(region->address, kPages);
        for (const v1::PageChunk& chunk : answer.chunks) {
          if (absl::Status added = report.Add(chunk); !added.ok())
            found.push_back(added.ToString());
        }
        if (!truth.ok() || !answer.status.ok()) return std::vector<std::string>{"no answer"};
        swapped = 0;
        for (uint64_t i = 0; i < kPages; ++i) {
          const ReportedPage& said = report.pages()[i];
          // The names of the states are the oracle's.
          const std::string expected =
              absl::StrCat("PAGE_STATE_", absl::AsciiStrToUpper(Name((*truth)[i].state)));
          const bool is_swapped = said.state == v1::PAGE_STATE_SWAPPED;
          swapped += is_swapped;
          const bool by_marker =
              is_swapped && MarkerIsActive() && (view == v1::VIEW_PROCESS || !GetParam().active);
          const bool by_bpf =
              said.state != v1::PAGE_STATE_MAPPED && !by_marker && GetParam().active;
          const bool right = v1::PageState_Name(said.state) == expected &&
                             said.has_slot == (is_swapped && (by_marker || by_bpf)) &&
                             (said.source == v1::PAGE_SOURCE_BPF) == by_bpf &&
                             (said.source == v1::PAGE_SOURCE_MARKER) == by_marker;
          if (right || found.size() > 4) continue;
          found.push_back(absl::StrFormat("page %d: %s instead of %s, slot %d source %d", i,
                                          v1::PageState_Name(said.state), expected,
                                          static_cast<int>(said.has_slot), said.source));
        }
        return found;
      });
      for (const std::string& failure : failures) ADD_FAILURE() << failure;
      EXPECT_GT(swapped, kPages / 10);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Circumstances, SourcesTest, ::testing::ValuesIn(AllCircumstances()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace pagemapd
