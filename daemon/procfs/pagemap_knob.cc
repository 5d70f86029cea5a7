#include "daemon/procfs/pagemap_knob.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "daemon/procfs/field_scanner.h"
#include "daemon/sys/errno_status.h"

namespace pagemapd {
namespace {

std::optional<ShmemSwapMode> ModeNamed(absl::string_view word) {
  if (word == "off") return ShmemSwapMode::kOff;
  if (word == "marker") return ShmemSwapMode::kMarker;
  if (word == "full") return ShmemSwapMode::kFull;
  return std::nullopt;
}

}  // namespace

absl::StatusOr<ShmemSwapMode> ParseShmemSwapMode(absl::string_view text) {
  absl::string_view line = text;
  absl::ConsumeSuffix(&line, "\n");
  std::optional<ShmemSwapMode> mode;
  for (absl::string_view word : absl::StrSplit(line, ' ')) {
    const bool chosen = absl::ConsumePrefix(&word, "[");
    // One bracket alone, or a second word in brackets.
    if (absl::ConsumeSuffix(&word, "]") != chosen || (chosen && mode.has_value())) {
      return MalformedLine("shmem_swap", text);
    }
    if (!chosen) continue;
    mode = ModeNamed(word);
    if (!mode.has_value()) return MalformedLine("shmem_swap", text);
  }
  if (!mode.has_value()) return MalformedLine("shmem_swap", text);
  return *mode;
}

absl::StatusOr<PagemapKnob> PagemapKnob::Open(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return ErrnoStatus(errno, absl::StrCat("open ", path));
  return PagemapKnob(std::move(fd), path);
}

absl::StatusOr<ShmemSwapMode> PagemapKnob::Read() const {
  std::array<char, 128> text;
  ssize_t got;
  do {
    // At offset 0 sysfs writes the text anew.
    got = pread(fd_.get(), text.data(), text.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return ErrnoStatus(errno, absl::StrCat("pread ", path_));
  return ParseShmemSwapMode(absl::string_view(text.data(), got));
}

bool PagemapKnob::IsFull() const {
  const absl::StatusOr<ShmemSwapMode> mode = Read();
  return mode.ok() && *mode == ShmemSwapMode::kFull;
}

}  // namespace pagemapd
