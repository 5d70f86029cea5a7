// ParseProcessStat: the input as the whole text, and as a process's name in a good text.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "daemon/procfs/process.h"
#include "tests/fuzz/require.h"

namespace pagemapd {
namespace {

std::string Printed(absl::string_view name, const ProcessStat& stat) {
  std::string text = absl::StrCat("1 (", name, ") ", std::string(1, stat.state));
  for (int field = 4; field <= 52; ++field) {
    absl::StrAppend(&text, " ",
                    field == 9    ? stat.flags
                    : field == 22 ? stat.start_time_ticks
                    : field == 26 ? stat.start_code
                    : field == 27 ? stat.end_code
                    : field == 28 ? stat.start_stack
                    : field == 47 ? stat.start_brk
                                  : 0);
  }
  return text + "\n";
}

void RequireSame(const absl::StatusOr<ProcessStat>& stat, const ProcessStat& expected) {
  REQUIRE(stat.ok());
  REQUIRE(stat->state == expected.state);
  REQUIRE(stat->flags == expected.flags);
  REQUIRE(stat->start_time_ticks == expected.start_time_ticks);
  REQUIRE(stat->start_code == expected.start_code && stat->end_code == expected.end_code);
  REQUIRE(stat->start_stack == expected.start_stack && stat->start_brk == expected.start_brk);
}

}  // namespace
}  // namespace pagemapd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto stat = pagemapd::ParseProcessStat(text);
  if (stat.ok()) {
    REQUIRE(absl::ascii_isalpha(stat->state));
    pagemapd::RequireSame(pagemapd::ParseProcessStat(pagemapd::Printed("x", *stat)), *stat);
  } else {
    pagemapd::RequireDataLoss(stat.status());
  }
  // Whatever a process calls itself, it changes nothing.
  const pagemapd::ProcessStat known = {'S', 5, 1, 2, 3, 4, UINT64_MAX};
  pagemapd::RequireSame(pagemapd::ParseProcessStat(pagemapd::Printed(text, known)), known);
  return 0;
}
