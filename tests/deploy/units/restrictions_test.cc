// The package's daemon under exactly the restrictions of its unit: what it can still do, and what
// each of the drop-ins costs.

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/scratch_certificates.h"
#include "tests/deploy/units/confined_daemon.h"
#include "tests/integration/page_out_fixture.h"
#include "tests/integration/page_report.h"
#include "tests/testing/caller.h"
#include "tests/testing/fd.h"
#include "tests/testing/free_port.h"
#include "tests/testing/identity.h"
#include "tests/testing/memory_region.h"
#include "tests/testing/oracle.h"
#include "tests/testing/page_client.h"
#include "tests/testing/page_pattern.h"
#include "tests/testing/slot_reader.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/target_process.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPages = 2048;
constexpr uint64_t kSwapBytes = 256 << 20;
const Identity kGuest = {64055, 64055};
const Identity kStranger = {61190, 61190};
const Identity kOperator = {61191, 61191, {ConfinedDaemon::kOperators}};

constexpr MemoryKind kShared[] = {MemoryKind::kMemfd, MemoryKind::kDevShm, MemoryKind::kSysV,
                                  MemoryKind::kSharedAnon};

class RestrictionsTest : public ::testing::Test {
 protected:
  void Start(const ConfinedDaemon::Options& options = {}) {
    for (int i = 0; i < 2; ++i) {
      absl::StatusOr<SwapDevice> device =
          SwapDevice::Create(kSwapBytes, SwapDevice::Kind::kZram, SwapDevice::kFirstOfAll - i);
      ASSERT_TRUE(device.ok()) << device.status();
      devices_.push_back(std::make_unique<SwapDevice>(*std::move(device)));
    }
    absl::StatusOr<ConfinedDaemon> daemon = ConfinedDaemon::Start(options);
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_.emplace(*std::move(daemon));
    stub_ = NewStub(daemon_->address());
    absl::StatusOr<TargetProcess> target = TargetProcess::Start();
    ASSERT_TRUE(target.ok()) << target.status();
    target_.emplace(*std::move(target));
  }

