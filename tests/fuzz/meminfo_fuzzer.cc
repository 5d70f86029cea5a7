// SwapCachedBytes.
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
  const absl::StatusOr<uint64_t> bytes = pagemapd::SwapCachedBytes(input.root());
  if (!bytes.ok()) {
    REQUIRE(bytes.status().code() == absl::StatusCode::kDataLoss);
    return 0;
  }
  REQUIRE(*bytes % 1024 == 0);
  REQUIRE(absl::StrContains(text, "SwapCached:"));
  return 0;
}
