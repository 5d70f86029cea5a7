#include "daemon/procfs/maps.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/procfs/scratch_root.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kMemfdLine[] =
    "7f1d2846d000-7f1d28477000 rw-s 00027000 00:01 2049                       /memfd:ram (deleted)";

Vma Parsed(absl::string_view line) {
  Vma vma;
  const absl::Status status = ParseMapsLine(line, &vma);
  EXPECT_TRUE(status.ok()) << status;
  return vma;
}

TEST(ParseMapsLineTest, TakesEveryField) {
  const Vma vma = Parsed(kMemfdLine);
  EXPECT_EQ(vma.range, (PageRange{0x7f1d2846d000, 0x7f1d28477000}));
  EXPECT_TRUE(vma.readable);
  EXPECT_TRUE(vma.writable);
  EXPECT_FALSE(vma.executable);
  EXPECT_TRUE(vma.shared);
  EXPECT_EQ(vma.offset_bytes, 0x27000u);
  EXPECT_EQ(vma.device, (DeviceNumber{0, 1}));
  EXPECT_EQ(vma.inode, 2049u);
  EXPECT_EQ(vma.path, "/memfd:ram (deleted)");
  EXPECT_EQ(vma.vm_flags, "");
}

TEST(ParseMapsLineTest, TakesThePath) {
  struct Case {
    const char* path;
    const char* unescaped;
  };
  const Case cases[] = {
      {"", ""},
      {"                          [heap]", "[heap]"},
      {" /a b  c", "/a b  c"},
      {" /trailing ", "/trailing "},
      {" /two\\012lines", "/two\nlines"},
      // Nothing but newline is escaped.
      {" /back\\040slash\\", "/back\\040slash\\"},
      {" /SYSV0001e240 (deleted)", "/SYSV0001e240 (deleted)"},
      {" /tmp/x (deleted) (deleted)", "/tmp/x (deleted) (deleted)"},
      {" [anon:jit code]", "[anon:jit code]"},
      {" anon_inode:[perf_event]", "anon_inode:[perf_event]"},
      {" /\xff\xfe", "/\xff\xfe"},
  };
  for (const Case& c : cases) {
    const Vma vma = Parsed(absl::StrCat("00400000-00401000 r--p 00000000 fe:00 12", c.path));
    EXPECT_EQ(vma.path, c.unescaped);
  }
  EXPECT_EQ(Parsed("00400000-00401000 ---p 00000000 00:00 0 ").path, "");
}

TEST(ParseMapsLineTest, TakesTheExtremes) {
  const Vma vsyscall =
      Parsed("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]");
  EXPECT_EQ(vsyscall.range, (PageRange{0xffffffffff600000, 0xffffffffff601000}));
  EXPECT_FALSE(vsyscall.readable);
  EXPECT_TRUE(vsyscall.executable);
  EXPECT_FALSE(vsyscall.shared);
  const Vma large =
      Parsed("0-fffffffffffff000 rwxs fffffffffffff000 fff:fffff 18446744073709551615 /x");
  EXPECT_EQ(large.range, (PageRange{0, kMaxAddress}));
  EXPECT_EQ(large.offset_bytes, kMaxAddress);
  EXPECT_EQ(large.device, (DeviceNumber{0xfff, 0xfffff}));
  EXPECT_EQ(large.inode, UINT64_MAX);
}

TEST(ParseMapsLineTest, LeavesNothingOfTheLastLine) {
  Vma vma = Parsed(kMemfdLine);
  vma.vm_flags = "rd wr";
  ASSERT_TRUE(ParseMapsLine("1000-2000 ---p 00000000 00:00 0", &vma).ok());
  EXPECT_FALSE(vma.readable || vma.writable || vma.executable || vma.shared);
  EXPECT_EQ(vma.offset_bytes, 0u);
  EXPECT_EQ(vma.inode, 0u);
  EXPECT_FALSE(vma.has_object());
  EXPECT_EQ(vma.path, "");
  EXPECT_EQ(vma.vm_flags, "");
}