  v1::GetCapabilitiesResponse Capabilities() {
    v1::GetCapabilitiesResponse response;
    grpc::ClientContext context;
    const grpc::Status status = stub_->GetCapabilities(&context, {}, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    printf("%s\n", response.kernel_features().ShortDebugString().c_str());
    for (const auto& source : response.sources()) {
      printf("source %s: %s\n", source.name().c_str(), source.ShortDebugString().c_str());
    }
    return response;
  }

  // Makes memory of known content, and has the daemon page it out.
  void PageOut(MemoryKind kind, MemoryRegion* region) {
    absl::StatusOr<MemoryRegion> mapped = MapRegion(*target_, kind, kPages);
    ASSERT_TRUE(mapped.ok()) << Name(kind) << ": " << mapped.status();
    *region = *std::move(mapped);
    if (region->object) {
      const absl::Status written =
          WritePattern(region->object.get(), 1, region->first_index, {{0, kPages}});
      ASSERT_TRUE(written.ok()) << Name(kind) << ": " << written;
    }
    const absl::Status written = target_->Write(region->address, {{0, kPages}});
    ASSERT_TRUE(written.ok()) << Name(kind) << ": " << written;
    const v1::PageOutRequest request =
        PageOutOf(target_->pid(), {{region->address, region->pages}});
    const PageOutAnswer answer = RunPageOut(*stub_, request);
    CheckWhole(request, answer);
    printf("%s: %s\n", Name(kind), answer.Text().c_str());
    // The kernel may keep some that are on their way through a CPU's batch.
    ASSERT_GE(answer.counts.achieved(), kPages * 9 / 10) << Name(kind) << ": " << answer.Text();
  }

  // What the daemon says of a region, page by page.
  std::vector<ReportedPage> Ask(const MemoryRegion& region) {
    const PagesAnswer answer =
        QueryAll(*stub_, QueryOf(target_->pid(), {{region.address, region.pages}}, v1::VIEW_PROCESS,
                                 v1::FORMAT_EXTENTS, {v1::PAGE_FIELD_LOCATION}));
    EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
    PageReport report(region.address, region.pages);
    for (const v1::PageChunk& chunk : answer.chunks) {
      const absl::Status added = report.Add(chunk);
      EXPECT_TRUE(added.ok()) << added;
    }
    return report.pages();
  }

  // Holds the daemon's word against the oracle's: the states of all pages.
  void CheckStates(const MemoryRegion& region, const std::vector<ReportedPage>& said) {
    const auto truth = TruthOf(target_->pid(), region, /*object_view=*/false);
    ASSERT_TRUE(truth.ok()) << truth.status();
    std::map<std::string, uint64_t> wrong;
    for (uint64_t page = 0; page < region.pages; ++page) {
      const TrueState state = (*truth)[page].state;
      const v1::PageState wanted = state == TrueState::kSwapped  ? v1::PAGE_STATE_SWAPPED
                                   : state == TrueState::kMapped ? v1::PAGE_STATE_MAPPED
                                   : state == TrueState::kCached ? v1::PAGE_STATE_CACHED
                                                                 : v1::PAGE_STATE_HOLE;
      if (said[page].state != wanted) {
        ++wrong[absl::StrCat(Name(state), " as ", v1::PageState_Name(said[page].state))];
      }
    }
    for (const auto& [what, pages] : wrong) {
      ADD_FAILURE() << Name(region.kind) << ": " << pages << " pages " << what;
    }
  }

  // The swap areas by their types, as far as the daemon is sure.
  std::map<uint32_t, std::string> AreasByType() {
    grpc::ClientContext context;
    v1::ListSwapAreasResponse response;
    const grpc::Status status = stub_->ListSwapAreas(&context, {}, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    std::map<uint32_t, std::string> areas;
    for (const auto& name : response.type_names()) {
      areas[name.type()] = response.areas(name.area_index()).path();
    }
    for (const v1::SwapArea& area : response.areas()) {
      printf("swap area %s\n", area.ShortDebugString().c_str());
    }
    return areas;
  }

  std::vector<std::unique_ptr<SwapDevice>> devices_;
  std::optional<ConfinedDaemon> daemon_;
  std::unique_ptr<v1::PagemapService::Stub> stub_;
  std::optional<TargetProcess> target_;
};

bool IsActive(const v1::GetCapabilitiesResponse& capabilities, const std::string& name) {
  for (const auto& source : capabilities.sources()) {
    if (source.name() == name) return source.active();
  }
  return false;
}

bool Names(const std::map<uint32_t, std::string>& areas, const std::string& path) {
  return std::any_of(areas.begin(), areas.end(),
                     [&](const auto& area) { return area.second == path; });
}

uint64_t Swapped(const std::vector<ReportedPage>& pages) {
  uint64_t count = 0;
  for (const ReportedPage& page : pages) count += page.state == v1::PAGE_STATE_SWAPPED;
  return count;
}

uint64_t WithSlot(const std::vector<ReportedPage>& pages) {
  uint64_t count = 0;
  for (const ReportedPage& page : pages) count += page.has_slot;
  return count;
}

// CAP_* of include/uapi/linux/capability.h: DAC_READ_SEARCH, FOWNER, SYS_PTRACE, SYS_ADMIN,
// SYS_NICE, PERFMON, BPF.
constexpr uint64_t kCapabilities =
    1ull << 2 | 1ull << 3 | 1ull << 19 | 1ull << 21 | 1ull << 23 | 1ull << 38 | 1ull << 39;

TEST_F(RestrictionsTest, ProcessIsRestricted) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const auto status = ReadText(absl::StrCat("/proc/", daemon_->pid(), "/status"));
  ASSERT_TRUE(status.ok()) << status.status();
  for (const std::string& line :
       {absl::StrCat("Uid:\t", ConfinedDaemon::kUser, "\t", ConfinedDaemon::kUser, "\t",
                     ConfinedDaemon::kUser, "\t", ConfinedDaemon::kUser, "\n"),
        absl::StrCat("Gid:\t", ConfinedDaemon::kUser, "\t"), std::string("Groups:\t \n"),
        absl::StrCat("CapEff:\t", absl::Hex(kCapabilities, absl::kZeroPad16), "\n"),
        absl::StrCat("CapBnd:\t", absl::Hex(kCapabilities, absl::kZeroPad16), "\n"),
        std::string("NoNewPrivs:\t1\n"), std::string("Seccomp:\t2\n")}) {
    EXPECT_TRUE(absl::StrContains(*status, line)) << line << "is not in\n" << *status;
  }
  for (const char* kind : {"mnt", "net", "uts"}) {
    const auto of = [&](const std::string& who) {
      return std::filesystem::read_symlink(absl::StrCat("/proc/", who, "/ns/", kind)).string();
    };
    EXPECT_NE(of(absl::StrCat(daemon_->pid())), of("self")) << kind;
  }
}

TEST_F(RestrictionsTest, EverythingWorks) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const v1::GetCapabilitiesResponse capabilities = Capabilities();
  EXPECT_TRUE(capabilities.kernel_features().pagemap_scan());
  EXPECT_TRUE(capabilities.kernel_features().locations());
  EXPECT_TRUE(capabilities.kernel_features().frame_flags());
  EXPECT_TRUE(capabilities.kernel_features().page_out());
  EXPECT_TRUE(IsActive(capabilities, "bpf"));

