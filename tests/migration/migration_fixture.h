#ifndef PAGEMAPD_TESTS_MIGRATION_MIGRATION_FIXTURE_H_
#define PAGEMAPD_TESTS_MIGRATION_MIGRATION_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/migration/guest_pair.h"
#include "tests/testing/daemon_process.h"
#include "tests/testing/oracle.h"
#include "tests/testing/swap_device.h"

namespace pagemapd {

// A swap device, a daemon, and a pair of QEMUs. What goes wrong is a failure of the test.
class MigrationFixture : public ::testing::Test {
 protected:
  void SetUp() override;

  // In place of the pair there was.
  void StartPair(GuestPair::Guest guest);

  // In place of the daemon there was.
  void StartDaemon(const std::vector<std::string>& flags);

  GuestPair& pair() { return *pair_; }
  const GuestMemory& source_memory() const { return pair_->source_memory(); }
  std::string source_pid();
  const DaemonProcess& daemon() const { return *daemon_; }

  // What pagemapctl writes, which is to end with 0.
  std::string Ctl(const std::vector<std::string>& args);

  // Runs a command that pages out. 3 will do as well: the kernel may keep a page or two.
  void PageOut(const std::vector<std::string>& args);

  // Pages out three pages of four of the source's memory, in runs of 3 * `quarter` pages.
  void Cool(uint64_t quarter);

  // Writes to `path` what is in swap of the source's memory, as told by `command`: `pages` or
  // `vm pages`, with the target. Returns which pages that is.
  std::vector<bool> Record(std::vector<std::string> command, const std::string& path);

  // What is where in the source's memory, and in the destination's, by other means than the
  // daemon's.
  std::vector<TruePage> SourceTruth();
  std::vector<TruePage> DestinationTruth();

  // The destination's memory is the source's, and both are what the guest wrote. Brings all that is
  // in swap back.
  void ExpectGoodMemory();

 private:
  std::optional<SwapDevice> device_;
  std::optional<DaemonProcess> daemon_;
  std::optional<GuestPair> pair_;
};

// The pages of a guest that may be elsewhere than they should: one in 200. The machine pages cold
// memory out by itself now and then, and the kernel keeps a page that happens to be held when it
// looks.
constexpr uint64_t Few(uint64_t pages) { return pages / 200; }

// Of the pages of `cold` at least 99 % are in swap after re-cooling; the others that QEMU had
// mapped before it still has, so that nothing was done to them: nobody would map them again.
void ExpectRecooled(const std::vector<bool>& cold, const std::vector<TruePage>& before,
                    const std::vector<TruePage>& after);

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_MIGRATION_MIGRATION_FIXTURE_H_
