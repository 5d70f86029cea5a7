#include "cli/page_line.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPage = 4096;

class PageLineTest : public testing::Test {
 protected:
  PageLineTest() {
    process_.set_pid(123);
    process_.set_start_time_ticks(5523);
    chunk_.set_start(0x7f1200000000);
    chunk_.set_pages(4);
    chunk_.mutable_object()->set_device_minor(1);
    chunk_.mutable_object()->set_inode(2049);
  }

  v1::PageExtent Swapped() const {
    v1::PageExtent extent;
    extent.set_start(0x7f1200000000);
    extent.set_pages(3);
    extent.set_state(v1::PAGE_STATE_SWAPPED);
    extent.set_flags(1u << v1::PAGE_FLAG_FILE);
    extent.set_swap_type(0);
    extent.set_swap_offset(4711);
    return extent;
  }

  v1::PageExtent Mapped() const {
    v1::PageExtent extent;
    extent.set_start(0x7f1200003000);
    extent.set_pages(1);
    extent.set_state(v1::PAGE_STATE_MAPPED);
    extent.set_flags(1u << v1::PAGE_FLAG_FILE | 1u << v1::PAGE_FLAG_EXCLUSIVE);
    extent.set_pfn(1193046);
    extent.set_source(v1::PAGE_SOURCE_PAGEMAP);
    return extent;
  }

  std::string Json(const v1::PageExtent& extent) const {
    fmt::memory_buffer out;
    writer_.AppendJson(process_, chunk_, extent, out);
    return fmt::to_string(out);
  }

  std::string Csv(const v1::PageExtent& extent) const {
    fmt::memory_buffer out;
    writer_.AppendCsv(process_, chunk_, extent, out);
    return fmt::to_string(out);
  }

  v1::ProcessRef process_;
  v1::PageChunk chunk_;
  PageLineWriter writer_{kPage, {{0, "/dev/zram0"}, {2, "/swap \"x\",\xff"}}};
};

// The two lines that the design gives.
TEST_F(PageLineTest, JsonIsAsInTheDesign) {
  v1::PageExtent swapped = Swapped();
  swapped.set_source(v1::PAGE_SOURCE_BPF);
  EXPECT_EQ(Json(swapped),
            R"({"pid":123,"start_time_ticks":5523,"start":"0x7f1200000000","end":"0x7f1200003000",)"
            R"("pages":3,"state":"swapped","swap":{"type":0,"offset":4711,"area":"/dev/zram0"},)"
            R"("object":"00:01:2049","index":0,"flags":["file"],"source":"bpf"})");
  EXPECT_EQ(Json(Mapped()),
            R"({"pid":123,"start_time_ticks":5523,"start":"0x7f1200003000","end":"0x7f1200004000",)"
            R"("pages":1,"state":"mapped","pfn":1193046,"object":"00:01:2049","index":3,)"
            R"("flags":["file","exclusive"],"source":"pagemap"})");
}

TEST_F(PageLineTest, JsonLeavesOutWhatDoesNotApply) {
  chunk_.clear_object();
  v1::PageExtent hole;
  hole.set_start(0x7f1200000000);
  hole.set_pages(1);
  hole.set_state(v1::PAGE_STATE_HOLE);
  EXPECT_EQ(Json(hole),
            R"({"pid":123,"start_time_ticks":5523,"start":"0x7f1200000000","end":"0x7f1200001000",)"
            R"("pages":1,"state":"hole"})");
  // The first SysV segment after boot is inode 0.
  chunk_.mutable_object()->set_device_minor(1);
  EXPECT_EQ(nlohmann::json::parse(Json(hole))["object"], "00:01:0");
}

TEST_F(PageLineTest, AreasWithoutACertainNameAreLeftOut) {
  v1::PageExtent extent = Swapped();
  extent.set_swap_type(1);
  EXPECT_EQ(nlohmann::json::parse(Json(extent))["swap"],
            nlohmann::json({{"type", 1}, {"offset", 4711}}));
  EXPECT_EQ(writer_.LocationText(extent), "swap 1:4711");
}