  std::map<std::string, SlotReader> readers;
  for (MemoryKind kind : kShared) {
    MemoryRegion region;
    ASSERT_NO_FATAL_FAILURE(PageOut(kind, &region));
    const std::vector<ReportedPage> said = Ask(region);
    CheckStates(region, said);
    EXPECT_EQ(WithSlot(said), Swapped(said)) << Name(kind);
    // Both areas have their names, by the kernel's own table.
    const std::map<uint32_t, std::string> areas = AreasByType();
    for (const auto& device : devices_) ASSERT_TRUE(Names(areas, device->path())) << Name(kind);
    uint64_t found = 0;
    for (uint64_t page = 0; page < kPages; ++page) {
      if (!said[page].has_slot) continue;
      ASSERT_EQ(areas.count(said[page].swap_type), 1u) << said[page].swap_type;
      const std::string& area = areas.at(said[page].swap_type);
      if (readers.count(area) == 0) {
        absl::StatusOr<SlotReader> opened = SlotReader::Open(area);
        ASSERT_TRUE(opened.ok()) << opened.status();
        readers.emplace(area, *std::move(opened));
      }
      const auto words = readers.at(area).Read(said[page].swap_offset);
      ASSERT_TRUE(words.ok()) << words.status();
      found += HoldsPattern(*words, 1, region.first_index + page);
    }
    // Of memory without a descriptor the test writes no pattern.
    EXPECT_EQ(found, region.object ? Swapped(said) : 0) << Name(kind);
    printf("%s: %lu pages in swap, the content of %lu found in their slots\n", Name(kind),
           static_cast<unsigned long>(Swapped(said)), static_cast<unsigned long>(found));
  }
  // Of private memory pagemap has the place.
  MemoryRegion region;
  ASSERT_NO_FATAL_FAILURE(PageOut(MemoryKind::kPrivateAnon, &region));
  const std::vector<ReportedPage> said = Ask(region);
  CheckStates(region, said);
  const auto truth = TruthOf(target_->pid(), region, /*object_view=*/false);
  ASSERT_TRUE(truth.ok()) << truth.status();
  for (uint64_t page = 0; page < kPages; ++page) {
    ASSERT_EQ(said[page].has_slot, (*truth)[page].has_slot) << page;
    ASSERT_EQ(said[page].swap_offset, (*truth)[page].swap_offset) << page;
  }
}

