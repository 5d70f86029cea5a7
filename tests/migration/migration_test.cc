// A live migration brings the source's swapped pages back into RAM; re-cooling pages the same ones
// out again. Two real QEMUs, and `pagemapctl` as an operator would use it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/integration/page_report.h"
#include "tests/migration/migration_fixture.h"
#include "tests/testing/ctl_run.h"
#include "tests/testing/oracle.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

using nlohmann::json;

// What the busy guest reads.
constexpr uint64_t kFirstHotPage = 4096;
constexpr uint64_t kHotPages = 8192;

// The source's memory at one time.
struct Row {
  std::string when;
  uint64_t resident = 0;
  uint64_t swapped = 0;
  // Since the row before.
  uint64_t swapped_in = 0;
};

std::string Table(const std::vector<Row>& rows) {
  std::string table = absl::StrFormat("%-40s %12s %12s %20s\n", "the source's memory, in pages",
                                      "in RAM", "in swap", "swapped in meanwhile");
  for (const Row& row : rows) {
    absl::StrAppendFormat(&table, "%-40s %12d %12d %20d\n", row.when, row.resident, row.swapped,
                          row.swapped_in);
  }
  return table;
}

class MigrationTest : public MigrationFixture {
 protected:
  // Pages swapped in so far, by the kernel's count.
  static uint64_t SwapIns() {
    const absl::StatusOr<uint64_t> pages = ReadField("/proc/vmstat", "pswpin");
    EXPECT_TRUE(pages.ok()) << pages.status();
    return pages.value_or(0);
  }

  // RAM that the source's cgroup has.
  uint64_t SourceUsedPages() {
    const absl::StatusOr<uint64_t> used = pair().SourceUsedBytes();
    EXPECT_TRUE(used.ok()) << used.status();
    return used.value_or(0) / kPageBytes;
  }

  // The counts of the daemon, which are those of the kernel, and what was swapped in since
  // `swap_ins`, which becomes the count now.
  Row Look(const std::string& when, uint64_t* swap_ins) {
    Row row;
    row.when = when;
    const uint64_t now = SwapIns();
    row.swapped_in = now - *swap_ins;
    *swap_ins = now;
    const json summary =
        json::parse(Ctl({"summary", source_pid(), "--mappings", "-o", "json"}), nullptr, false);
    EXPECT_FALSE(summary.is_discarded());
    bool found = false;
    for (const json& mapping : summary.value("mappings", json::array())) {
      if (mapping.value("path", "") != "/memfd:memory-backend-memfd (deleted)") continue;
      found = true;
      row.resident = mapping.value("mapped", uint64_t{0}) + mapping.value("cached", uint64_t{0});
      row.swapped = mapping.value("swapped", uint64_t{0});
    }
    EXPECT_TRUE(found) << summary.dump();
    const GuestMemory& memory = source_memory();
    const absl::StatusOr<ObjectCounts> counts = CountObject(memory.fd(), 0, memory.pages());
    EXPECT_TRUE(counts.ok()) << counts.status();
    EXPECT_NEAR(row.resident, counts->cached, Few(memory.pages()));
    EXPECT_NEAR(row.swapped, counts->evicted, Few(memory.pages()));
    return row;
  }

  // Migrates a guest of which three quarters are in swap, and if `recool` pages them out again on
  // both sides. Returns what became of the source's memory.
  std::vector<Row> Migrate(bool recool);
};

std::vector<Row> MigrationTest::Migrate(bool recool) {
  StartPair(GuestPair::Guest::kLarge);
  if (HasFatalFailure()) return {};
  const uint64_t pages = source_memory().pages();
  std::vector<Row> rows;
  Cool(4096);
  const std::string cold_file = ::testing::TempDir() + "/cold.jsonl";
  const std::vector<bool> cold =
      Record({"vm", "pages", "--qmp", pair().source().qmp_path(), "--block", "ram"}, cold_file);
  const uint64_t cold_pages = std::count(cold.begin(), cold.end(), true);
  EXPECT_GE(cold_pages, pages / 4 * 3 * 99 / 100);
  uint64_t swap_ins = SwapIns();
  const uint64_t used_before = SourceUsedPages();
  rows.push_back(Look("before the migration", &swap_ins));

  const absl::Status migrated = pair().Migrate();
  EXPECT_TRUE(migrated.ok()) << migrated;
  rows.push_back(Look("after it", &swap_ins));
  const uint64_t used_after = SourceUsedPages();
  const std::vector<TruePage> warm = SourceTruth();
  // All that was in swap is in RAM: so says the daemon, and so say the kernel's counts of pages
  // swapped in, the cgroup, and the page cache.
  EXPECT_GE(rows[1].resident, pages - Few(pages));
  EXPECT_LE(rows[1].swapped, Few(pages));
  EXPECT_GE(rows[1].swapped_in, cold_pages - Few(pages));
  EXPECT_GE(used_after, used_before + cold_pages - Few(pages));
  uint64_t still_swapped = 0;
  for (uint64_t i = 0; i < pages; ++i) {
    still_swapped += cold[i] && warm[i].state == TrueState::kSwapped;
  }
  EXPECT_LE(still_swapped, Few(pages));

  if (recool) {
    PageOut({"pageout", source_pid(), "--from", cold_file});
    rows.push_back(Look("after re-cooling", &swap_ins));
    ExpectRecooled(cold, warm, SourceTruth());
    EXPECT_LE(SourceUsedPages(), used_after - cold_pages + Few(pages));

    // What was cold on the source is cold where the guest is now.
    const std::vector<TruePage> arrived = DestinationTruth();
    PageOut({"vm", "pageout", "--qmp", pair().destination().qmp_path(), "--from", cold_file});
    ExpectRecooled(cold, arrived, DestinationTruth());
  }
  ExpectGoodMemory();
  return rows;
}

