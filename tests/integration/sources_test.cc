// A daemon that cannot have BPF, for whatever reason, says why, once, and answers by the page-cache
// probe.

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
  bool available;
  bool active;
  // In the warning and in the source's detail, where it is not available.
  const char* reason;
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
      {"Bpf", {}, {}, true, true, ""},
      {"BpfAskedFor", {}, {"--source", "bpf"}, true, true, ""},
      {"NoCapability", kNoCapability, {}, false, false, "CAP_BPF"},
      {"NoCapabilityBpfAskedFor", kNoCapability, {"--source", "bpf"}, false, false, "CAP_BPF"},
      {"NoBtf", kNoBtf, {}, false, false, "BTF"},
      {"ProbeAskedFor", {}, {"--source", "probe"}, true, false, ""},
      {"WithoutBpf", {}, {"--without", "bpf"}, false, false, "--without bpf"},
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

  std::optional<SwapDevice> device_;
  std::optional<DaemonProcess> daemon_;
  std::unique_ptr<v1::PagemapService::Stub> stub_;
};

TEST_P(SourcesTest, SaysWhyInOneWarning) {
  const Circumstances& given = GetParam();
  std::vector<std::string> warnings;
  for (absl::string_view line : absl::StrSplit(daemon_->Log(), '\n')) {
    if (absl::StrContains(line, " warning ") && absl::StrContains(line, "source bpf")) {
      warnings.emplace_back(line);
    }
    EXPECT_FALSE(absl::StrContains(line, " error ")) << line;
    // libbpf's own words go nowhere else.
    EXPECT_FALSE(absl::StartsWith(line, "libbpf")) << line;
  }
  EXPECT_EQ(warnings.size(), given.available ? 0 : 1) << daemon_->Log();
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
    if (source.name() != "bpf") continue;
    ++seen;
    EXPECT_EQ(source.available(), given.available) << source.detail();
    EXPECT_EQ(source.active(), given.active);
    if (!given.available) {
      EXPECT_TRUE(absl::StrContains(source.detail(), given.reason)) << source.detail();
    }
  }
  EXPECT_EQ(active, 1);
  EXPECT_EQ(seen, 1);
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
          const bool by_cache = said.state != v1::PAGE_STATE_MAPPED;
          const bool right =
              v1::PageState_Name(said.state) == expected &&
              said.has_slot == (is_swapped && GetParam().active) &&
              (said.source == v1::PAGE_SOURCE_BPF) == (by_cache && GetParam().active);
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
