// Flags and kinds: what the kernel's own files say of a page or a mapping, the daemon says too.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tests/integration/page_report.h"
#include "tests/testing/ctl_run.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/knob.h"
#include "tests/testing/memory_region.h"
#include "tests/testing/page_client.h"
#include "tests/testing/served_target.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/target_process.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25  // Linux 6.1.
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102  // Linux 6.13.
#endif

namespace pagemapd {
namespace {

constexpr int kReadWrite = PROT_READ | PROT_WRITE;

// /proc/kpageflags bits.
constexpr uint64_t kHuge = uint64_t{1} << 17;
constexpr uint64_t kKsm = uint64_t{1} << 21;
constexpr uint64_t kThp = uint64_t{1} << 22;
constexpr uint64_t kZeroPage = uint64_t{1} << 24;

constexpr uint32_t Bit(v1::PageFlag flag) { return uint32_t{1} << flag; }

class FlagsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::Status started = StartWithTarget({}, &daemon_, &stub_, &target_);
    ASSERT_TRUE(started.ok()) << started;
  }

  uint64_t Map(uint64_t pages, int flags) {
    absl::StatusOr<uint64_t> at = target_->Map(pages * kPageBytes, kReadWrite, flags);
    EXPECT_TRUE(at.ok()) << at.status();
    return at.value_or(0);
  }

  std::vector<ReportedPage> Ask(uint64_t address, uint64_t pages, v1::PageField flags) {
    PagesAnswer answer = QueryAll(*stub_, QueryOf(target_->pid(), {{address, pages}},
                                                  v1::VIEW_PROCESS, v1::FORMAT_EXTENTS, {flags}));
    EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
    PageReport report(address, pages);
    for (const v1::PageChunk& chunk : answer.chunks) {
      absl::Status added = report.Add(chunk);
      EXPECT_TRUE(added.ok()) << added;
    }
    return report.pages();
  }

  // What pagemap and kpageflags say of pages, 0 for those that are not present.
  std::vector<uint64_t> FrameFlags(uint64_t address, uint64_t pages) {
    std::vector<uint64_t> flags(pages);
    auto entries = ReadPagemap(target_->pid(), address, pages);
    EXPECT_TRUE(entries.ok()) << entries.status();
    for (uint64_t i = 0; i < pages; ++i) {
      uint64_t entry = (*entries)[i];
      if (entry >> 63) flags[i] = *ReadKpageflags(entry & ((uint64_t{1} << 55) - 1));
    }
    return flags;
  }

  // Of each page the daemon and kpageflags agree on one flag; returns how many have it.
  uint64_t ExpectFlag(uint64_t address, uint64_t pages, v1::PageFlag flag, uint64_t kernels_bit) {
    std::vector<uint64_t> kernel = FrameFlags(address, pages);
    std::vector<ReportedPage> said = Ask(address, pages, v1::PAGE_FIELD_FRAME_FLAGS);
    std::vector<ReportedPage> unasked = Ask(address, pages, v1::PAGE_FIELD_FLAGS);
    uint64_t have = 0, wrong = 0, uncalled_for = 0;
    for (uint64_t i = 0; i < pages; ++i) {
      bool expected = (kernel[i] & kernels_bit) != 0;
      have += expected;
      wrong += ((said[i].flags & Bit(flag)) != 0) != expected;
      uncalled_for += (unasked[i].flags & Bit(flag)) != 0;
    }
    EXPECT_EQ(wrong, 0u) << v1::PageFlag_Name(flag);
    EXPECT_EQ(uncalled_for, 0u) << v1::PageFlag_Name(flag);
    return have;
  }

