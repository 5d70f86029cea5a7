#include "tests/migration/guest_pair.h"

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/testing/runfile.h"

namespace pagemapd {
namespace {

using nlohmann::json;

constexpr absl::Duration kPatience = absl::Minutes(1);

std::vector<std::string> Arguments(GuestPair::Guest guest) {
  const bool large = guest == GuestPair::Guest::kLarge;
  const char* const name = large ? "large" : guest == GuestPair::Guest::kBusy ? "busy" : "small";
  const char* const size = large ? "1G" : "256M";
  return {"-accel", "tcg", "-no-user-config", "-machine", "pc,memory-backend=ram", "-object",
          absl::StrCat("memory-backend-memfd,id=ram,share=on,size=", size), "-m", size, "-bios",
          Runfile(absl::StrCat("tests/migration/guest_", name, ".rom")),
          // What the guest says, until ringbuf-read asks for it.
          "-chardev", "ringbuf,id=console,size=16", "-device",
          "isa-debugcon,iobase=0xe9,chardev=console"};
}

// Until the guest has written all its memory.
absl::Status WaitUntilFilled(QmpClient& source) {
  for (const absl::Time deadline = absl::Now() + kPatience; absl::Now() < deadline;
       absl::SleepFor(absl::Milliseconds(50))) {
    const absl::StatusOr<json> said =
        source.Execute("ringbuf-read", {{"device", "console"}, {"size", 16}});
    if (!said.ok()) return said.status();
    if (*said == "F") return absl::OkStatus();
    if (*said != "") return absl::DataLossError(absl::StrCat("the guest says ", said->dump()));
  }
  return absl::DeadlineExceededError("the guest is not done");
}

// Until what query-migrate returns is what is waited for. ABORTED if the migration is over then.
absl::Status WaitUntil(QmpClient& source, const std::function<bool(const json&)>& wanted) {
  for (const absl::Time deadline = absl::Now() + kPatience; absl::Now() < deadline;
       absl::SleepFor(absl::Milliseconds(20))) {
    const absl::StatusOr<json> state = source.Execute("query-migrate");
    if (!state.ok()) return state.status();
    const auto status = state->find("status");
    if (status == state->end()) continue;
    if (wanted(*state)) return absl::OkStatus();
    if (*status == "failed" || *status == "cancelled" || *status == "completed") {
      return absl::AbortedError("query-migrate says " + state->dump());
    }
  }
  return absl::DeadlineExceededError("the migration does not end");
}

}  // namespace

absl::StatusOr<GuestPair> GuestPair::Start(Guest guest) {
  absl::StatusOr<Cgroup> cgroup = Cgroup::Create();
  if (!cgroup.ok()) return cgroup.status();
  std::vector<std::string> arguments = Arguments(guest);
  // Nothing runs before it is in the cgroup.
  arguments.push_back("-S");
  absl::StatusOr<QemuProcess> source = QemuProcess::Start(arguments);
  if (!source.ok()) return source.status();
  if (absl::Status s = cgroup->Add(source->pid()); !s.ok()) return s;
  if (absl::Status s = source->qmp().Execute("cont").status(); !s.ok()) return s;

  arguments.back() = "-incoming";
  arguments.push_back("defer");
  absl::StatusOr<QemuProcess> destination = QemuProcess::Start(arguments);
  if (!destination.ok()) return destination.status();

  if (absl::Status s = WaitUntilFilled(source->qmp()); !s.ok()) return s;
  absl::StatusOr<GuestMemory> source_memory = GuestMemory::Open(source->pid());
  if (!source_memory.ok()) return source_memory.status();
  absl::StatusOr<GuestMemory> destination_memory = GuestMemory::Open(destination->pid());
  if (!destination_memory.ok()) return destination_memory.status();

  GuestPair pair(*std::move(cgroup), *std::move(source), *std::move(destination),
                 *std::move(source_memory), *std::move(destination_memory));
  absl::Status listening =
      pair.destination_.qmp().Execute("migrate-incoming", {{"uri", pair.uri()}}).status();
  if (!listening.ok()) return listening;
  return pair;
}

GuestPair::GuestPair(Cgroup cgroup, QemuProcess source, QemuProcess destination,
                     GuestMemory source_memory, GuestMemory destination_memory)
    : socket_(destination.directory() + "/incoming"),
      source_cgroup_(std::move(cgroup)),
      source_(std::move(source)),
      destination_(std::move(destination)),
      source_memory_(std::move(source_memory)),
      destination_memory_(std::move(destination_memory)) {}

absl::Status GuestPair::Migrate() {
  QmpClient& source = source_.qmp();
  absl::Status set =
      source.Execute("migrate-set-parameters", {{"max-bandwidth", int64_t{1} << 40}}).status();
  if (!set.ok()) return set;
  if (absl::Status s = source.Execute("migrate", {{"uri", uri()}}).status(); !s.ok()) return s;
  return WaitUntil(source, [](const json& state) { return state["status"] == "completed"; });
}

absl::Status GuestPair::MigrateAndCancel() {
  QmpClient& source = source_.qmp();
  // All of it in a second: not too fast to be given up in the middle.
  absl::Status set =
      source.Execute("migrate-set-parameters", {{"max-bandwidth", source_memory_.bytes()}})
          .status();
  if (!set.ok()) return set;
  if (absl::Status s = source.Execute("migrate", {{"uri", uri()}}).status(); !s.ok()) return s;
  absl::Status half = WaitUntil(source, [this](const json& state) {
    const auto ram = state.find("ram");
    return ram != state.end() &&
           ram->value("transferred", uint64_t{0}) > source_memory_.bytes() / 2;
  });
  if (!half.ok()) return half;
  absl::Status cancelled = source.Execute("migrate_cancel").status();
  if (!cancelled.ok()) return cancelled;
  // It ends by itself, with an error.
  destination_.Kill();
  return WaitUntil(source, [](const json& state) { return state["status"] == "cancelled"; });
}

}  // namespace pagemapd