TEST(ParseMapsLineTest, TheFirstSysvSegmentIsAnObjectThoughInodeZero) {
  const Vma vma =
      Parsed("7f0000000000-7f0000002000 rw-s 00000000 00:01 0   /SYSV00000000 (deleted)");
  EXPECT_EQ(vma.inode, 0u);
  EXPECT_TRUE(vma.has_object());
}

TEST(ParseMapsLineTest, RefusesOtherText) {
  const std::string lines[] = {
      "",
      " ",
      "1000",
      "1000-",
      "1000-2000",
      "1000-2000 ",
      "1000-2000 r--p",
      "1000-2000 r--p 00000000",
      "1000-2000 r--p 00000000 00:00",
      "1000-2000 r--p 00000000 00:00 ",
      "1000-2000 r--p 00000000 00:00 x",
      "1000-2000 r--p 00000000 00:00 0x",
      "1000-2000 r--p 00000000 00:00 0/path",
      // Permissions.
      "1000-2000 r-- 00000000 00:00 0",
      "1000-2000 r--P 00000000 00:00 0",
      "1000-2000 w--p 00000000 00:00 0",
      "1000-2000 r--pp 00000000 00:00 0",
      // Addresses: equal, reversed, unaligned, too large, signed, prefixed.
      "1000-1000 r--p 00000000 00:00 0",
      "2000-1000 r--p 00000000 00:00 0",
      "1001-2000 r--p 00000000 00:00 0",
      "1000-2fff r--p 00000000 00:00 0",
      "1000-10000000000000000 r--p 00000000 00:00 0",
      "-1000-2000 r--p 00000000 00:00 0",
      "1000--2000 r--p 00000000 00:00 0",
      "0x1000-0x2000 r--p 00000000 00:00 0",
      " 1000-2000 r--p 00000000 00:00 0",
      "1000 2000 r--p 00000000 00:00 0",
      // Offset, device, inode.
      "1000-2000 r--p 00000001 00:00 0",
      "1000-2000 r--p 10000000000000000 00:00 0",
      "1000-2000 r--p 00000000 100000000:00 0",
      "1000-2000 r--p 00000000 00:100000000 0",
      "1000-2000 r--p 00000000 0000 0",
      "1000-2000 r--p 00000000 00:00 18446744073709551616",
      "1000-2000 r--p 00000000 00:00 -1",
      "1000-2000\tr--p\t00000000\t00:00\t0",
      // A line of smaps, and bytes that no name holds.
      "Size:                  4 kB",
      std::string("1000-2000 r--p 00000000 00:00 0 /a\0b", 36),
      std::string("1000-2000\0 r--p 00000000 00:00 0", 32),
  };
  for (const std::string& line : lines) {
    Vma vma;
    EXPECT_EQ(ParseMapsLine(line, &vma).code(), absl::StatusCode::kDataLoss) << line;
  }
}

std::vector<Vma> ReadAll(absl::string_view text, MapsReader::Format format,
                         absl::Status* status = nullptr) {
  MapsReader reader(OpenHolding(text), format, "SHOWN");
  std::vector<Vma> vmas;
  Vma vma;
  while (true) {
    const auto more = reader.Next(&vma);
    if (status != nullptr) {
      *status = more.status();
    } else {
      EXPECT_TRUE(more.ok()) << more.status();
    }
    if (!more.ok() || !*more) return vmas;
    vmas.push_back(vma);
  }
}

TEST(MapsReaderTest, ReadsMaps) {
  EXPECT_THAT(ReadAll("", MapsReader::Format::kMaps), IsEmpty());
  const auto vmas = ReadAll(
      "1000-2000 r--p 00000000 00:00 0 \n"
      "2000-3000 r--p 00001000 fe:00 9                    /a\\012b\n"
      "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n",
      MapsReader::Format::kMaps);
  ASSERT_EQ(vmas.size(), 3u);
  EXPECT_EQ(vmas[0].range, (PageRange{0x1000, 0x2000}));
  EXPECT_EQ(vmas[1].path, "/a\nb");
  EXPECT_EQ(vmas[2].path, "[vsyscall]");
}

