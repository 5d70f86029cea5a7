#include "cli/vm/guest_ram.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "cli/vm/monitor_captures.h"
#include "cli/vm/qmp_peer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr uint64_t kHost = 0x7f0000000000;

std::string Address(uint64_t guest, const char* name, uint64_t host) {
  return absl::StrCat("Host virtual address for 0x", absl::Hex(guest), " (", name, ") is 0x",
                      absl::Hex(host), "\r\n");
}

// QEMU of monitor_captures.h, with the memory a at kHost, vm0 4 GiB above it, and nothing else
// told.
QmpScript Script() {
  QmpScript script = {{"info ramblock", kRamBlockText},
                      {"info mtree -f", kFlatViewText},
                      {"query-memdev", kBackendsJson},
                      {"query-memory-devices", kMemoryDevicesJson}};
  for (const uint64_t guest : {0x0, 0xbffff, 0x100000, 0x7ffffff}) {
    script[absl::StrCat("gpa2hva 0x", absl::Hex(guest))] = Address(guest, "a", kHost + guest);
  }
  for (const uint64_t offset : {0x0, 0x3fffffff}) {
    script[absl::StrCat("gpa2hva 0x", absl::Hex(0x108000000 + offset))] =
        Address(0x108000000 + offset, "vm0", kHost + 0x100000000 + offset);
  }
  return script;
}

absl::StatusOr<std::vector<RamBlock>> Ask(const QmpScript& script) {
  const QmpPeer peer(SpeakingAs(script));
  absl::StatusOr<QmpClient> qmp = QmpClient::Connect(peer.path(), absl::Seconds(30));
  if (!qmp.ok()) return qmp.status();
  return AskForGuestRam(*qmp);
}

const RamBlock& BlockNamed(const std::vector<RamBlock>& blocks, const std::string& name) {
  for (const RamBlock& block : blocks) {
    if (block.name == name) return block;
  }
  ADD_FAILURE() << "no block " << name;
  return blocks.front();
}

TEST(GuestRam, FindsBlocksByTheirGuestPhysicalAddresses) {
  const auto blocks = Ask(Script());
  ASSERT_TRUE(blocks.ok()) << blocks.status();
  const RamBlock& a = BlockNamed(*blocks, "a");
  EXPECT_EQ(a.host_address, kHost);
  EXPECT_THAT(a.guest_ranges, ElementsAre(GuestRange{0x0, 0xc0000, 0x0, false},
                                          GuestRange{0x100000, 0x8000000, 0x100000, false}));
  ASSERT_TRUE(a.backend.has_value());
  EXPECT_TRUE(a.backend->share);
  EXPECT_EQ(a.backend->policy, "default");
  EXPECT_EQ(a.backend->guest_node, std::nullopt);
  // The region and the backend are called vm0.
  const RamBlock& vm0 = BlockNamed(*blocks, "0000:00:02.0/vm0");
  EXPECT_EQ(vm0.host_address, kHost + 0x100000000);
  ASSERT_TRUE(vm0.backend.has_value());
  EXPECT_EQ(vm0.backend->id, "vm0");
  EXPECT_EQ(vm0.backend->guest_node, 0u);
  EXPECT_THAT(BlockNamed(*blocks, "pc.bios").why_not, HasSubstr("unknown command"));
  EXPECT_EQ(BlockNamed(*blocks, "pc.bios").guest_ranges.size(), 2u);
  EXPECT_THAT(BlockNamed(*blocks, "/rom@etc/acpi/rsdp").why_not, HasSubstr("does not see"));
}

