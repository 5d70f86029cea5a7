// What the knobs of patched kernels make of shared memory in swap, and who is shown its places.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/qemu/hole_fixture.h"
#include "tests/testing/fd.h"
#include "tests/testing/knob.h"
#include "tests/testing/oracle.h"

namespace pagemapd {
namespace {

class KnobTest : public HoleTest {
 protected:
  void SetUp() override {
    HoleTest::SetUp();
    for (auto [knob, path] : {std::pair{&view_, "/sys/kernel/mm/pagemap/shmem_swap"},
                              {&markers_, "/sys/kernel/mm/pagemap/shmem_markers"}}) {
      absl::StatusOr<Knob> taken = Knob::Take(path);
      ASSERT_TRUE(taken.ok()) << taken.status();
      knob->emplace(*std::move(taken));
    }
    AddDevice(256 << 20);
  }

  void Show(const char* what) {
    ASSERT_TRUE(view_->Set(what).ok()) << what;
    EXPECT_EQ(*view_->Get(), what);
  }

  void ExpectInPlace(const HoleMemory& memory) {
    ExpectSwappedInPlace(target_->pid(), memory.region.address, memory);
  }
  void ExpectHoleIn(const HoleMemory& memory) {
    ExpectHole(target_->pid(), memory.region.address, memory);
  }

  std::optional<Knob> view_, markers_;
};

TEST_F(KnobTest, FullAndMarkersAreTheDefault) {
  EXPECT_EQ(*view_->Get(), "full");
  EXPECT_EQ(*markers_->Get(), "1");
}

TEST_F(KnobTest, RefuseWhatIsNoChoice) {
  for (const char* text : {"on", "fullest", "1", "off marker", "[off]"}) {
    EXPECT_FALSE(view_->Set(text).ok()) << text;
  }
  for (const char* text : {"2", "-1", "x"}) EXPECT_FALSE(markers_->Set(text).ok()) << text;
  EXPECT_EQ(*view_->Get(), "full");
  EXPECT_EQ(*markers_->Get(), "1");
  EXPECT_TRUE(view_->Set("off\n").ok());
  EXPECT_EQ(*view_->Get(), "off");
}

TEST_F(KnobTest, OffReadsAsStock) {
  for (const char* markers : {"1", "0"}) {
    ASSERT_TRUE(markers_->Set(markers).ok());
    for (MemoryKind kind : kKinds) {
      SCOPED_TRACE(absl::StrCat(Name(kind), ", markers ", markers));
      const HoleMemory memory = Make(kind);
      ASSERT_FALSE(HasFailure());
      Show("off");
      ExpectHoleIn(memory);
      Show("full");
      ExpectInPlace(memory);
    }
  }
}

TEST_F(KnobTest, MarkerShowsWhatThisPageTableLost) {
  Show("marker");
  for (MemoryKind kind : kKinds) {
    SCOPED_TRACE(Name(kind));
    const HoleMemory memory = Make(kind);
    ASSERT_FALSE(HasFailure());
    ExpectInPlace(memory);
    // A mapping that never had the pages, and one that dropped what it had.
    const uint64_t again = MapAgain(*target_, memory);
    ExpectHole(target_->pid(), again, memory);
    ASSERT_TRUE(target_->Advise(memory.region.address, {{0, kPages}}, MADV_DONTNEED).ok());
    ExpectHoleIn(memory);
    Show("full");
    ExpectInPlace(memory);
    ExpectSwappedInPlace(target_->pid(), again, memory);
    Show("marker");
  }
}

TEST_F(KnobTest, WithoutMarkersOnlyFullShowsPages) {
  ASSERT_TRUE(markers_->Set("0").ok());
  for (MemoryKind kind : kKinds) {
    SCOPED_TRACE(Name(kind));
    const HoleMemory memory = Make(kind);
    ASSERT_FALSE(HasFailure());
    Show("marker");
    ExpectHoleIn(memory);
    Show("full");
    ExpectInPlace(memory);
  }
}

// Punched out after it was swapped: the marker is still there, and says nothing by itself.
TEST_F(KnobTest, AMarkerOfAPageThatIsNoMoreIsNone) {
  for (const char* what : {"marker", "full"}) {
    SCOPED_TRACE(what);
    Show(what);
    const HoleMemory memory = Make(MemoryKind::kMemfd, Mix::kAllSwapped);
    ASSERT_FALSE(HasFailure());
    ASSERT_EQ(fallocate(memory.region.object.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                        (memory.region.first_index + 100) * kPageBytes, 1000 * kPageBytes),
              0);
    ExpectInPlace(memory);
    for (uint64_t entry : Entries(target_->pid(), memory.region.address + 100 * kPageBytes, 1000)) {
      EXPECT_EQ(entry, 0u);
    }
    // Brought back by another than this mapping.
    const uint64_t again = MapAgain(*target_, memory);
    ASSERT_TRUE(target_->Read(again, {{2000, 500}}).ok());
    ExpectInPlace(memory);
    for (uint64_t entry : Entries(target_->pid(), memory.region.address + 2000 * kPageBytes, 500)) {
      EXPECT_EQ(entry, 0u);
    }
  }
}

// Takes a capability from this thread, and gives it back.
class Without {
 public:
  explicit Without(int capability) {
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    syscall(SYS_capget, &header, before_);
    __user_cap_data_struct less[2] = {before_[0], before_[1]};
    less[CAP_TO_INDEX(capability)].effective &= ~CAP_TO_MASK(capability);
    EXPECT_EQ(syscall(SYS_capset, &header, less), 0);
  }
  ~Without() {
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    syscall(SYS_capset, &header, before_);
  }