constexpr char kSmaps[] =
    "1000-2000 r--p 00000000 00:00 0                          /x\n"
    "Size:                  4 kB\n"
    "THPeligible:           0\n"
    "VmFlags: rd wr mr mw me mg \n"
    "2000-3000 rw-p 00000000 00:00 0 \n"
    "Size:                  4 kB\n"
    "VmFlags: rd wr\n"
    "a000-b000 rw-p 00000000 00:00 0                          VmFlags: no no\n"
    "Size:                  4 kB\n"
    "d000-e000 rw-p 00000000 00:00 0 \n";

TEST(MapsReaderTest, ReadsSmaps) {
  const auto vmas = ReadAll(kSmaps, MapsReader::Format::kSmaps);
  ASSERT_EQ(vmas.size(), 4u);
  EXPECT_EQ(vmas[0].path, "/x");
  EXPECT_EQ(vmas[0].vm_flags, "rd wr mr mw me mg");
  EXPECT_EQ(vmas[1].range, (PageRange{0x2000, 0x3000}));
  EXPECT_EQ(vmas[1].path, "");
  EXPECT_EQ(vmas[1].vm_flags, "rd wr");
  EXPECT_EQ(vmas[2].range, (PageRange{0xa000, 0xb000}));
  EXPECT_EQ(vmas[2].path, "VmFlags: no no");
  EXPECT_EQ(vmas[2].vm_flags, "");
  EXPECT_EQ(vmas[3].range, (PageRange{0xd000, 0xe000}));
  EXPECT_EQ(vmas[3].vm_flags, "");
}

TEST(MapsReaderTest, RefusesSmapsReadAsMaps) {
  absl::Status status;
  EXPECT_EQ(ReadAll(kSmaps, MapsReader::Format::kMaps, &status).size(), 1u);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
}

TEST(MapsReaderTest, RefusesMalformedDetails) {
  for (const char* bad : {"\n", "size: 4 kB\n", "Size 4 kB\n", " VmFlags: rd\n"}) {
    absl::Status status;
    ReadAll(absl::StrCat("1000-2000 r--p 00000000 00:00 0 \n", bad), MapsReader::Format::kSmaps,
            &status);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << bad;
  }
  absl::Status status;
  EXPECT_THAT(ReadAll("VmFlags: rd\n", MapsReader::Format::kSmaps, &status), IsEmpty());
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
}

TEST(MapsReaderTest, RefusesVmasOutOfOrder) {
  for (const char* second : {"1000-2000", "1000-3000", "2000-3000", "2000-4000"}) {
    absl::Status status;
    const auto vmas = ReadAll(
        absl::StrCat("2000-4000 r--p 00000000 00:00 0 \n", second, " r--p 00000000 00:00 0 \n"),
        MapsReader::Format::kMaps, &status);
    EXPECT_EQ(vmas.size(), 1u);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << second;
    EXPECT_THAT(std::string(status.message()), HasSubstr("out of order"));
  }
}

TEST(MapsReaderTest, CutsAVmaThatMergedWithOnesAlreadyRead) {
  const auto vmas = ReadAll(
      "2000-4000 r--p 00000000 00:00 0 \n"
      "1000-6000 r--p 00000000 00:00 0 \n"
      "5000-9000 r--p 00010000 fe:00 7                    /x\n",
      MapsReader::Format::kMaps);
  ASSERT_EQ(vmas.size(), 3u);
  EXPECT_EQ(vmas[1].range, (PageRange{0x4000, 0x6000}));
  EXPECT_EQ(vmas[1].offset_bytes, 0u);
  EXPECT_EQ(vmas[2].range, (PageRange{0x6000, 0x9000}));
  EXPECT_EQ(vmas[2].offset_bytes, 0x11000u);
}

TEST(MapsReaderTest, NamesTheFileOfALineTooLong) {
  absl::Status status;
  ReadAll("1000-2000 r--p 00000000 00:00 0 /" + std::string(40000, 'x') + "\n",
          MapsReader::Format::kMaps, &status);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("SHOWN"));
}

}  // namespace
}  // namespace pagemapd