TEST(GuestRam, BelievesNoAddressesThatDoNotAgree) {
  QmpScript script = Script();
  script["gpa2hva 0x7ffffff"] = Address(0x7ffffff, "a", kHost + 0x7ffffff + 0x1000);
  auto blocks = Ask(script);
  ASSERT_TRUE(blocks.ok()) << blocks.status();
  EXPECT_EQ(BlockNamed(*blocks, "a").host_address, std::nullopt);
  EXPECT_THAT(BlockNamed(*blocks, "a").why_not, HasSubstr("do not agree"));
  // All agree here, on less than nothing.
  for (const uint64_t offset : {0x0, 0x3fffffff}) {
    script[absl::StrCat("gpa2hva 0x", absl::Hex(0x108000000 + offset))] =
        Address(0x108000000 + offset, "vm0", 0xfffffffff0000000 + offset);
  }
  blocks = Ask(script);
  ASSERT_TRUE(blocks.ok()) << blocks.status();
  EXPECT_EQ(BlockNamed(*blocks, "0000:00:02.0/vm0").host_address, std::nullopt);
}

TEST(GuestRam, TakesTheAddressThatQemuTells) {
  QmpScript script = Script();
  script["info ramblock"] =
      "Block Name PSize Offset Used Total HVA RO\n"
      "a 4 KiB 0x0 0x8000000 0x8000000 0x7e0000000000 rw\n";
  const auto blocks = Ask(script);
  ASSERT_TRUE(blocks.ok()) << blocks.status();
  ASSERT_EQ(blocks->size(), 1u);
  EXPECT_EQ((*blocks)[0].host_address, 0x7e0000000000u);
}

TEST(GuestRam, OfTwoBlocksThatARegionCouldBeItTakesNone) {
  QmpScript script = Script();
  script["info ramblock"] =
      "Block Name PSize Offset Used Total\n"
      "0000:00:01.0/a 4 KiB 0x0 0x8000000 0x8000000\n"
      "0000:00:02.0/a 4 KiB 0x0 0x8000000 0x8000000\n"
      "ba 4 KiB 0x0 0x8000000 0x8000000\n"
      "b 4 KiB 0x0 0x1000 0x1000\n";
  const auto blocks = Ask(script);
  ASSERT_TRUE(blocks.ok()) << blocks.status();
  for (const RamBlock& block : *blocks) {
    EXPECT_TRUE(block.guest_ranges.empty()) << block.name;
    EXPECT_EQ(block.host_address, std::nullopt) << block.name;
    EXPECT_FALSE(block.backend.has_value()) << block.name;
  }
  EXPECT_THAT((*blocks)[0].why_not, HasSubstr("several"));
}

TEST(GuestRam, HostileAnswers) {
  for (const char* backends :
       {"{}", "[1, null, {\"id\": 1}, {\"id\": \"a\", \"size\": -1}]",
        "[{\"id\": \"a\", \"size\": 134217728, \"host-nodes\": {\"x\": 1}}]"}) {
    QmpScript script = Script();
    script["query-memdev"] = backends;
    script["query-memory-devices"] = "[{\"data\": []}, {}, {\"data\": {\"memdev\": 1}}]";
    EXPECT_TRUE(Ask(script).ok()) << backends;
  }
  QmpScript script = Script();
  script["info mtree -f"] = "\x1b[2J";
  EXPECT_TRUE(absl::IsDataLoss(Ask(script).status()));
  script.erase("info ramblock");
  EXPECT_TRUE(absl::IsDataLoss(Ask(script).status()));
}

TEST(GuestRam, ReadsAddresses) {
  EXPECT_EQ(*ParseHostAddress("Host virtual address for 0x0 (x is 0x1) is 0x7f00\r\n"), 0x7f00u);
  for (const char* text :
       {"", "Host virtual address for 0x0 (a)", "Memory at address 0xa0000 is not RAM\r\n",
        "No memory is mapped at address 0x1\r\n", "Host virtual address for 0x0 (a) is 0xg",
        "Host virtual address for 0x0 (a) is 0x11112222333344445"}) {
    EXPECT_TRUE(absl::IsAborted(ParseHostAddress(text).status())) << text;
  }
}