TEST_F(RestrictionsTest, CallersAreKnown) {
  const std::string grant =
      "grant { group: 'operators' right: [INSPECT, LOCATIONS] of_user: '64055' }\n";
  ConfinedDaemon::Options options;
  options.policy = grant;
  ASSERT_NO_FATAL_FAILURE(Start(options));
  ASSERT_EQ(chmod(daemon_->socket().c_str(), 0666), 0);
  const absl::Status became = target_->Become(kGuest);
  ASSERT_TRUE(became.ok()) << became;
  MemoryRegion region;
  ASSERT_NO_FATAL_FAILURE(PageOut(MemoryKind::kMemfd, &region));

  // The error reason of the only target; _UNSPECIFIED if there is none.
  const auto ask = [&](const Identity& who) {
    auto stub = NewStubAs(who, daemon_->socket());
    EXPECT_TRUE(stub.ok()) << stub.status();
    const PagesAnswer answer =
        QueryAll(**stub, QueryOf(target_->pid(), {{region.address, region.pages}}, v1::VIEW_PROCESS,
                                 v1::FORMAT_EXTENTS, {v1::PAGE_FIELD_LOCATION}));
    EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
    EXPECT_EQ(answer.ends.size(), 1u);
    return answer.ends.empty() ? v1::ERROR_REASON_INTERNAL : answer.ends[0].error().reason();
  };
  EXPECT_EQ(ask(kOperator), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(ask(kGuest), v1::ERROR_REASON_UNSPECIFIED) << "its own";
  EXPECT_EQ(ask(kStranger), v1::ERROR_REASON_PERMISSION_DENIED);

  absl::Status reloaded = daemon_->Reload("grant { user: '61190' right: INSPECT all: true }\n",
                                          "reloaded policy=\"/etc/pagemapd/pagemapd.policy\"");
  ASSERT_TRUE(reloaded.ok()) << reloaded;
  EXPECT_EQ(ask(kOperator), v1::ERROR_REASON_PERMISSION_DENIED);
  EXPECT_EQ(ask(kStranger), v1::ERROR_REASON_UNSPECIFIED);
  reloaded = daemon_->Reload("grant { user: 'nobody-has-this-name' right: INSPECT all: true }\n",
                             "the old one stays");
  ASSERT_TRUE(reloaded.ok()) << reloaded;
  EXPECT_EQ(ask(kStranger), v1::ERROR_REASON_UNSPECIFIED);
}

// Who may page out only its own: of what it maps, a file that nobody else may write takes a
// drop-in.
TEST_F(RestrictionsTest, OwnPageOut) {
  for (const std::string drop_in : {"", "own-files.conf", "without-bpf.conf"}) {
    SCOPED_TRACE(drop_in);
    ConfinedDaemon::Options options;
    options.policy = "grant { user: '64055' right: PAGEOUT own: true }\n";
    if (!drop_in.empty()) options.drop_ins = {drop_in};
    daemon_.reset();
    target_.reset();
    devices_.clear();
    ASSERT_NO_FATAL_FAILURE(Start(options));
    ASSERT_EQ(chmod(daemon_->socket().c_str(), 0666), 0);
    const absl::Status became = target_->Become(kGuest);
    ASSERT_TRUE(became.ok()) << became;
    const auto stub = NewStubAs(kGuest, daemon_->socket());
    ASSERT_TRUE(stub.ok()) << stub.status();
    // Anyone may write the first (mode 0777).
    const absl::StatusOr<int64_t> memfd =
        target_->SyscallWithText(SYS_memfd_create, {kPayloadArg, 0}, "a guest's");
    ASSERT_TRUE(memfd.ok()) << memfd.status();
    const std::string path = absl::StrCat("/dev/shm/pagemapd-test-", target_->pid());
    const absl::StatusOr<int64_t> file =
        target_->SyscallWithText(SYS_open, {kPayloadArg, O_RDWR | O_CREAT | O_EXCL, 0600}, path);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_EQ(unlink(path.c_str()), 0);
    for (const int64_t fd : {int64_t{-1}, *memfd, *file}) {
      if (fd >= 0) {
        ASSERT_TRUE(
            target_->Syscall(SYS_ftruncate, {static_cast<uint64_t>(fd), kPages * 4096}).ok());
      }
      const absl::StatusOr<uint64_t> at =
          target_->Map(kPages * 4096, PROT_READ | PROT_WRITE,
                       fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, static_cast<int>(fd));
      ASSERT_TRUE(at.ok()) << at.status();
      ASSERT_TRUE(target_->Write(*at, {{0, kPages}}).ok());
      const v1::PageOutRequest request = PageOutOf(target_->pid(), {{*at, kPages}});
      const PageOutAnswer answer = RunPageOut(**stub, request);
      CheckWhole(request, answer);
      printf("%s, %s: %s\n", drop_in.c_str(),
             fd == *file    ? "a file"
             : fd == *memfd ? "a memfd"
                            : "private memory",
             answer.Text().c_str());
      if (fd == *file && drop_in != "own-files.conf") {
        EXPECT_EQ(answer.PagesOf(v1::PAGE_OUT_OUTCOME_FILE_NOT_OWNED), kPages);
      } else {
        EXPECT_GE(answer.counts.achieved(), kPages * 9 / 10);
      }
    }
  }
}

// systemd opens the port; the daemon, without a network, answers on it all the same.
TEST_F(RestrictionsTest, TcpByDropIns) {
  ScratchCertificates certificates;
  const auto server = certificates.Issue("server", "IP:127.0.0.1");
  const auto client = certificates.Issue("client", "DNS:host1.example.org");
  const std::string address = absl::StrCat("127.0.0.1:", FreePort());
  ConfinedDaemon::Options options;
  options.drop_ins = {"tcp-service.conf"};
  options.tcp_addresses = {address};
  options.policy = "grant { certificate_name: 'host1.example.org' right: INSPECT all: true }\n";
  options.files = {{"etc/pagemapd/tls/cert.pem", server.cert},
                   {"etc/pagemapd/tls/key.pem", server.key},
                   {"etc/pagemapd/tls/client-ca.pem", certificates.ca()}};
  ASSERT_NO_FATAL_FAILURE(Start(options));

  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = *ReadText(certificates.ca());
  const auto ask = [&](v1::GetCapabilitiesResponse* response) {
    const auto stub =
        v1::PagemapService::NewStub(grpc::CreateChannel(address, grpc::SslCredentials(tls)));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
    return stub->GetCapabilities(&context, {}, response);
  };
  v1::GetCapabilitiesResponse response;
  EXPECT_EQ(ask(&response).error_code(), grpc::StatusCode::UNAVAILABLE) << "no certificate";
  tls.pem_cert_chain = *ReadText(client.cert);
  tls.pem_private_key = *ReadText(client.key);
  const grpc::Status status = ask(&response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.caller().certificate_names_size(), 1);
  EXPECT_EQ(response.caller().certificate_names(0), "host1.example.org");
}

TEST_F(RestrictionsTest, WithoutAdmin) {
  ConfinedDaemon::Options options;
  options.drop_ins = {"without-admin.conf"};
  ASSERT_NO_FATAL_FAILURE(Start(options));
  const v1::GetCapabilitiesResponse capabilities = Capabilities();
  EXPECT_FALSE(capabilities.kernel_features().locations());
  EXPECT_TRUE(capabilities.kernel_features().page_out());
  EXPECT_TRUE(IsActive(capabilities, "bpf"));
  for (MemoryKind kind : kShared) {
    MemoryRegion region;
    ASSERT_NO_FATAL_FAILURE(PageOut(kind, &region));
    const std::vector<ReportedPage> said = Ask(region);
    CheckStates(region, said);
    EXPECT_GT(Swapped(said), 0u) << Name(kind);
    EXPECT_EQ(WithSlot(said), Swapped(said)) << Name(kind);
    for (const ReportedPage& page : said) ASSERT_FALSE(page.has_pfn) << Name(kind);
  }
  for (const auto& device : devices_) EXPECT_TRUE(Names(AreasByType(), device->path()));

  // Private memory in swap: its place is hidden, and what it is with it.
  absl::StatusOr<MemoryRegion> region = MapRegion(*target_, MemoryKind::kPrivateAnon, kPages);
  ASSERT_TRUE(region.ok()) << region.status();
  absl::Status shaped = Shape(*target_, *region, std::vector<PageWish>(kPages, PageWish::kSwapped));
  ASSERT_TRUE(shaped.ok()) << shaped;
  uint64_t unknown = 0;
  for (const ReportedPage& page : Ask(*region)) {
    ASSERT_FALSE(page.has_slot);
    unknown += page.state == v1::PAGE_STATE_UNKNOWN;
  }
  EXPECT_GE(unknown, kPages * 9 / 10);
}

TEST_F(RestrictionsTest, WithoutBpf) {
  ConfinedDaemon::Options options;
  options.drop_ins = {"without-bpf.conf"};
  ASSERT_NO_FATAL_FAILURE(Start(options));
  const v1::GetCapabilitiesResponse capabilities = Capabilities();
  // What a list of what is allowed would not let pass, where libseccomp does not know its name.
  EXPECT_TRUE(capabilities.kernel_features().cachestat());
  EXPECT_TRUE(capabilities.kernel_features().locations());
  EXPECT_FALSE(IsActive(capabilities, "bpf"));
  for (MemoryKind kind : kShared) {
    MemoryRegion region;
    ASSERT_NO_FATAL_FAILURE(PageOut(kind, &region));
    const std::vector<ReportedPage> said = Ask(region);
    CheckStates(region, said);
    EXPECT_GT(Swapped(said), 0u) << Name(kind);
    EXPECT_EQ(WithSlot(said), 0u) << Name(kind);
  }
  MemoryRegion region;
  ASSERT_NO_FATAL_FAILURE(PageOut(MemoryKind::kPrivateAnon, &region));
  const std::vector<ReportedPage> said = Ask(region);
  CheckStates(region, said);
  EXPECT_EQ(WithSlot(said), Swapped(said));
}

}  // namespace
}  // namespace pagemapd
