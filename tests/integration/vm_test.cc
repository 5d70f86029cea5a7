// pagemapctl vm on real QEMUs: that what it says is the guest's RAM is that.

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/vm/qmp_client.h"
#include "tests/integration/vm_fixture.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

using nlohmann::json;

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kPageBytes = 4096;
constexpr int kPartlyDone = 3;

std::string Loader(const std::string& file, uint64_t address) {
  return absl::StrFormat("loader,file=%s,addr=0x%x,force-raw=on", file, address);
}

const json& BlockNamed(const json& blocks, const std::string& name) {
  for (const json& block : blocks) {
    if (block["block"] == name) return block;
  }
  ADD_FAILURE() << "no block " << name << " in " << blocks;
  static const json* const none = new json(json::object());
  return *none;
}

// The guest-physical range of the block that holds `address`.
const json& RangeAt(const json& block, uint64_t address) {
  for (const json& range : block["guest"]) {
    if (strtoull(range["start"].get<std::string>().c_str(), nullptr, 16) <= address &&
        address < strtoull(range["end"].get<std::string>().c_str(), nullptr, 16)) {
      return range;
    }
  }
  ADD_FAILURE() << "nothing at " << std::hex << address << " in " << block;
  static const json* const none = new json(json::object());
  return *none;
}

struct BackendCase {
  const char* name;
  // Of 256 MiB; FILE stands for a file in /dev/shm.
  std::vector<std::string> args;
  const char* block;
  const char* kind;
  bool shared;
};

class VmBackendTest : public VmTest, public ::testing::WithParamInterface<BackendCase> {};

const BackendCase kBackends[] = {
    {"memfd",
     {"-M", "q35,memory-backend=ram", "-object", "memory-backend-memfd,id=ram,size=256M,share=on"},
     "ram",
     "shmem",
     true},
    {"file",
     {"-M", "q35,memory-backend=ram", "-object",
      "memory-backend-file,id=ram,size=256M,share=on,mem-path=FILE"},
     "ram",
     "shmem",
     true},
    {"private",
     {"-M", "q35,memory-backend=ram", "-object", "memory-backend-ram,id=ram,size=256M"},
     "ram",
     "anon",
     false},
    {"plain", {"-M", "pc"}, "pc.ram", "anon", false},
    {"microvm", {"-M", "microvm"}, "microvm.ram", "anon", false},
};

TEST_P(VmBackendTest, FindsTheGuestsRam) {
  constexpr uint64_t kAddress = 0x2345000;
  constexpr uint64_t kPages = 3;
  const std::string pattern = PagePattern(kPages, 1);
  char directory[] = "/dev/shm/pagemapd-vm-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"rmtree", directory});
  ASSERT_TRUE(undo.ok()) << undo.status();
  std::vector<std::string> args = {"-m", "256", "-device", Loader(FileWith(pattern), kAddress)};
  for (std::string arg : GetParam().args) {
    const size_t file = arg.find("FILE");
    if (file != std::string::npos) arg.replace(file, 4, absl::StrCat(directory, "/ram"));
    args.push_back(arg);
  }
  StartQemu(args);
  if (HasFatalFailure()) return;

  const json ram = VmJson("ram");
  EXPECT_EQ(ram["pid"], qemu_->pid());
  const json& block = BlockNamed(ram["blocks"], GetParam().block);
  EXPECT_EQ(block["size_bytes"], 256 * kMiB);
  EXPECT_EQ(block["kind"], GetParam().kind);
  EXPECT_EQ(block["shared"], GetParam().shared);
  EXPECT_EQ(block["page_size_bytes"], kPageBytes);
  const uint64_t host = Hex(block["start"]);
  EXPECT_EQ(Hex(block["end"]), host + 256 * kMiB);
  const json& range = RangeAt(block, kAddress);
  EXPECT_EQ(HostBytes(host + Hex(range["offset"]) + kAddress - Hex(range["start"]), pattern.size()),
            pattern);

  // The pages of the pattern, and one on either side, which has zeros.
  const std::vector<json> lines =
      VmLines("pages", {"--gpa", absl::StrFormat("%x-%x", kAddress - kPageBytes,
                                                 kAddress + (kPages + 1) * kPageBytes)});
  std::string found;
  uint64_t next = kAddress - kPageBytes;
  for (const json& line : lines) {
    EXPECT_EQ(line["block"], GetParam().block);
    EXPECT_EQ(Hex(line["gpa"]), next);
    EXPECT_EQ(Hex(line["start"]), host + Hex(line["offset"]));
    const uint64_t bytes = line["pages"].get<uint64_t>() * kPageBytes;
    // To look at a hole would fill it.
    const bool hole = line["state"] == "hole";
    found += hole ? std::string(bytes, '\0') : HostBytes(Hex(line["start"]), bytes);
    next += bytes;
  }
  // Private memory may have huge pages, which hold more than was written.
  const std::string page(kPageBytes, '\0');
  EXPECT_TRUE(found == page + pattern + page);

  const json summary = VmJson("summary");
  const json estimate = VmJson("estimate");
  const json& counts = BlockNamed(summary["blocks"], GetParam().block);
  uint64_t sum = 0;
  for (const char* state : {"hole", "mapped", "cached", "swapped", "special", "unknown"}) {
    sum += counts[state].get<uint64_t>();
  }
  EXPECT_EQ(sum, 256 * kMiB / kPageBytes);
  const json& expected = BlockNamed(estimate["blocks"], GetParam().block);
  EXPECT_EQ(expected["size_bytes"], 256 * kMiB);
  EXPECT_EQ(expected["hole_bytes"], counts["hole"].get<uint64_t>() * kPageBytes);
  // The kernel may page something out between the two, but not make it or lose it.
  EXPECT_EQ(expected["send_bytes"], 256 * kMiB - counts["hole"].get<uint64_t>() * kPageBytes);
  EXPECT_EQ(expected["grow_bytes"], GetParam().shared ? expected["hole_bytes"] : json(0));
  EXPECT_EQ(estimate["migration"]["state"], "none");
}