  // The mapping at `address`, as `pagemapctl -o json mappings` has it.
  nlohmann::json MappingAt(uint64_t address) {
    auto result =
        RunCtl(daemon_->address(), {"-o", "json", "mappings", absl::StrCat(target_->pid())});
    EXPECT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->exit_code, 0) << result->err;
    nlohmann::json parsed = nlohmann::json::parse(result->out, nullptr, false);
    EXPECT_TRUE(parsed.is_array() || parsed.is_object()) << result->out.substr(0, 300);
    const nlohmann::json& list = parsed.is_array() ? parsed : parsed.value("mappings", parsed);
    for (const auto& mapping : list) {
      if (mapping.value("start", "") == absl::StrFormat("%#x", address)) return mapping;
    }
    ADD_FAILURE() << absl::StrFormat("no mapping at %#x in %s", address, result->out);
    return nlohmann::json::object();
  }

  // An ioctl on a descriptor of the target's, of an argument that is copied there.
  template <typename Argument>
  absl::Status Ioctl(int64_t fd, uint64_t request, const Argument& argument) {
    absl::string_view bytes(reinterpret_cast<const char*>(&argument), sizeof(argument));
    return target_
        ->SyscallWithText(SYS_ioctl, {static_cast<uint64_t>(fd), request, kPayloadArg}, bytes)
        .status();
  }

  std::optional<DaemonProcess> daemon_;
  std::unique_ptr<v1::PagemapService::Stub> stub_;
  std::optional<TargetProcess> target_;
};

TEST_F(FlagsTest, Ksm) {
  absl::StatusOr<Knob> run = Knob::Take("/sys/kernel/mm/ksm/run");
  if (!run.ok()) GTEST_SKIP() << "no KSM: " << run.status();
  absl::StatusOr<Knob> batch = Knob::Take("/sys/kernel/mm/ksm/pages_to_scan");
  absl::StatusOr<Knob> sleep = Knob::Take("/sys/kernel/mm/ksm/sleep_millisecs");
  ASSERT_TRUE(batch.ok() && sleep.ok());
  constexpr uint64_t kPages = 512;
  uint64_t at = Map(kPages, MAP_PRIVATE | MAP_ANONYMOUS);
  ASSERT_TRUE(target_->Advise(at, {{0, kPages}}, MADV_MERGEABLE).ok());
  // All the same, but for every eighth.
  std::vector<char> content(kPages * kPageBytes, 0x5a);
  for (uint64_t i = 0; i < kPages; i += 8) memcpy(&content[i * kPageBytes], &i, sizeof(i));
  iovec local = {content.data(), content.size()};
  iovec remote = {reinterpret_cast<void*>(at), content.size()};
  ASSERT_EQ(process_vm_writev(target_->pid(), &local, 1, &remote, 1, 0), content.size());
  ASSERT_TRUE(batch->Set("10000").ok());
  ASSERT_TRUE(sleep->Set("10").ok());
  ASSERT_TRUE(run->Set("1").ok());
  absl::Time deadline = absl::Now() + absl::Seconds(60);
  uint64_t merged = 0;
  while (merged < kPages / 8 * 7 && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(100));
    merged = 0;
    for (uint64_t flags : FrameFlags(at, kPages)) merged += (flags & kKsm) != 0;
  }
  ASSERT_TRUE(run->Set("0").ok());
  EXPECT_EQ(ExpectFlag(at, kPages, v1::PAGE_FLAG_KSM, kKsm), kPages / 8 * 7);
  EXPECT_THAT(MappingAt(at)["vm_flags"].dump(), ::testing::HasSubstr("\"mg\""));
}

TEST_F(FlagsTest, TransparentHugePages) {
  absl::StatusOr<Knob> enabled = Knob::Take("/sys/kernel/mm/transparent_hugepage/enabled");
  if (!enabled.ok()) GTEST_SKIP() << "no THP: " << enabled.status();
  ASSERT_TRUE(enabled->Set("madvise").ok());
  constexpr uint64_t kPages = 4096, kHugePages = 512;
  uint64_t at = Map(kPages, MAP_PRIVATE | MAP_ANONYMOUS);
  uint64_t lead = (at / kPageBytes + kHugePages - 1) / kHugePages * kHugePages - at / kPageBytes;
  // Two huge pages among small ones.
  PageRun huge = {lead + kHugePages, 2 * kHugePages};
  ASSERT_TRUE(target_
                  ->Write(at, {{0, huge.first},
                               {huge.first + huge.pages, kPages - huge.first - huge.pages}})
                  .ok());
  ASSERT_TRUE(target_->Advise(at, {huge}, MADV_HUGEPAGE).ok());
  ASSERT_TRUE(target_->Write(at, {huge}).ok());
  static_cast<void>(target_->Advise(at, {huge}, MADV_COLLAPSE));
  // Writing beside them may have made others huge only where MADV_HUGEPAGE was.
  EXPECT_EQ(ExpectFlag(at, kPages, v1::PAGE_FLAG_THP, kThp), huge.pages);
  uint64_t begin = at + huge.first * kPageBytes;
  EXPECT_THAT(MappingAt(begin)["vm_flags"].dump(), ::testing::HasSubstr("\"hg\""));
}

