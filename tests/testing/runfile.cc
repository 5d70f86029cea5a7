#include "tests/testing/runfile.h"

#include <unistd.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace pagemapd {

std::string Runfile(absl::string_view path) {
  if (const char* root = getenv("TEST_SRCDIR")) return absl::StrCat(root, "/pagemapd/", path);
  // Started by hand: the tree that Bazel lays beside the test binary.
  char self[4096];
  ssize_t size = readlink("/proc/self/exe", self, sizeof(self));
  if (size < 0) size = 0;
  return absl::StrCat(absl::string_view(self, size), ".runfiles/pagemapd/", path);
}

}  // namespace pagemapd
