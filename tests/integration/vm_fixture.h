#ifndef PAGEMAPD_TESTS_INTEGRATION_VM_FIXTURE_H_
#define PAGEMAPD_TESTS_INTEGRATION_VM_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/testing/ctl_run.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/qemu_process.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {

// Bytes that no two pages share, and that no page has at another place: `pages` pages of them.
std::string PagePattern(uint64_t pages, uint64_t seed);

// A daemon, and a QEMU that never runs its guest, so that nobody but the test touches the RAM.
class VmTest : public ::testing::Test {
 protected:
  void SetUp() override;

  // A file of the test's with these bytes, for `-device loader,file=...`.
  std::string FileWith(const std::string& bytes);
  void StartQemu(const std::vector<std::string>& args);

  // pagemapctl vm COMMAND --qmp ... ARGS.
  CtlResult Run(const std::string& command, const std::vector<std::string>& args);
  // The same; must exit with 0. Its standard output.
  std::string Vm(const std::string& command, const std::vector<std::string>& args = {});
  // The same, of -o json and -o jsonl.
  nlohmann::json VmJson(const std::string& command, const std::vector<std::string>& args = {});
  std::vector<nlohmann::json> VmLines(const std::string& command,
                                      const std::vector<std::string>& args = {});

  // What QEMU has at a host address of its own, by /proc/PID/mem.
  std::string HostBytes(uint64_t address, uint64_t bytes) const;
  // What QEMU says the guest has at a guest-physical address (pmemsave).
  std::string GuestBytes(uint64_t address, uint64_t bytes);

  static uint64_t Hex(const nlohmann::json& text);

  std::optional<DaemonProcess> daemon_;
  std::optional<QemuProcess> qemu_;

 private:
  std::string directory_;
  UndoEntry undo_directory_;
  int files_ = 0;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_INTEGRATION_VM_FIXTURE_H_