TEST_F(PageLineTest, OddAreaPathsAreStillJsonAndCsv) {
  v1::PageExtent extent = Swapped();
  extent.set_swap_type(2);
  EXPECT_EQ(nlohmann::json::parse(Json(extent))["swap"]["area"], "/swap \"x\",\xef\xbf\xbd");
  EXPECT_EQ(Csv(extent),
            "123,5523,0x7f1200000000,0x7f1200003000,3,swapped,,2,4711,\"/swap \"\"x\"\",\xff\","
            "00:01:2049,0,file,,,\n");
}

TEST_F(PageLineTest, CsvHasAFieldForEachColumn) {
  EXPECT_EQ(Csv(Mapped()),
            "123,5523,0x7f1200003000,0x7f1200004000,1,mapped,1193046,,,,00:01:2049,3,"
            "file|exclusive,pagemap,,\n");
  chunk_.clear_object();
  const std::string heading = PageLineWriter::kCsvHeading;
  const std::string line = Csv(Mapped());
  EXPECT_EQ(std::count(heading.begin(), heading.end(), ','),
            std::count(line.begin(), line.end(), ','));
}

TEST_F(PageLineTest, OffsetsIntoAnObjectAreNotCalledAddresses) {
  const PageLineWriter writer(kPage, {{0, "/dev/zram0"}}, StartOrigin::kObject);
  chunk_.set_start(0x10000);
  chunk_.set_object_index(0x10);
  v1::PageExtent extent = Swapped();
  extent.set_start(0x11000);
  extent.set_flags(1u << v1::PAGE_FLAG_FILE | 1u << v1::PAGE_FLAG_SWAP_CACHE);
  extent.set_source(v1::PAGE_SOURCE_BPF);
  fmt::memory_buffer json;
  writer.AppendJson(process_, chunk_, extent, json);
  EXPECT_EQ(fmt::to_string(json),
            R"({"pid":123,"start_time_ticks":5523,"object_start":"0x11000","object_end":"0x14000",)"
            R"("pages":3,"state":"swapped","swap":{"type":0,"offset":4711,"area":"/dev/zram0"},)"
            R"("object":"00:01:2049","index":17,"flags":["file","swap_cache"],"source":"bpf"})");
  fmt::memory_buffer csv;
  writer.AppendCsv(process_, chunk_, extent, csv);
  EXPECT_EQ(fmt::to_string(csv),
            "123,5523,,,3,swapped,,0,4711,/dev/zram0,00:01:2049,17,file|swap_cache,bpf,"
            "0x11000,0x14000\n");
}

TEST_F(PageLineTest, LocationsForPeople) {
  EXPECT_EQ(writer_.LocationText(Mapped()), "pfn 1193046");
  EXPECT_EQ(writer_.LocationText(Swapped()), "/dev/zram0:4711");
  EXPECT_EQ(writer_.LocationText(v1::PageExtent()), "");
}

TEST(ObjectTextTest, IsAsInMaps) {
  v1::ObjectRef object;
  object.set_device_major(0xfe);
  object.set_device_minor(0x101);
  object.set_inode(131075);
  EXPECT_EQ(ObjectText(object), "fe:101:131075");
}

TEST(SwapAreaPathsTest, TakesOnlyNamesThatAreCertain) {
  v1::ListSwapAreasResponse areas;
  areas.add_areas()->set_path("/dev/zram0");
  areas.add_areas()->set_path("/swapfile");
  auto* name = areas.add_type_names();
  name->set_type(3);
  name->set_area_index(1);
  areas.add_type_names()->set_area_index(9);  // No such area.
  EXPECT_EQ(SwapAreaPathsOf(areas), (SwapAreaPaths{{3, "/swapfile"}}));
}

}  // namespace
}  // namespace pagemapd