INSTANTIATE_TEST_SUITE_P(, VmBackendTest, ::testing::ValuesIn(kBackends),
                         [](const auto& info) { return info.param.name; });

// A PC's RAM is split below 4 GiB: at 3 GiB here, at 2 on a q35.
TEST_F(VmTest, BothSidesOfTheHoleBelow4GiB) {
  for (const auto& [machine, split] :
       {std::pair("pc", uint64_t{3} << 30), std::pair("q35", uint64_t{2} << 30)}) {
    const std::string below = PagePattern(2, 2);
    const std::string above = PagePattern(2, 3);
    StartQemu({"-M", absl::StrCat(machine, ",memory-backend=ram"), "-m", "5G", "-object",
               "memory-backend-memfd,id=ram,size=5G,share=on", "-device",
               Loader(FileWith(below), split - below.size()), "-device",
               Loader(FileWith(above), uint64_t{4} << 30)});
    if (HasFatalFailure()) return;
    const std::vector<json> lines =
        VmLines("pages", {"--gpa", absl::StrFormat("%x-100002000", split - below.size()), "--state",
                          "mapped,cached,swapped", "--no-locations"});
    std::string found;
    for (const json& line : lines) {
      if (line["block"] != "ram") continue;
      const uint64_t gpa = Hex(line["gpa"]);
      EXPECT_EQ(Hex(line["offset"]), gpa < split ? gpa : gpa - (uint64_t{4} << 30) + split);
      const uint64_t bytes = line["pages"].get<uint64_t>() * kPageBytes;
      EXPECT_TRUE(HostBytes(Hex(line["start"]), bytes) == GuestBytes(gpa, bytes)) << line;
      found += HostBytes(Hex(line["start"]), bytes);
    }
    EXPECT_TRUE(found == below + above) << machine;
  }
}

// Reading a hole of shared memory allocates its page; of private memory it maps the zero page.
TEST_F(VmTest, AMigrationGrowsBySoMuchAsWasEstimated) {
  for (const bool shared : {true, false}) {
    StartQemu({"-M", "q35,memory-backend=ram", "-m", "64", "-object",
               absl::StrCat("memory-backend-", shared ? "memfd" : "ram", ",id=ram,size=64M",
                            shared ? ",share=on" : "")});
    if (HasFatalFailure()) return;
    const json before = VmJson("estimate");
    const json& expected = BlockNamed(before["blocks"], "ram");
    const std::string status = absl::StrCat("/proc/", qemu_->pid(), "/status");
    const char* const field = shared ? "RssShmem" : "RssAnon";
    const uint64_t rss = ReadField(status, field).value() * 1024;
    ASSERT_TRUE(qemu_->qmp().Execute("migrate", {{"uri", "exec:cat >/dev/null"}}).ok());
    json after;
    do {
      usleep(20000);
      after = VmJson("estimate");
    } while (after["migration"]["state"] == "setup" || after["migration"]["state"] == "active");
    EXPECT_EQ(after["migration"]["state"], "completed") << after["migration"];
    const uint64_t rss_after = ReadField(status, field).value() * 1024;
    const uint64_t estimated = expected["grow_bytes"];
    if (shared) {
      EXPECT_GT(estimated, 60 * kMiB);
      // Some of it may be in swap already.
      const json& now = BlockNamed(after["blocks"], "ram");
      EXPECT_GE(rss_after + now["swapped_bytes"].get<uint64_t>() + kMiB, rss + estimated);
      EXPECT_LE(now["hole_bytes"], kMiB);
    } else {
      EXPECT_EQ(estimated, 0u);
      EXPECT_LT(rss_after, rss + 8 * kMiB);
    }
  }
}

