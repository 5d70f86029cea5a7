#include "tests/fuzz/input_file.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/require.h"

namespace pagemapd {
namespace {

void WriteAll(const UniqueFd& fd, absl::string_view text) {
  REQUIRE(pwrite(fd.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
}

}  // namespace

UniqueFd OpenHolding(absl::string_view text) {
  UniqueFd fd(memfd_create("input", MFD_CLOEXEC));
  WriteAll(fd, text);
  return fd;
}

InputRoot::InputRoot(const std::string& file) : content_(memfd_create("input", MFD_CLOEXEC)) {
  const char* const parent = getenv("TMPDIR");
  directory_ = std::string(parent != nullptr ? parent : "/tmp") + "/fuzzXXXXXX";
  REQUIRE(mkdtemp(directory_.data()) != nullptr);
  link_ = directory_ + "/" + file;
  const std::string content = "/proc/self/fd/" + std::to_string(content_.get());
  REQUIRE(symlink(content.c_str(), link_.c_str()) == 0);
}

InputRoot::~InputRoot() {
  unlink(link_.c_str());
  rmdir(directory_.c_str());
}

void InputRoot::Write(absl::string_view text) const {
  REQUIRE(ftruncate(content_.get(), 0) == 0);
  WriteAll(content_, text);
}

}  // namespace pagemapd
