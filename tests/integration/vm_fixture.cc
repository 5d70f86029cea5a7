#include "tests/integration/vm_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/testing/fd.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPageBytes = 4096;

}  // namespace

std::string PagePattern(uint64_t pages, uint64_t seed) {
  std::string bytes(pages * kPageBytes, '\0');
  uint64_t value = seed * 0x9e3779b97f4a7c15 + 1;
  for (size_t at = 0; at < bytes.size(); at += sizeof(value)) {
    value ^= value << 13;
    value ^= value >> 7;
    value ^= value << 17;
    memcpy(&bytes[at], &value, sizeof(value));
  }
  return bytes;
}

void VmTest::SetUp() {
  char directory[] = "/tmp/pagemapd-vm-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  directory_ = directory;
  absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"rmtree", directory});
  ASSERT_TRUE(undo.ok()) << undo.status();
  undo_directory_ = *std::move(undo);
  absl::StatusOr<DaemonProcess> daemon = DaemonProcess::Start({});
  ASSERT_TRUE(daemon.ok()) << daemon.status();
  daemon_.emplace(*std::move(daemon));
}

std::string VmTest::FileWith(const std::string& bytes) {
  const std::string path = absl::StrCat(directory_, "/file", files_++);
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

void VmTest::StartQemu(const std::vector<std::string>& args) {
  qemu_.reset();
  std::vector<std::string> all = {"-S", "-accel", "tcg"};
  all.insert(all.end(), args.begin(), args.end());
  absl::StatusOr<QemuProcess> qemu = QemuProcess::Start(all);
  ASSERT_TRUE(qemu.ok()) << qemu.status();
  qemu_.emplace(*std::move(qemu));
}

CtlResult VmTest::Run(const std::string& command, const std::vector<std::string>& args) {
  std::vector<std::string> all = {"vm", command, "--qmp", qemu_->qmp_path()};
  all.insert(all.end(), args.begin(), args.end());
  const absl::StatusOr<CtlResult> result = RunCtl(daemon_->address(), all);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.value_or(CtlResult{});
}

std::string VmTest::Vm(const std::string& command, const std::vector<std::string>& args) {
  const CtlResult result = Run(command, args);
  EXPECT_EQ(result.exit_code, 0) << command << ": " << result.err << result.out;
  return result.out;
}

nlohmann::json VmTest::VmJson(const std::string& command, const std::vector<std::string>& args) {
  std::vector<std::string> all = {"-o", "json"};
  all.insert(all.end(), args.begin(), args.end());
  return nlohmann::json::parse(Vm(command, all), nullptr, /*allow_exceptions=*/false);
}

std::vector<nlohmann::json> VmTest::VmLines(const std::string& command,
                                            const std::vector<std::string>& args) {
  std::vector<std::string> all = {"-o", "jsonl"};
  all.insert(all.end(), args.begin(), args.end());
  std::vector<nlohmann::json> lines;
  const std::string text = Vm(command, all);
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    lines.push_back(nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false));
  }
  return lines;
}

std::string VmTest::HostBytes(uint64_t address, uint64_t bytes) const {
  const Fd memory(open(absl::StrCat("/proc/", qemu_->pid(), "/mem").c_str(), O_RDONLY | O_CLOEXEC));
  std::string content(bytes, '\0');
  const ssize_t got = pread(memory.get(), content.data(), bytes, address);
  EXPECT_EQ(got, static_cast<ssize_t>(bytes)) << std::hex << address;
  return content;
}

std::string VmTest::GuestBytes(uint64_t address, uint64_t bytes) {
  const std::string path = FileWith("");
  const auto saved =
      qemu_->qmp().Execute("pmemsave", {{"val", address}, {"size", bytes}, {"filename", path}});
  EXPECT_TRUE(saved.ok()) << saved.status();
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

uint64_t VmTest::Hex(const nlohmann::json& text) {
  EXPECT_TRUE(text.is_string()) << text;
  return text.is_string() ? strtoull(text.get<std::string>().c_str(), nullptr, 16) : 0;
}

}  // namespace pagemapd
