#include "tests/testing/swap_device.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/swap.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tests/testing/fd.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

static_assert(SwapDevice::kFirstOfAll == SWAP_FLAG_PRIO_MASK);

constexpr uint64_t kPageBytes = 4096;

// union swap_header of include/linux/swap.h, as mkswap writes it.
absl::Status WriteSwapHeader(const std::string& path, uint64_t size_bytes) {
  struct Header {
    char boot[1024];
    uint32_t version;
    uint32_t last_page;
    uint32_t bad_pages;
    uint8_t uuid[16];
    char label[16];
    char padding[kPageBytes - 1024 - 12 - 32 - 10];
    char signature[10];
  } header = {};
  static_assert(sizeof(Header) == kPageBytes);
  header.version = 1;
  header.last_page = size_bytes / kPageBytes - 1;
  memcpy(header.uuid, "pagemapd-testing", sizeof(header.uuid));
  memcpy(header.label, "pagemapd-test", 13);
  memcpy(header.signature, "SWAPSPACE2", 10);
  Fd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return ErrnoError("open " + path);
  if (pwrite(fd.get(), &header, sizeof(header), 0) != sizeof(header) || fsync(fd.get()) != 0) {
    return ErrnoError("write " + path);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SwapDevice> SwapDevice::Create(uint64_t size_bytes, Kind kind, int priority) {
  SwapDevice device;
  device.size_bytes_ = size_bytes;
  if (kind == Kind::kZram && access("/sys/class/zram-control/hot_add", F_OK) != 0) {
    kind = Kind::kLoop;
  }
  absl::Status made = kind == Kind::kZram ? device.MakeZram() : device.MakeLoop();
  if (made.ok()) made = device.Activate(priority);
  if (!made.ok()) return made;
  return device;
}

SwapDevice::~SwapDevice() {
  for (UndoEntry* undo : {&undo_swap_, &undo_device_, &undo_file_}) {
    if (absl::Status s = undo->Undo(); !s.ok()) {
      fprintf(stderr, "swap device %s: %s\n", path_.c_str(), s.ToString().c_str());
    }
  }
}

absl::Status SwapDevice::MakeZram() {
  // Reading the file is what makes a device.
  absl::StatusOr<std::string> number = ReadText("/sys/class/zram-control/hot_add");
  if (!number.ok()) return number.status();
  absl::StripAsciiWhitespace(&*number);
  path_ = "/dev/zram" + *number;
  absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"hotremove", *number});
  if (!undo.ok()) return undo.status();
  undo_device_ = *std::move(undo);
  return WriteText(absl::StrCat("/sys/block/zram", *number, "/disksize"),
                   absl::StrCat(size_bytes_));
}

absl::Status SwapDevice::MakeLoop() {
  char directory[] = "/tmp/pagemapd-swap-XXXXXX";
  if (mkdtemp(directory) == nullptr) return ErrnoError("mkdtemp");
  absl::StatusOr<UndoEntry> undo_file = UndoEntry::Register({"rmtree", directory});
  if (!undo_file.ok()) return undo_file.status();
  undo_file_ = *std::move(undo_file);
  std::string backing = absl::StrCat(directory, "/area");
  Fd file(open(backing.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file || ftruncate(file.get(), size_bytes_) != 0) return ErrnoError("make " + backing);

  Fd control(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (!control) return ErrnoError("open /dev/loop-control");
  // Others may take the free device before us.
  for (int attempt = 0; attempt < 10; ++attempt) {
    int number = ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return ErrnoError("LOOP_CTL_GET_FREE");
    path_ = absl::StrCat("/dev/loop", number);
    Fd loop(open(path_.c_str(), O_RDWR | O_CLOEXEC));
    if (!loop) return ErrnoError("open " + path_);
    if (ioctl(loop.get(), LOOP_SET_FD, file.get()) != 0) continue;
    absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"loopdetach", path_});
    if (!undo.ok()) {
      ioctl(loop.get(), LOOP_CLR_FD, 0);
      return undo.status();
    }
    undo_device_ = *std::move(undo);
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError("no free loop device");
}

absl::Status SwapDevice::Activate(int priority) {
  if (absl::Status s = WriteSwapHeader(path_, size_bytes_); !s.ok()) return s;
  absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"swapoff", path_});
  if (!undo.ok()) return undo.status();
  undo_swap_ = *std::move(undo);
  if (swapon(path_.c_str(), SWAP_FLAG_PREFER | (priority & SWAP_FLAG_PRIO_MASK)) != 0)
    return ErrnoError("swapon " + path_);
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> SwapCachedPages() {
  // Each CPU holds back up to 125 pages of the count until its vmstat worker runs, every second.
  if (absl::Status s = WriteText("/proc/sys/vm/stat_refresh", "1"); !s.ok()) return s;
  absl::StatusOr<uint64_t> kib = ReadField("/proc/meminfo", "SwapCached");
  if (!kib.ok()) return kib.status();
  return *kib / 4;
}

}  // namespace pagemapd
