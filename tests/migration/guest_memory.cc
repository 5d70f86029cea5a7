#include "tests/migration/guest_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstring>
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

// As in guest.s.
constexpr uint32_t kMultiplier = 0x9e3779b1;
constexpr uint64_t kHoleStart = 0xa0000;
constexpr uint64_t kHoleEnd = 0x100000;

constexpr char kName[] = "/memfd:memory-backend-memfd (deleted)";

using Pages = std::unique_ptr<const char, std::function<void(const char*)>>;

absl::StatusOr<Pages> Map(int fd, uint64_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) return ErrnoError("mmap of a guest's memory");
  return Pages(static_cast<const char*>(at),
               [bytes](const char* p) { munmap(const_cast<char*>(p), bytes); });
}

}  // namespace

absl::StatusOr<GuestMemory> GuestMemory::Open(pid_t pid) {
  absl::StatusOr<std::string> maps = ReadText(absl::StrCat("/proc/", pid, "/maps"));
  if (!maps.ok()) return maps.status();
  std::string range;
  for (absl::string_view line : absl::StrSplit(*maps, '\n')) {
    if (!absl::EndsWith(line, kName)) continue;
    if (!range.empty()) return absl::FailedPreconditionError("mapped more than once");
    range = std::string(line.substr(0, line.find(' ')));
  }
  uint64_t address;
  if (!absl::SimpleHexAtoi(range.substr(0, range.find('-')), &address)) {
    return absl::NotFoundError(absl::StrCat("process ", pid, " maps no ", kName));
  }
  const std::string path = absl::StrCat("/proc/", pid, "/map_files/", range);
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status;
  if (!fd || fstat(fd.get(), &status) != 0) return ErrnoError("open " + path);
  return GuestMemory(std::move(fd), status.st_size, address);
}

absl::Status GuestMemory::CheckRule() const {
  absl::StatusOr<Pages> memory = Map(fd_.get(), bytes_);
  if (!memory.ok()) return memory.status();
  const auto* dwords = reinterpret_cast<const uint32_t*>(memory->get());
  uint64_t wrong = 0, first = 0;
  for (uint64_t i = 0; i < bytes_ / 4; ++i) {
    const uint64_t address = i * 4;
    const bool hole = address >= kHoleStart && address < kHoleEnd;
    if (dwords[i] == (hole ? 0 : static_cast<uint32_t>(address * kMultiplier))) continue;
    if (wrong++ == 0) first = address;
  }
  if (wrong == 0) return absl::OkStatus();
  return absl::DataLossError(absl::StrFormat("%d dwords are wrong, the first at %#x: %#x", wrong,
                                             first, dwords[first / 4]));
}

absl::Status GuestMemory::CheckSame(const GuestMemory& a, const GuestMemory& b) {
  if (a.bytes_ != b.bytes_) return absl::DataLossError("not of one size");
  absl::StatusOr<Pages> in_a = Map(a.fd_.get(), a.bytes_);
  if (!in_a.ok()) return in_a.status();
  absl::StatusOr<Pages> in_b = Map(b.fd_.get(), b.bytes_);
  if (!in_b.ok()) return in_b.status();
  if (memcmp(in_a->get(), in_b->get(), a.bytes_) == 0) return absl::OkStatus();
  return absl::DataLossError("the two memories differ");
}

}  // namespace pagemapd