TEST_F(FlagsTest, ZeroPage) {
  constexpr uint64_t kPages = 256;
  uint64_t at = Map(kPages, MAP_PRIVATE | MAP_ANONYMOUS);
  ASSERT_TRUE(target_->Advise(at, {{0, kPages}}, MADV_NOHUGEPAGE).ok());
  ASSERT_TRUE(target_->Read(at, {{0, kPages}}).ok());
  ASSERT_TRUE(target_->Write(at, {{10, 20}, {100, 1}}).ok());
  EXPECT_EQ(ExpectFlag(at, kPages, v1::PAGE_FLAG_ZERO, kZeroPage), kPages - 21);
}

TEST_F(FlagsTest, Hugetlb) {
  absl::StatusOr<Knob> reserve = Knob::Take("/proc/sys/vm/nr_hugepages");
  ASSERT_TRUE(reserve.ok()) << reserve.status();
  if (!reserve->Set("4").ok() || *reserve->Get() != "4") GTEST_SKIP() << "no huge pages to be had";
  constexpr uint64_t kPages = 4 * 512;
  uint64_t at = Map(kPages, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB);
  ASSERT_TRUE(target_->Write(at, {{0, 1}, {1024, 1}}).ok());
  EXPECT_EQ(ExpectFlag(at, kPages, v1::PAGE_FLAG_HUGETLB, kHuge), kPages / 2);
  EXPECT_EQ(MappingAt(at).value("kind", ""), "hugetlb");
  target_.reset();
}

TEST_F(FlagsTest, FrameFlagsThroughTheCommandLine) {
  constexpr uint64_t kPages = 64;
  uint64_t at = Map(kPages, MAP_PRIVATE | MAP_ANONYMOUS);
  ASSERT_TRUE(target_->Read(at, {{0, kPages}}).ok());
  std::vector<std::string> args = {
      "-o",      "jsonl",
      "pages",   absl::StrCat(target_->pid()),
      "--range", absl::StrFormat("%x-%x", at, at + kPages * kPageBytes)};
  for (bool asked : {false, true}) {
    if (asked) args.push_back("--flags");
    uint64_t zero = 0;
    auto result = RunCtl(daemon_->address(), args, [&](absl::string_view line) {
      auto parsed = ParsePageLine(line);
      ASSERT_TRUE(parsed.ok()) << parsed.status();
      if (parsed->extent.flags() & Bit(v1::PAGE_FLAG_ZERO)) zero += parsed->extent.pages();
    });
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->exit_code, 0) << result->err;
    EXPECT_EQ(zero, asked ? kPages : 0);
  }
}

TEST_F(FlagsTest, GuardRegions) {
  constexpr uint64_t kPages = 64;
  uint64_t at = Map(kPages, MAP_PRIVATE | MAP_ANONYMOUS);
  ASSERT_TRUE(target_->Write(at, {{0, 32}}).ok());
  absl::Status installed = target_->Advise(at, {{8, 8}, {40, 4}}, MADV_GUARD_INSTALL);
  if (!installed.ok()) GTEST_SKIP() << "no guard regions: " << installed;
  auto entries = ReadPagemap(target_->pid(), at, kPages);
  ASSERT_TRUE(entries.ok());
  std::vector<ReportedPage> said = Ask(at, kPages, v1::PAGE_FIELD_FLAGS);
  for (uint64_t i = 0; i < kPages; ++i) {
    bool guard = (i >= 8 && i < 16) || (i >= 40 && i < 44);
    v1::PageState expected = guard    ? v1::PAGE_STATE_SPECIAL
                             : i < 32 ? v1::PAGE_STATE_MAPPED
                                      : v1::PAGE_STATE_HOLE;
    EXPECT_EQ(said[i].state, expected) << "page " << i;
    // Bit 58 is there since 6.15.
    EXPECT_EQ((said[i].flags & Bit(v1::PAGE_FLAG_GUARD)) != 0, ((*entries)[i] >> 58 & 1) != 0);
  }
}

