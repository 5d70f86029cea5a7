#include "daemon/procfs/scratch_root.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

#include "gtest/gtest.h"

namespace pagemapd {

ScratchRoot::ScratchRoot() : path_(::testing::TempDir() + "/procXXXXXX") {
  EXPECT_NE(mkdtemp(path_.data()), nullptr);
  // As the kernel prints it, for tests that look for a file below by its name.
  path_ = std::filesystem::canonical(path_).string();
}

ScratchRoot::~ScratchRoot() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void ScratchRoot::Write(const std::string& relative, absl::string_view bytes) const {
  const std::filesystem::path file = std::filesystem::path(path_) / relative;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), bytes.size());
  out.close();
  EXPECT_TRUE(out.good()) << file;
}

UniqueFd OpenHolding(absl::string_view bytes) {
  UniqueFd fd(memfd_create("scratch", MFD_CLOEXEC));
  EXPECT_EQ(pwrite(fd.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  return fd;
}

}  // namespace pagemapd