class ProveHostAddressesTest : public testing::Test {
 protected:
  v1::Mapping& Map(uint64_t start, uint64_t end) {
    v1::Mapping& mapping = mappings_.emplace_back();
    mapping.mutable_range()->set_start(start);
    mapping.mutable_range()->set_end(end);
    mapping.set_kind(v1::MAPPING_KIND_ANON);
    return mapping;
  }
  v1::Mapping& MapObject(uint64_t start, uint64_t end, uint64_t inode, uint64_t offset_bytes) {
    v1::Mapping& mapping = Map(start, end);
    mapping.set_kind(v1::MAPPING_KIND_SHMEM);
    mapping.set_shared(true);
    mapping.mutable_object()->set_inode(inode);
    mapping.set_offset_bytes(offset_bytes);
    return mapping;
  }
  // Whether a block of four pages at 0x10000 is believed; else why not.
  std::string Doubt(uint64_t host = 0x10000, uint64_t size = 0x4000) {
    RamBlock block;
    block.name = "a";
    block.size_bytes = block.max_bytes = size;
    block.host_address = host;
    std::vector<RamBlock> blocks = {block};
    ProveHostAddresses(mappings_, 4096, &blocks);
    EXPECT_EQ(blocks[0].host_address.has_value(), blocks[0].why_not.empty());
    return blocks[0].why_not;
  }

  std::vector<v1::Mapping> mappings_;
};

TEST_F(ProveHostAddressesTest, PiecesOfOneObject) {
  MapObject(0x10000, 0x11000, 7, 0x5000);
  MapObject(0x11000, 0x15000, 7, 0x6000);
  EXPECT_EQ(Doubt(), "");
  mappings_[1].set_offset_bytes(0x7000);
  EXPECT_THAT(Doubt(), HasSubstr("its size"));
  mappings_[1].set_offset_bytes(0x6000);
  mappings_[1].mutable_object()->set_inode(8);
  EXPECT_THAT(Doubt(), HasSubstr("its size"));
}

TEST_F(ProveHostAddressesTest, PrivateMemory) {
  Map(0xf000, 0x12000);
  Map(0x12000, 0x14000);
  EXPECT_EQ(Doubt(), "");
  mappings_[1].mutable_range()->set_end(0x13000);
  EXPECT_THAT(Doubt(), HasSubstr("its size"));
  Map(0x13000, 0x14000).set_kind(v1::MAPPING_KIND_FILE);
  EXPECT_THAT(Doubt(), HasSubstr("its size"));
}

TEST_F(ProveHostAddressesTest, WhatCannotBe) {
  EXPECT_THAT(Doubt(), HasSubstr("nothing is mapped"));
  Map(0x10000, 0x20000);
  EXPECT_THAT(Doubt(0x20000), HasSubstr("nothing is mapped"));
  EXPECT_THAT(Doubt(0x10800), HasSubstr("whole pages"));
  EXPECT_THAT(Doubt(0x10000, 0x800), HasSubstr("whole pages"));
  EXPECT_THAT(Doubt(0x10000, 0), HasSubstr("whole pages"));
}

TEST_F(ProveHostAddressesTest, BlocksAreBesideEachOther) {
  Map(0x10000, 0x20000);
  RamBlock block;
  block.size_bytes = block.max_bytes = 0x4000;
  std::vector<RamBlock> blocks(4, block);
  blocks[0].host_address = 0x14000;
  blocks[1].host_address = 0x10000;
  blocks[2].host_address = 0x11000;
  blocks[3].host_address = 0x16000;
  ProveHostAddresses(mappings_, 4096, &blocks);
  EXPECT_TRUE(blocks[0].host_address.has_value());
  EXPECT_TRUE(blocks[1].host_address.has_value());
  EXPECT_THAT(blocks[2].why_not, HasSubstr("another block"));
  EXPECT_THAT(blocks[3].why_not, HasSubstr("another block"));
}

}  // namespace
}  // namespace pagemapd
