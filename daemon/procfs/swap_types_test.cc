#include "daemon/procfs/swap_types.h"

#include <sys/stat.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/page/page_size.h"
#include "daemon/procfs/scratch_root.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

constexpr char kHeading[] = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";

SwapArea Device(const std::string& path) {
  SwapArea area;
  area.path = path;
  area.priority = 5;
  area.size_bytes = 100 * kPageSizeBytes;
  return area;
}

SwapArea File(const std::string& path) {
  SwapArea area = Device(path);
  area.is_file = true;
  return area;
}

SwapTableEntry Entry(uint32_t type, const SwapFileIdentity& file) {
  SwapTableEntry entry;
  entry.type = type;
  entry.priority = 5;
  entry.pages = 100;
  entry.file = file;
  return entry;
}

SwapFileIdentity BlockDevice(uint64_t number) { return {number, 0, 0}; }

// Two devices and a file, all alike, with a gap in the types.
struct Case {
  std::vector<SwapArea> lines = {Device("/dev/a"), Device("/dev/b"), File("/c")};
  std::vector<std::optional<SwapFileIdentity>> files = {BlockDevice(11), BlockDevice(12),
                                                        SwapFileIdentity{0, 77, 9}};
  std::vector<SwapTableEntry> table = {Entry(0, {11, 3, 8}), Entry(2, {12, 4, 8}),
                                       Entry(3, {0, 77, 9})};

  std::optional<std::vector<uint32_t>> Match() const { return MatchSwapTypes(lines, files, table); }
};

TEST(MatchSwapTypesTest, TakesTheLinesInTheTablesOrder) {
  EXPECT_THAT(Case().Match(), Optional(ElementsAre(0, 2, 3)));
}

TEST(MatchSwapTypesTest, TakesPathsThatCannotBeReached) {
  Case c;
  c.files = {std::nullopt, std::nullopt, std::nullopt};
  EXPECT_THAT(c.Match(), Optional(ElementsAre(0, 2, 3)));
}

TEST(MatchSwapTypesTest, TakesNoAreas) {
  EXPECT_THAT(MatchSwapTypes({}, {}, {}), Optional(ElementsAre()));
}

TEST(MatchSwapTypesTest, RefusesAllForOneThatDoesNotFit) {
  const auto check = [](const char* what, auto change) {
    Case c;
    change(c);
    EXPECT_EQ(c.Match(), std::nullopt) << what;
  };
  check("a line without an entry", [](Case& c) { c.table.pop_back(); });
  check("an entry without a line", [](Case& c) {
    c.lines.pop_back();
    c.files.pop_back();
  });
  check("a size", [](Case& c) { c.table[1].pages = 101; });
  check("a priority", [](Case& c) { c.table[1].priority = 4; });
  check("devices the other way round", [](Case& c) { std::swap(c.files[0], c.files[1]); });
  check("entries the other way round", [](Case& c) { std::swap(c.table[0], c.table[1]); });
  check("a type twice", [](Case& c) { c.table[1].type = 0; });
  check("another inode", [](Case& c) { c.table[2].file.inode = 78; });
  check("another filesystem", [](Case& c) { c.table[2].file.filesystem_device = 10; });
  check("a device at a file's path", [](Case& c) { c.files[2] = BlockDevice(13); });
  check("a file at a device's path", [](Case& c) { c.files[0] = SwapFileIdentity{0, 3, 8}; });
  check("a device listed as a file", [](Case& c) { c.lines[0].is_file = true; });
  check("a file listed as a device", [](Case& c) { c.lines[2].is_file = false; });
}

TEST(IdentifySwapFileTest, TellsFilesAndDevices) {
  const ScratchRoot scratch;
  scratch.Write("area", "x");
  const std::string path = scratch.path() + "/area";
  struct stat st;
  ASSERT_EQ(stat(path.c_str(), &st), 0);
  const auto file = IdentifySwapFile(path);
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->block_device, 0u);
  EXPECT_EQ(file->inode, st.st_ino);
  EXPECT_EQ(file->filesystem_device, st.st_dev);
  EXPECT_FALSE(IdentifySwapFile(path + " (deleted)").has_value());
  EXPECT_FALSE(IdentifySwapFile(scratch.path()).has_value());
  EXPECT_FALSE(IdentifySwapFile("/dev/null").has_value());
}

// Lines of areas that no path leads to.
std::string Lines(std::initializer_list<const char*> names) {
  std::string text = kHeading;
  for (const char* name : names) {
    absl::StrAppend(&text, "/nonexistent/", name, " partition\t400\t0\t5\n");
  }
  return text;
}

std::vector<SwapTableEntry> TwoEntries() {
  return {Entry(1, BlockDevice(11)), Entry(4, BlockDevice(12))};
}

TEST(ReadTypedSwapsTest, GivesAreasAndTypes) {
  const ScratchRoot scratch;
  scratch.Write("swaps", Lines({"a", "b"}));
  const auto read = ReadTypedSwaps(scratch.root(), [](size_t area_count) {
    EXPECT_EQ(area_count, 2u);
    return absl::StatusOr<std::vector<SwapTableEntry>>(TwoEntries());
  });
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->areas.size(), 2u);
  EXPECT_THAT(read->types, Optional(ElementsAre(1, 4)));
}

TEST(ReadTypedSwapsTest, LooksAgainAfterAChange) {
  const ScratchRoot scratch;
  scratch.Write("swaps", Lines({"a", "b"}));
  int reads = 0;
  const auto read = ReadTypedSwaps(scratch.root(), [&](size_t) {
    // As many, alike, but one is another.
    if (++reads == 1) scratch.Write("swaps", Lines({"a", "c"}));
    return absl::StatusOr<std::vector<SwapTableEntry>>(TwoEntries());
  });
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(reads, 2);
  EXPECT_EQ(read->areas[1].path, "/nonexistent/c");
  EXPECT_THAT(read->types, Optional(ElementsAre(1, 4)));
}

TEST(ReadTypedSwapsTest, GivesNoTypesWhereChangesDoNotEnd) {
  const ScratchRoot scratch;
  scratch.Write("swaps", Lines({"a", "b"}));
  int reads = 0;
  const auto read = ReadTypedSwaps(scratch.root(), [&](size_t) {
    scratch.Write("swaps", ++reads % 2 == 0 ? Lines({"a", "b"}) : Lines({"b", "a"}));
    return absl::StatusOr<std::vector<SwapTableEntry>>(TwoEntries());
  });
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->areas[0].path, "/nonexistent/b");
  EXPECT_EQ(read->types, std::nullopt);
}

TEST(ReadTypedSwapsTest, GivesNoTypesWithoutATable) {
  const ScratchRoot scratch;
  scratch.Write("swaps", Lines({"a"}));
  const auto read = ReadTypedSwaps(scratch.root(), [](size_t) {
    return absl::StatusOr<std::vector<SwapTableEntry>>(absl::AbortedError("no table"));
  });
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->areas.size(), 1u);
  EXPECT_EQ(read->types, std::nullopt);
}

TEST(ReadTypedSwapsTest, PassesOnErrorsOfTheList) {
  const ScratchRoot scratch;
  const auto read = ReadTypedSwaps(scratch.root(), [](size_t) {
    return absl::StatusOr<std::vector<SwapTableEntry>>(std::vector<SwapTableEntry>());
  });
  EXPECT_EQ(read.status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace pagemapd
