// Pids that go to another process while the first is asked about: forced, by the kernel's own knob.
// Nobody gets data of a process that he did not ask about.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tests/integration/edges_fixture.h"
#include "tests/service/faults/mayfly_brood.h"
#include "tests/service/faults/storm_client.h"
#include "tests/testing/swap_device.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {
namespace {

constexpr uint32_t kRounds = 2000;
constexpr char kLastPid[] = "/proc/sys/kernel/ns_last_pid";

// Field 22 of stat. 0 if there is no such process.
uint64_t StartTimeOf(pid_t pid) {
  const std::string stat = ReadText(absl::StrCat("/proc/", pid, "/stat")).value_or("");
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return 0;
  const std::vector<std::string> fields = absl::StrSplit(stat.substr(name_end + 2), ' ');
  return std::stoull(fields[19]);
}

// Whether a page is in RAM: bit 63 of its pagemap entry.
bool IsPresent(pid_t pid, uint64_t address) {
  Fd fd(open(absl::StrCat("/proc/", pid, "/pagemap").c_str(), O_RDONLY | O_CLOEXEC));
  uint64_t entry = 0;
  return pread(fd.get(), &entry, 8, address / 4096 * 8) == 8 && (entry >> 63) != 0;
}

struct Client {
  Brood brood;
  StormClient client;
  // With the start times of those that have their pids now.
  std::vector<Mayfly> flies = {};
  std::vector<uint64_t> start_times = {};
  std::array<uint32_t, kEndings> endings = {};
  uint32_t rounds = 0, lost = 0, told_of_first = 0, told_of_second = 0;
  uint32_t same_tick = 0, refused_after = 0;
  std::vector<std::string> wrong = {};
};

class PidReuseTest : public EdgesTest {
 protected:
  void SetUp() override {
    // Pids go on from where they were.
    absl::StatusOr<std::string> last = ReadText(kLastPid);
    ASSERT_TRUE(last.ok()) << last.status();
    absl::StatusOr<UndoEntry> undo =
        UndoEntry::Register({"write", kLastPid, std::string(absl::StripAsciiWhitespace(*last))});
    ASSERT_TRUE(undo.ok()) << undo.status();
    undo_ = *std::move(undo);
    absl::StatusOr<SwapDevice> device = SwapDevice::Create(256 << 20);
    ASSERT_TRUE(device.ok()) << device.status();
    device_.emplace(*std::move(device));
    EdgesTest::SetUp();
  }

  // Gives the pid of a mayfly to another while it is asked about, by pid alone or by pid and start
  // time, and asks once more by what was true of the first.
  static absl::Status Round(uint32_t round, Client* client) {
    const size_t which = round % client->flies.size();
    const Mayfly first = client->flies[which];
    const uint64_t start_time = client->start_times[which];
    const bool by_start_time = round / client->flies.size() % 2 == 1;
    const StormClient::Question question = StormClient::Nth(round / 2);
    absl::StatusOr<Mayfly> second = absl::UnknownError("not made");
    const Sight sight = client->client.Ask(question, first, by_start_time ? start_time : 0,
                                           [&] { second = client->brood.Rebear(first); });
    if (absl::IsUnavailable(second.status())) {
      // A process of somebody else's was born with it.
      second = std::move(client->brood.Bear(1)).value().at(0);
      ++client->lost;
    }
    if (!second.ok()) return second.status();
    const uint64_t second_start_time = StartTimeOf(second->pid);
    client->flies[which] = *second;
    client->start_times[which] = second_start_time;

    if (second->pid != first.pid) return absl::OkStatus();
    ++client->rounds;

    const auto blame = [&](const std::string& what, const Sight& seen) {
      client->wrong.push_back(absl::StrCat(
          "round ", round, ": ", what, "; ", Name(seen.ending), ", ", seen.detail, ", start time ",
          seen.start_time_ticks, " of ", start_time, " and ", second_start_time));
    };
    ++client->endings[static_cast<size_t>(sight.ending)];
    if (sight.ending == Ending::kExeced || sight.ending == Ending::kOther) blame("ending", sight);
    if (sight.serials.size() > 1) blame("two memories in one answer", sight);
    const bool of_first = sight.serials.count(first.serial) > 0;
    const bool of_second = sight.serials.count(second->serial) > 0;
    client->told_of_first += of_first;
    client->told_of_second += of_second;
    if (!sight.serials.empty() && !of_first && !of_second) blame("a memory of nobody's", sight);
    // Born in the same hundredth of a second, they have the same name to the API.
    if (start_time == second_start_time) {
      ++client->same_tick;
      return absl::OkStatus();
    }
    if (by_start_time && of_second) blame("told of another than was asked about", sight);
    if (of_first && sight.start_time_ticks != start_time) blame("the first misnamed", sight);
    if (of_second && sight.start_time_ticks != second_start_time) blame("misnamed", sight);

    // By what was true of the first it is refused, by the pid alone it is of the second.
    const Sight after = client->client.Ask(question, by_start_time ? first : *second,
                                           by_start_time ? start_time : 0, [] {});
    if (by_start_time) {
      client->refused_after += after.ending == Ending::kReplacedOrZombie;
      if (after.ending != Ending::kReplacedOrZombie || !after.serials.empty()) {
        blame("asked by the dead one's start time", after);
      }
    } else if (after.ending != Ending::kAnswered || after.start_time_ticks != second_start_time) {
      blame("asked by pid alone", after);
    }
    // The question may have been to page the first one's memory out.
    if (by_start_time && !IsPresent(second->pid, kFlyMemory)) blame("the wrong one's pages", after);
    return absl::OkStatus();
  }

  UndoEntry undo_;
  std::optional<SwapDevice> device_;
};

TEST_F(PidReuseTest, NobodyElsesDataIsTold) {
  const absl::Time begin = absl::Now();
  absl::StatusOr<Brood> brood = Brood::Start(Brood::Dead::kStay);
  ASSERT_TRUE(brood.ok()) << brood.status();
  Client client = {*std::move(brood), StormClient(NewStub(daemon_->address()), 1)};
  absl::StatusOr<std::vector<Mayfly>> born = client.brood.Bear(60);
  ASSERT_TRUE(born.ok()) << born.status();
  client.flies = *std::move(born);
  for (const Mayfly& fly : client.flies) client.start_times.push_back(StartTimeOf(fly.pid));
  for (uint32_t round = 0; client.rounds < kRounds; ++round) {
    const absl::Status done = Round(round, &client);
    ASSERT_TRUE(done.ok()) << done;
    ASSERT_LT(client.lost, kRounds / 10);
    ASSERT_LT(client.wrong.size(), 10u) << client.wrong[0];
  }
  for (const std::string& wrong : client.wrong) ADD_FAILURE() << wrong;
  printf("[ figure ] pid reuse: %u rounds in %.1f s: told of the first %u, of the second %u;",
         kRounds, absl::ToDoubleSeconds(absl::Now() - begin), client.told_of_first,
         client.told_of_second);
  for (size_t i = 0; i < kEndings; ++i) {
    if (client.endings[i] > 0) printf(" %s %u", Name(static_cast<Ending>(i)), client.endings[i]);
  }
  printf(
      "; refused by start time afterwards %u, not told apart by the tick %u; "
      "pids lost to others %u\n",
      client.refused_after, client.same_tick, client.lost);
  EXPECT_GT(client.told_of_first, 0u);
  EXPECT_GT(client.endings[static_cast<size_t>(Ending::kExited)], 0u);
  EXPECT_GT(client.refused_after, kRounds / 3);
}

}  // namespace
}  // namespace pagemapd