 private:
  __user_cap_data_struct before_[2] = {};
};

TEST_F(KnobTest, PlacesAreForCapSysAdmin) {
  const HoleMemory memory = Make(MemoryKind::kMemfd);
  ASSERT_FALSE(HasFailure());
  const uint64_t address = memory.region.address;
  const std::vector<uint64_t> shown = Entries(target_->pid(), address, kPages);
  std::vector<uint64_t> hidden;
  {
    Without less(CAP_SYS_ADMIN);
    hidden = Entries(target_->pid(), address, kPages);
  }
  constexpr uint64_t kFrame = (uint64_t{1} << 55) - 1;
  uint64_t wrong = 0, swapped = 0;
  for (uint64_t i = 0; i < kPages; ++i) {
    wrong += hidden[i] != (shown[i] & ~kFrame);
    swapped += IsSwapped(shown[i]);
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_GT(swapped, kPages / 20);
}

// PAGEMAP_SCAN (Linux 6.7) says the same as the entries.
TEST_F(KnobTest, ScanHasTheSamePages) {
  struct Region {
    uint64_t start, end, categories;
  };
  // struct pm_scan_arg of include/uapi/linux/fs.h.
  struct Argument {
    uint64_t size, flags, start, end, walk_end, regions, regions_length, max_pages;
    uint64_t inverted, mask, any_of, wanted;
  };
  constexpr uint64_t kFile = 1 << 2, kPresent = 1 << 3, kSwapped = 1 << 4;
  const HoleMemory memory = Make(MemoryKind::kMemfd);
  ASSERT_FALSE(HasFailure());
  const uint64_t address = memory.region.address;
  for (const char* what : {"full", "marker", "off"}) {
    for (bool dropped : {false, true}) {
      SCOPED_TRACE(absl::StrCat(what, dropped ? ", dropped" : ""));
      Show(what);
      const uint64_t start = dropped ? MapAgain(*target_, memory) : address;
      const std::vector<uint64_t> entries = Entries(target_->pid(), start, kPages);
      Fd pagemap(open(absl::StrCat("/proc/", target_->pid(), "/pagemap").c_str(), O_RDONLY));
      std::vector<Region> regions(kPages);
      Argument argument = {sizeof(argument),
                           0,
                           start,
                           start + kPages * kPageBytes,
                           0,
                           reinterpret_cast<uint64_t>(regions.data()),
                           kPages,
                           0,
                           0,
                           0,
                           kPresent | kSwapped,
                           kFile | kPresent | kSwapped};
      const int found = ioctl(pagemap.get(), _IOWR('f', 16, Argument), &argument);
      ASSERT_GE(found, 0);
      std::vector<uint64_t> categories(kPages);
      for (int i = 0; i < found; ++i) {
        for (uint64_t at = regions[i].start; at < regions[i].end; at += kPageBytes) {
          categories[(at - start) / kPageBytes] = regions[i].categories;
        }
      }
      uint64_t wrong = 0;
      for (uint64_t i = 0; i < kPages; ++i) {
        const uint64_t expected = IsPresent(entries[i])   ? kPresent | kFile
                                  : IsSwapped(entries[i]) ? kSwapped | kFile
                                                          : 0;
        wrong += categories[i] != expected;
      }
      EXPECT_EQ(wrong, 0u);
    }
  }
}

}  // namespace
}  // namespace pagemapd