TEST_F(MigrationTest, ReCoolingBringsBackWhatTheMigrationTook) {
  std::vector<Row> rows;
  for (bool recool : {false, true}) {
    for (Row& row : Migrate(recool)) {
      row.when = absl::StrCat(recool ? "with re-cooling: " : "unaware: ", row.when);
      rows.push_back(row);
    }
    ASSERT_FALSE(HasFailure());
  }
  printf("%s", Table(rows).c_str());
}

// The migration is given up, and the guest goes on. By QMP, which knows the guest's RAM.
TEST_F(MigrationTest, AGuestThatRunsKeepsWhatItUses) {
  StartPair(GuestPair::Guest::kBusy);
  ASSERT_FALSE(HasFailure());
  const int64_t pages = source_memory().pages();
  // While it stands still, also what it would use is in swap.
  ASSERT_TRUE(pair().source().qmp().Execute("stop").ok());
  Cool(16);
  const std::string cold_file = ::testing::TempDir() + "/cold.jsonl";
  const std::string qmp = pair().source().qmp_path();
  std::vector<bool> cold = Record({"vm", "pages", "--qmp", qmp, "--block", "ram"}, cold_file);
  ASSERT_TRUE(pair().source().qmp().Execute("cont").ok());
  const absl::Status given_up = pair().MigrateAndCancel();
  ASSERT_TRUE(given_up.ok()) << given_up;

  const std::vector<TruePage> warm = SourceTruth();
  EXPECT_GE(std::count_if(warm.begin(), warm.end(),
                          [](const TruePage& page) { return page.state == TrueState::kMapped; }),
            pages / 4 + pages / 8 * 3);
  PageOut({"vm", "pageout", "--qmp", qmp, "--from", cold_file});
  const std::vector<TruePage> cool = SourceTruth();
  // What it reads comes back by itself.
  uint64_t in_use = 0;
  for (uint64_t i = kFirstHotPage; i < kFirstHotPage + kHotPages; ++i) {
    in_use += cool[i].state == TrueState::kMapped;
    cold[i] = false;
  }
  EXPECT_GE(in_use, kHotPages / 2);
  ExpectRecooled(cold, warm, cool);
  const absl::Status rule = source_memory().CheckRule();
  EXPECT_TRUE(rule.ok()) << rule;
}

TEST_F(MigrationTest, TheSourceQuitsWhileItIsReCooled) {
  StartPair(GuestPair::Guest::kSmall);
  ASSERT_FALSE(HasFailure());
  Cool(16);
  const std::string cold_file = ::testing::TempDir() + "/cold.jsonl";
  Record({"pages", source_pid(), "--mapping", "/memfd:*"}, cold_file);
  const absl::Status migrated = pair().Migrate();
  ASSERT_TRUE(migrated.ok()) << migrated;
  const std::string source = source_pid();
  std::atomic<bool> over = false;
  std::thread quit([this, &over] {
    absl::StatusOr<ObjectCounts> counts;
    do {
      counts = CountObject(source_memory().fd(), 0, source_memory().pages());
    } while (!over && counts.ok() && counts->evicted < 5000);
    pair().source().Kill();
  });
  // It would take four seconds.
  const absl::StatusOr<CtlResult> recool =
      RunCtl(daemon().address(), {"pageout", source, "--from", cold_file, "--rate", "10000"});
  over = true;
  quit.join();
  ASSERT_TRUE(recool.ok()) << recool.status();
  EXPECT_EQ(recool->exit_code, 3) << recool->out << recool->err;
  EXPECT_THAT(recool->err, ::testing::HasSubstr("exited"));
  const absl::StatusOr<CtlResult> late =
      RunCtl(daemon().address(), {"pageout", "--from", cold_file, source});
  ASSERT_TRUE(late.ok()) << late.status();
  EXPECT_EQ(late->exit_code, 1) << late->out << late->err;
  EXPECT_THAT(late->err, ::testing::HasSubstr("no process has pid " + source));
  const absl::Status rule = pair().destination_memory().CheckRule();
  EXPECT_TRUE(rule.ok()) << rule;
}

}  // namespace
}  // namespace pagemapd
