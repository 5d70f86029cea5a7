#include "daemon/procfs/idle_pages.h"

#include <limits>
#include <string>

#include "absl/strings/string_view.h"
#include "daemon/procfs/scratch_root.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

TEST(IdlePagesTest, ReadsAndMarksWords) {
  const ScratchRoot scratch;
  const uint64_t words[] = {0x5, 0x8000000000000000, 0};
  scratch.Write("bitmap", absl::string_view(reinterpret_cast<const char*>(words), sizeof(words)));
  const auto idle = IdlePages::Open(scratch.path() + "/bitmap");
  ASSERT_TRUE(idle.ok()) << idle.status();
  EXPECT_EQ(idle->Read(0).value(), 0x5u);
  EXPECT_EQ(idle->Read(1).value(), 0x8000000000000000u);
  EXPECT_EQ(idle->Mark(2, 0x30), absl::OkStatus());
  EXPECT_EQ(idle->Read(2).value(), 0x30u);
  EXPECT_EQ(idle->Read(0).value(), 0x5u);
}

TEST(IdlePagesTest, KnowsNothingOfFramesThatThereAreNot) {
  const ScratchRoot scratch;
  scratch.Write("bitmap", "12345678");
  const auto idle = IdlePages::Open(scratch.path() + "/bitmap");
  ASSERT_TRUE(idle.ok()) << idle.status();
  EXPECT_EQ(idle->Read(1).value(), 0u);
  EXPECT_EQ(idle->Read(std::numeric_limits<uint64_t>::max() / 64).value(), 0u);
  EXPECT_EQ(idle->Mark(std::numeric_limits<uint64_t>::max() / 64, 1), absl::OkStatus());
}

TEST(IdlePagesTest, SaysWhyItCannotOpen) {
  const ScratchRoot scratch;
  EXPECT_EQ(IdlePages::Open(scratch.path() + "/bitmap").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace pagemapd