TEST_F(FlagsTest, UserfaultfdWriteProtection) {
  absl::StatusOr<SwapDevice> device = SwapDevice::Create(64 << 20);
  ASSERT_TRUE(device.ok()) << device.status();
  constexpr uint64_t kUserModeOnly = 1, kPages = 256;
  absl::StatusOr<int64_t> uffd = target_->Syscall(SYS_userfaultfd, {O_CLOEXEC | kUserModeOnly});
  if (!uffd.ok()) GTEST_SKIP() << "no userfaultfd: " << uffd.status();
  uffdio_api api = {UFFD_API, UFFD_FEATURE_WP_HUGETLBFS_SHMEM, 0};
  absl::Status offered = Ioctl(*uffd, UFFDIO_API, api);
  if (!offered.ok()) GTEST_SKIP() << "no write protection of shmem: " << offered;

  for (MemoryKind kind : {MemoryKind::kMemfd, MemoryKind::kPrivateAnon}) {
    SCOPED_TRACE(Name(kind));
    absl::StatusOr<MemoryRegion> region = MapRegion(*target_, kind, kPages);
    ASSERT_TRUE(region.ok()) << region.status();
    // Mapped, swapped and hole, in that order.
    ASSERT_TRUE(target_->Write(region->address, {{0, 128}}).ok());
    uffdio_register what = {};
    what.range = {region->address, kPages * kPageBytes};
    what.mode = UFFDIO_REGISTER_MODE_WP;
    absl::Status registered = Ioctl(*uffd, UFFDIO_REGISTER, what);
    ASSERT_TRUE(registered.ok()) << registered;
    uffdio_writeprotect protect = {what.range, UFFDIO_WRITEPROTECT_MODE_WP};
    absl::Status done = Ioctl(*uffd, UFFDIO_WRITEPROTECT, protect);
    ASSERT_TRUE(done.ok()) << done;
    ASSERT_TRUE(PageOutRuns(*target_, region->address, {{64, 64}}).ok());

    auto entries = ReadPagemap(target_->pid(), region->address, kPages);
    ASSERT_TRUE(entries.ok());
    auto object = region->backing == Backing::kShmem
                      ? TruthOf(target_->pid(), *region, true)
                      : absl::StatusOr<std::vector<TruePage>>(std::vector<TruePage>(kPages));
    ASSERT_TRUE(object.ok()) << object.status();
    std::vector<ReportedPage> said = Ask(region->address, kPages, v1::PAGE_FIELD_FLAGS);
    uint64_t markers = 0, swapped = 0, mapped = 0;
    for (uint64_t i = 0; i < kPages; ++i) {
      uint64_t entry = (*entries)[i];
      bool protected_page = (entry >> 57 & 1) != 0;
      EXPECT_EQ((said[i].flags & Bit(v1::PAGE_FLAG_UFFD_WP)) != 0, protected_page) << "page " << i;
      v1::PageState expected = v1::PAGE_STATE_HOLE;
      if (entry >> 63) {
        expected = v1::PAGE_STATE_MAPPED;
        ++mapped;
      } else if (kind == MemoryKind::kPrivateAnon && (entry >> 62 & 1) && i < 128) {
        expected = v1::PAGE_STATE_SWAPPED;
        ++swapped;
      } else if (entry >> 62 & 1) {
        // A marker: no swap slot, whatever bit 62 says.
        expected = v1::PAGE_STATE_SPECIAL;
        ++markers;
      }
      EXPECT_EQ(said[i].state, expected) << "page " << i << absl::StrFormat(" entry %#x", entry);
    }
    EXPECT_EQ(mapped, 64u);
    EXPECT_EQ(kind == MemoryKind::kMemfd ? markers : swapped,
              kind == MemoryKind::kMemfd ? 192 : 64);
  }
}

}  // namespace
}  // namespace pagemapd