TEST_F(VmTest, PagesOutAndAgainFromARecording) {
  constexpr uint64_t kPages = 4096;
  constexpr uint64_t kAddress = 16 * kMiB;
  // On a live machine others move some pages meanwhile.
  constexpr uint64_t kFew = kPages / 16;
  const absl::StatusOr<SwapDevice> device = SwapDevice::Create(128 * kMiB);
  ASSERT_TRUE(device.ok()) << device.status();
  const std::string pattern = PagePattern(kPages, 4);
  const std::vector<std::string> args = {"-M",      "q35,memory-backend=ram",
                                         "-m",      "64",
                                         "-object", "memory-backend-memfd,id=ram,size=64M,share=on",
                                         "-device", Loader(FileWith(pattern), kAddress)};
  StartQemu(args);
  if (HasFatalFailure()) return;
  const std::vector<std::string> where = {
      "--gpa", absl::StrFormat("%x-%x", kAddress, kAddress + pattern.size())};
  const auto swapped_pages = [&] {
    std::vector<std::string> swapped = where;
    swapped.insert(swapped.end(), {"--state", "swapped"});
    uint64_t pages = 0;
    for (const json& line : VmLines("pages", swapped)) pages += line["pages"].get<uint64_t>();
    return pages;
  };
  const auto page_out = [&](const std::vector<std::string>& what) {
    const CtlResult result = Run("pageout", what);
    EXPECT_TRUE(result.exit_code == 0 || result.exit_code == kPartlyDone) << result.err;
  };
  EXPECT_LE(swapped_pages(), kFew);
  std::vector<std::string> dry = where;
  dry.push_back("--dry-run");
  page_out(dry);
  EXPECT_LE(swapped_pages(), kFew);
  page_out(where);
  EXPECT_GE(swapped_pages(), kPages - kFew);

  const json estimate = VmJson("estimate");
  const json& ram = BlockNamed(estimate["blocks"], "ram");
  EXPECT_GE(ram["swapped_bytes"], pattern.size() - kFew * kPageBytes);
  EXPECT_EQ(ram["read_bytes"].get<uint64_t>() + ram["with_copy_bytes"].get<uint64_t>(),
            ram["swapped_bytes"].get<uint64_t>());
  uint64_t in_areas = 0;
  uint64_t on_device = 0;
  for (const json& area : ram["swap"]) {
    in_areas += area["swapped_bytes"].get<uint64_t>();
    if (area["area"] != device->path()) continue;
    on_device = area["swapped_bytes"];
    EXPECT_EQ(area["home"], device->path().find("zram") != std::string::npos ? "zram" : "device");
  }
  EXPECT_EQ(in_areas, ram["swapped_bytes"].get<uint64_t>());
  EXPECT_GT(on_device, 0u);

  const std::string recording =
      FileWith(Vm("pages", {"-o", "jsonl", "--block", "ram", "--state", "swapped"}));
  EXPECT_TRUE(GuestBytes(kAddress, pattern.size()) == pattern);
  EXPECT_LE(swapped_pages(), kFew);
  page_out({"--from", recording});
  EXPECT_GE(swapped_pages(), kPages - 2 * kFew);

  // Another QEMU, as the one that this was migrated to would be.
  StartQemu(args);
  if (HasFatalFailure()) return;
  EXPECT_LE(swapped_pages(), kFew);
  page_out({"--from", recording});
  EXPECT_GE(swapped_pages(), kPages - 2 * kFew);
  EXPECT_TRUE(GuestBytes(kAddress, pattern.size()) == pattern);
}

// Objects on many lines; and the process that QEMU says it is.
TEST_F(VmTest, APrettyMonitor) {
  const std::string path = FileWith("") + ".qmp";
  StartQemu({"-M", "q35", "-m", "64", "-chardev",
             absl::StrCat("socket,id=pretty,path=", path, ",server=on,wait=off"), "-mon",
             "chardev=pretty,mode=control,pretty=on"});
  if (HasFatalFailure()) return;
  absl::StatusOr<QmpClient> qmp = QmpClient::Connect(path, absl::Seconds(20));
  ASSERT_TRUE(qmp.ok()) << qmp.status();
  EXPECT_EQ(qmp->peer_pid(), qemu_->pid());
  const absl::StatusOr<json> status = qmp->Execute("query-status");
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ((*status)["status"], "prelaunch");
  EXPECT_TRUE(absl::IsUnimplemented(qmp->Execute("no-such-command").status()));
  EXPECT_TRUE(absl::IsAborted(qmp->Execute("device_del", {{"id", "none"}}).status()) ||
              absl::IsNotFound(qmp->Execute("device_del", {{"id", "none"}}).status()));
}

TEST_F(VmTest, WhatIsNoVmIsComplainedOf) {
  StartQemu({"-M", "q35", "-m", "64"});
  if (HasFatalFailure()) return;
  EXPECT_NE(Run("pages", {"--block", "nvram"}).err.find("no RAM block nvram"), std::string::npos);
  qemu_->Kill();
  const CtlResult dead = Run("ram", {});
  EXPECT_EQ(dead.exit_code, 1);
  EXPECT_NE(dead.err.find(qemu_->qmp_path()), std::string::npos) << dead.err;
}

}  // namespace
}  // namespace pagemapd
