// Which swap area has which type, against where the kernel really puts pages: areas that are alike
// in all that /proc/swaps shows, with one removed below them and another added in its place.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/testing/daemon_process.h"
#include "tests/testing/fd.h"
#include "tests/testing/page_client.h"
#include "tests/testing/swap_device.h"

namespace pagemapd {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kAreaBytes = 8 << 20;
// The first page is the header.
constexpr uint64_t kSlots = kAreaBytes / kPageBytes - 1;

using Devices = std::map<std::string, std::unique_ptr<SwapDevice>>;

// Adds a device; its path.
std::string Add(Devices& devices) {
  auto device = SwapDevice::Create(kAreaBytes);
  EXPECT_TRUE(device.ok()) << device.status();
  if (!device.ok()) return "";
  const std::string path = device->path();
  devices[path] = std::make_unique<SwapDevice>(*std::move(device));
  return path;
}

// Private memory, no page of which is like any other page of this machine.
class SwappedMemory {
 public:
  explicit SwappedMemory(uint64_t pages) : pages_(pages) {
    bytes_ = static_cast<char*>(mmap(nullptr, pages * kPageBytes, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    EXPECT_NE(bytes_, MAP_FAILED);
    madvise(bytes_, pages * kPageBytes, MADV_NOHUGEPAGE);
    for (uint64_t page = 0; page < pages; ++page) {
      const std::string content = Content(page);
      memcpy(bytes_ + page * kPageBytes, content.data(), kPageBytes);
    }
  }
  SwappedMemory(const SwappedMemory&) = delete;
  SwappedMemory& operator=(const SwappedMemory&) = delete;
  ~SwappedMemory() { munmap(bytes_, pages_ * kPageBytes); }

  std::string Content(uint64_t page) const {
    std::mt19937_64 random(seed_ + page);
    std::string content;
    while (content.size() < kPageBytes) {
      const uint64_t word = random();
      content.append(reinterpret_cast<const char*>(&word), sizeof(word));
    }
    return content;
  }

  // Swaps out all but a few pages: those that wait in a CPU's LRU batch are passed over.
  void SwapOut() {
    for (int attempt = 0; attempt < 50 && SwapEntries().size() < pages_; ++attempt) {
      EXPECT_EQ(madvise(bytes_, pages_ * kPageBytes, MADV_PAGEOUT), 0);
    }
  }

  struct Entry {
    uint32_t type;
    uint64_t offset;
  };
  // By page, of those swapped out. Documentation/admin-guide/mm/pagemap.rst.
  std::map<uint64_t, Entry> SwapEntries() const {
    const Fd pagemap(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
    std::vector<uint64_t> words(pages_);
    const uint64_t first = reinterpret_cast<uintptr_t>(bytes_) / kPageBytes;
    EXPECT_EQ(pread(pagemap.get(), words.data(), pages_ * 8, first * 8),
              static_cast<ssize_t>(pages_ * 8));
    std::map<uint64_t, Entry> entries;
    for (uint64_t page = 0; page < pages_; ++page) {
      const uint64_t frame = words[page] & ((uint64_t{1} << 55) - 1);
      if (words[page] >> 62 != 1) continue;
      entries[page] = {static_cast<uint32_t>(frame & 31), frame >> 5};
    }
    return entries;
  }

 private:
  const uint64_t pages_;
  const uint64_t seed_ = std::random_device()() * uint64_t{1} << 32;
  char* bytes_;
};

// Whether the device holds `content` in that slot, read past the page cache.
bool Holds(const std::string& device, uint64_t offset, const std::string& content) {
  struct alignas(kPageBytes) Page {
    char bytes[kPageBytes];
  };
  const auto page = std::make_unique<Page>();
  const Fd fd(open(device.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT));
  return fd && pread(fd.get(), page->bytes, kPageBytes, offset * kPageBytes) == kPageBytes &&
         memcmp(page->bytes, content.data(), kPageBytes) == 0;
}

// The type that pages on each device have, by path. So many pages are swapped out that no device
// is left without.
std::map<std::string, uint32_t> TrueTypes(const Devices& devices) {
  SwappedMemory memory(kSlots * (devices.size() - 1) + kSlots / 2);
  memory.SwapOut();
  const std::map<uint64_t, SwappedMemory::Entry> entries = memory.SwapEntries();
  EXPECT_GT(entries.size(), kSlots * (devices.size() - 1));

  std::map<std::string, uint32_t> types;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  // A device that is written later has the pages a moment later.
  while (types.size() < devices.size() && std::chrono::steady_clock::now() < deadline) {
    std::map<uint32_t, int> looked_at;
    for (const auto& [page, entry] : entries) {
      if (++looked_at[entry.type] > 8) continue;
      for (const auto& [path, device] : devices) {
        if (!Holds(path, entry.offset, memory.Content(page))) continue;
        const auto known = types.emplace(path, entry.type).first;
        EXPECT_EQ(known->second, entry.type) << "two types on " << path;
      }
    }
    if (types.size() < devices.size()) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(types.size(), devices.size());
  return types;
}

class SwapAreasTest : public ::testing::Test {
 protected:
  void StartDaemon(const std::vector<std::string>& flags) {
    stub_.reset();
    daemon_.reset();
    auto daemon = DaemonProcess::Start(flags);
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_ = std::make_unique<DaemonProcess>(*std::move(daemon));
    stub_ = NewStub(daemon_->address());
  }

  v1::ListSwapAreasResponse List() {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    v1::ListSwapAreasResponse response;
    const grpc::Status status = stub_->ListSwapAreas(&context, {}, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  Devices devices_;
  std::unique_ptr<DaemonProcess> daemon_;
  std::unique_ptr<v1::PagemapService::Stub> stub_;
};

// The path that a type is named by in the answer.
std::optional<std::string> NameOf(const v1::ListSwapAreasResponse& response, uint32_t type) {
  std::optional<std::string> path;
  for (const auto& name : response.type_names()) {
    if (name.type() != type) continue;
    EXPECT_FALSE(path.has_value()) << "type " << type << " is named twice";
    EXPECT_LT(name.area_index(), static_cast<uint32_t>(response.areas_size()));
    path = response.areas(name.area_index()).path();
  }
  return path;
}

void ExpectTypes(const v1::ListSwapAreasResponse& response,
                 const std::map<std::string, uint32_t>& types) {
  size_t found = 0;
  for (const v1::SwapArea& area : response.areas()) {
    EXPECT_TRUE(area.has_type()) << area.path();
    const auto type = types.find(area.path());
    if (type == types.end()) continue;
    ++found;
    EXPECT_EQ(area.type(), type->second) << area.path();
    EXPECT_EQ(NameOf(response, type->second), area.path());
  }
  EXPECT_EQ(found, types.size()) << response.ShortDebugString();
  // No type is named that no area has.
  EXPECT_EQ(response.type_names_size(), response.areas_size());
}

TEST_F(SwapAreasTest, TypesAreTrueWhileAreasComeAndGo) {
  StartDaemon({});
  const std::string first = Add(devices_);
  Add(devices_);
  Add(devices_);
  ASSERT_FALSE(HasFailure());
  std::map<std::string, uint32_t> types = TrueTypes(devices_);
  ExpectTypes(List(), types);

  // The lines move up, the types stay; and no CPU may have allocated a slot since.
  devices_.erase(first);
  types.erase(first);
  ExpectTypes(List(), types);
  EXPECT_EQ(TrueTypes(devices_), types);
  ExpectTypes(List(), types);

  // Takes the lowest type that is free, and with it the first line.
  const std::string fourth = Add(devices_);
  ASSERT_FALSE(HasFailure());
  const v1::ListSwapAreasResponse at_once = List();
  types = TrueTypes(devices_);
  ExpectTypes(at_once, types);
  ExpectTypes(List(), types);

  // A daemon that was not there before sees the same.
  StartDaemon({});
  ExpectTypes(List(), types);
}

TEST_F(SwapAreasTest, NoTypeIsWrongWhileAreasChange) {
  StartDaemon({});
  std::string first = Add(devices_);
  const std::string stays = Add(devices_);
  ASSERT_FALSE(HasFailure());
  const uint32_t type = TrueTypes(devices_)[stays];

  std::atomic<bool> done = false;
  std::thread changes([&] {
    for (int i = 0; i < 20; ++i) {
      devices_.erase(first);
      first = Add(devices_);
    }
    done = true;
  });
  int known = 0;
  while (!done) {
    const v1::ListSwapAreasResponse response = List();
    for (const v1::SwapArea& area : response.areas()) {
      if (!area.has_type()) continue;
      EXPECT_EQ(area.path() == stays, area.type() == type) << response.ShortDebugString();
      ++known;
    }
    const std::optional<std::string> name = NameOf(response, type);
    EXPECT_EQ(name.value_or(stays), stays) << response.ShortDebugString();
  }
  changes.join();
  EXPECT_GT(known, 0);
}

TEST_F(SwapAreasTest, WithoutTheTableOnlyWhatIsCertainIsNamed) {
  StartDaemon({"--without", "bpf"});
  const std::string first = Add(devices_);
  Add(devices_);
  Add(devices_);
  ASSERT_FALSE(HasFailure());
  const auto check = [this] {
    const std::map<std::string, uint32_t> types = TrueTypes(devices_);
    const v1::ListSwapAreasResponse response = List();
    for (const v1::SwapArea& area : response.areas()) {
      EXPECT_FALSE(area.has_type()) << area.path();
    }
    for (const auto& [path, type] : types) {
      const std::optional<std::string> name = NameOf(response, type);
      if (type == 0) {
        EXPECT_EQ(name, path);
      } else {
        EXPECT_EQ(name, std::nullopt) << "type " << type << " could be another line's";
      }
    }
  };
  check();
  devices_.erase(first);
  check();
  Add(devices_);
  check();
}

}  // namespace
}  // namespace pagemapd
