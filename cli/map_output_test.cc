#include "cli/map_output.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_split.h"
#include "cli/output/printable_text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::HasSubstr;

constexpr uint64_t kPage = 4096;

class MapOutputTest : public testing::Test {
 protected:
  MapOutputTest() {
    subject_.process.set_pid(42);
    subject_.process.set_start_time_ticks(7);
    subject_.page_size_bytes = kPage;
    AddMapping(0x5592e4c1d000, 33, "[heap]", v1::MAPPING_KIND_ANON);
    AddMapping(0x7f1200000000, 4096, "/memfd:guest\x1b[2J-ram (deleted)", v1::MAPPING_KIND_SHMEM);
    AddMapping(0x7f1300000000, 1, "", v1::MAPPING_KIND_ANON);
  }

  void AddMapping(uint64_t start, uint64_t pages, const std::string& path, v1::MappingKind kind) {
    v1::Mapping mapping;
    mapping.mutable_range()->set_start(start);
    mapping.mutable_range()->set_end(start + pages * kPage);
    mapping.set_readable(true);
    mapping.set_path(path);
    mapping.set_kind(kind);
    subject_.mappings.push_back(mapping);
    drawn_.push_back({start, pages, false});
  }

  static void Fill(PageMap* map) {
    map->Add(0x5592e4c1d000, 33, kMappedState);
    map->Add(0x7f1200000000, 2048, kMappedState);
    map->Add(0x7f1200000000 + 2048 * kPage, 1024, kSwappedState);
    map->Add(0x7f1200000000 + 3072 * kPage, 1024, kHoleState);
    map->Add(0x7f1300000000, 1, kCachedState);
  }

  MapSubject subject_;
  std::vector<DrawnMapping> drawn_;
  Terminal terminal_;
};

TEST_F(MapOutputTest, NoLineIsWiderThanTheTerminal) {
  for (const bool utf8 : {false, true}) {
    for (const int width : {40, 57, 80, 132, 250}) {
      terminal_.width = width;
      terminal_.utf8 = utf8;
      OutputStream out(-1);
      PageMap overview = PageMap::Overview(drawn_, kPage, RoomOf(terminal_));
      Fill(&overview);
      WriteOverview(subject_, overview, terminal_, out);
      const std::string text = fmt::to_string(out.text());
      const std::vector<std::string> lines = absl::StrSplit(text, '\n');
      size_t bars = 0;
      for (size_t i = 2; i < lines.size() && !lines[i].empty(); ++i, ++bars) {
        EXPECT_LE(TextColumns(lines[i]), static_cast<size_t>(width)) << lines[i];
      }
      EXPECT_GT(bars, 1u);
      EXPECT_EQ(text.find('\x1b'), std::string::npos);
    }
  }
}

TEST_F(MapOutputTest, OverviewHasABarForEachLargeMapping) {
  PageMap map = PageMap::Overview(drawn_, kPage, RoomOf(terminal_));
  Fill(&map);
  OutputStream out(-1);
  WriteOverview(subject_, map, terminal_, out);
  const std::string text = fmt::to_string(out.text());
  EXPECT_THAT(text, HasSubstr("process 42: 3 mappings, 4130 pages (16M); one cell is 8 pages "
                              "(32K)\n"));
  EXPECT_THAT(text, HasSubstr("\n7f1200000000   16M  "));
  EXPECT_THAT(text, HasSubstr("5592e4c1d000  132K  [heap]            MMMMM\n"));
  EXPECT_THAT(text, HasSubstr("\n                4K  1 other           C\n"));
  EXPECT_THAT(text, HasSubstr("swapped        1024     4M   24.79"));
}

TEST_F(MapOutputTest, DetailHasRowsBehindAddresses) {
  PageMap map = PageMap::Detail({drawn_[1]}, kPage, DetailCellsPerRow(terminal_) * kDetailRows);
  subject_.mappings = {subject_.mappings[1]};
  Fill(&map);
  OutputStream out(-1);
  WriteDetail(subject_, map, terminal_, out);
  const std::string text = fmt::to_string(out.text());
  EXPECT_THAT(text, HasSubstr("7f1200000000-7f1201000000  16M  r--p  shmem  "
                              "/memfd:guest\\x1b[2J-ram (deleted)\none cell is 4 pages (16K)\n"));
  EXPECT_THAT(text, HasSubstr("\n7f1200000000  " + std::string(64, 'M') + "\n7f1200100000  "));
  EXPECT_THAT(text, HasSubstr("\n7f1200800000  " + std::string(64, 'S') + "\n"));
  EXPECT_THAT(text, HasSubstr("\n7f1200f00000  " + std::string(64, '.') + "\n\nall most"));
}

TEST_F(MapOutputTest, JsonHasTheCells) {
  PageMap map = PageMap::Even(drawn_, kPage, 16);
  Fill(&map);
  OutputStream out(-1);
  WriteMapJson(subject_, map, out);
  const auto json = nlohmann::json::parse(fmt::to_string(out.text()));
  EXPECT_EQ(json["pid"], 42);
  ASSERT_EQ(json["pictures"].size(), 3u);
  const auto& ram = json["pictures"][1];
  EXPECT_EQ(ram["start"], "0x7f1200000000");
  EXPECT_EQ(ram["pages"], 4096);
  EXPECT_EQ(ram["pages_per_cell"], 512);
  ASSERT_EQ(ram["cells"].size(), 8u);
  EXPECT_EQ(ram["cells"][4]["swapped"], 512);
  EXPECT_EQ(json["pictures"][2]["cells"][0]["cached"], 1);
}

TEST_F(MapOutputTest, JsonLinesAndCsvHaveThemToo) {
  PageMap map = PageMap::Even(drawn_, kPage, 16);
  Fill(&map);
  OutputStream lines(-1);
  WriteMapJsonLines(subject_, map, lines);
  EXPECT_EQ(std::count(lines.text().begin(), lines.text().end(), '\n'), 3);
  OutputStream csv(-1);
  WriteMapCsv(subject_, map, true, csv);
  const std::string text = fmt::to_string(csv.text());
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1 + 1 + 8 + 1);
  EXPECT_THAT(text, HasSubstr("42,7,0x7f1300000000,0x7f1300001000,1,0,0,1,0,0,0,\n"));
}

TEST_F(MapOutputTest, ReservedAddressSpaceIsCountedBelow) {
  drawn_[0].reserved = true;
  PageMap map = PageMap::Overview(drawn_, kPage, RoomOf(terminal_));
  Fill(&map);
  OutputStream out(-1);
  WriteOverview(subject_, map, terminal_, out);
  EXPECT_THAT(fmt::to_string(out.text()),
              HasSubstr("\nNot drawn: 1 mapping without access (132K), 33 pages in them.\n"));
  EXPECT_THAT(fmt::to_string(out.text()), HasSubstr("process 42: 2 mappings, 4097 pages (16M);"));
  EXPECT_THAT(fmt::to_string(out.text()), HasSubstr("mapped         2048     8M   49.99"));
}

}  // namespace
}  // namespace pagemapd
