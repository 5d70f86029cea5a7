#include "daemon/page/special_swap_types.h"

#include <gtest/gtest.h>

namespace pagemapd {
namespace {

TEST(SpecialSwapTypesTest, LaysOutFromTheTop) {
  const SpecialSwapTypes types = LayOutSpecialSwapTypes(31, 3, true);
  EXPECT_EQ(types.marker, 31);
  EXPECT_EQ(types.flags[31], 0);
  for (int type : {28, 29, 30}) EXPECT_EQ(types.flags[type], kFlagDevicePrivate) << type;
  for (int type : {25, 26, 27}) EXPECT_EQ(types.flags[type], kFlagMigration) << type;
  EXPECT_EQ(types.flags[24], kFlagHwpoison);
  EXPECT_EQ(types.flags[23], 0);
}

TEST(SpecialSwapTypesTest, LeavesOutWhatTheKernelLacks) {
  const SpecialSwapTypes types = LayOutSpecialSwapTypes(31, 0, false);
  for (int type : {28, 29, 30}) EXPECT_EQ(types.flags[type], kFlagMigration) << type;
  EXPECT_EQ(types.flags[27], 0);
}

TEST(SpecialSwapTypesTest, NamesNothingThatCannotBe) {
  for (uint32_t marker : {0u, 21u, 22u, 29u, kSwapTypes, 99u}) {
    const SpecialSwapTypes types = LayOutSpecialSwapTypes(marker, 0, true);
    EXPECT_EQ(types.marker, kSwapTypes);
    for (PageFlags flags : types.flags) EXPECT_EQ(flags, 0);
  }
  EXPECT_EQ(LayOutSpecialSwapTypes(31, 5, true).marker, kSwapTypes);
}

}  // namespace
}  // namespace pagemapd
