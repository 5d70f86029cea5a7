// ReadSwapMeminfo and SwapCacheIsEmpty.
#include <cstddef>
#include <cstdint>

#include "absl/strings/match.h"
#include "daemon/procfs/meminfo.h"
#include "tests/fuzz/input_file.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const pagemapd::InputRoot input("meminfo");
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  input.Write(text);
  const absl::StatusOr<pagemapd::SwapMeminfo> swap = pagemapd::ReadSwapMeminfo(input.root());
  if (!swap.ok()) {
    REQUIRE(swap.status().code() == absl::StatusCode::kDataLoss);
    REQUIRE(!pagemapd::SwapCacheIsEmpty(input.root()));
    return 0;
  }
  for (uint64_t bytes : {swap->cached_bytes, swap->total_bytes, swap->free_bytes}) {
    REQUIRE(bytes % 1024 == 0);
  }
  // The counters cannot be refreshed here.
  REQUIRE(pagemapd::SwapCacheIsEmpty(input.root()) == (swap->total_bytes == swap->free_bytes));
  for (const char* name : {"SwapCached:", "SwapTotal:", "SwapFree:"}) {
    REQUIRE(absl::StrContains(text, name));
  }
  return 0;
}
