// HasKernelSymbols.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "daemon/procfs/kallsyms.h"
#include "tests/fuzz/input_file.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const pagemapd::InputRoot input("kallsyms");
  static const std::vector<std::string> names = {"memory_failure", "x", "absent from any input"};
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  input.Write(text);
  const absl::StatusOr<std::vector<bool>> found = pagemapd::HasKernelSymbols(input.root(), names);
  if (text.empty()) {
    REQUIRE(absl::IsNotFound(found.status()));
    return 0;
  }
  if (!found.ok()) {
    pagemapd::RequireDataLoss(found.status());
    return 0;
  }
  REQUIRE(found->size() == names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    if ((*found)[i]) REQUIRE(absl::StrContains(text, " " + names[i]));
  }
  return 0;
}
