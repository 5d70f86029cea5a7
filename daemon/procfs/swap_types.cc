#include "daemon/procfs/swap_types.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "daemon/page/page_size.h"

namespace pagemapd {
namespace {

// How often areas may change while they are looked at.
constexpr int kAttempts = 3;

bool IsSameFile(const SwapFileIdentity& a, const SwapFileIdentity& b) {
  if (a.block_device != 0 || b.block_device != 0) return a.block_device == b.block_device;
  return a.inode == b.inode && a.filesystem_device == b.filesystem_device;
}

bool AreSameAreas(const std::vector<SwapArea>& a, const std::vector<SwapArea>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const SwapArea& left, const SwapArea& right) {
                      return left.path == right.path && left.is_file == right.is_file &&
                             left.priority == right.priority && left.size_bytes == right.size_bytes;
                    });
}

}  // namespace

std::optional<SwapFileIdentity> IdentifySwapFile(const std::string& path) {
  struct stat st;
  if (stat(path.c_str(), &st) != 0) return std::nullopt;
  if (S_ISBLK(st.st_mode)) return SwapFileIdentity{st.st_rdev, 0, 0};
  if (S_ISREG(st.st_mode)) return SwapFileIdentity{0, st.st_ino, st.st_dev};
  return std::nullopt;
}

std::optional<std::vector<uint32_t>> MatchSwapTypes(
    absl::Span<const SwapArea> lines, absl::Span<const std::optional<SwapFileIdentity>> files,
    absl::Span<const SwapTableEntry> table) {
  if (lines.size() != table.size() || lines.size() != files.size()) return std::nullopt;
  std::vector<uint32_t> types;
  for (size_t i = 0; i < lines.size(); ++i) {
    const SwapTableEntry& entry = table[i];
    if (!types.empty() && entry.type <= types.back()) return std::nullopt;
    if (lines[i].size_bytes >> kPageShift != entry.pages || lines[i].priority != entry.priority ||
        lines[i].is_file != (entry.file.block_device == 0)) {
      return std::nullopt;
    }
    if (files[i] && !IsSameFile(*files[i], entry.file)) return std::nullopt;
    types.push_back(entry.type);
  }
  return types;
}

absl::StatusOr<TypedSwapAreas> ReadTypedSwaps(
    const ProcRoot& root,
    absl::FunctionRef<absl::StatusOr<std::vector<SwapTableEntry>>(size_t)> read_table) {
  absl::StatusOr<std::vector<SwapArea>> areas = ReadSwaps(root);
  for (int attempt = 0; attempt < kAttempts && areas.ok(); ++attempt) {
    const absl::StatusOr<std::vector<SwapTableEntry>> table = read_table(areas->size());
    if (!table.ok()) break;
    std::vector<std::optional<SwapFileIdentity>> files;
    for (const SwapArea& area : *areas) files.push_back(IdentifySwapFile(area.path));
    absl::StatusOr<std::vector<SwapArea>> after = ReadSwaps(root);
    if (!after.ok()) return after.status();
    const bool unchanged = AreSameAreas(*areas, *after);
    areas = std::move(after);
    if (unchanged) {
      std::optional<std::vector<uint32_t>> types = MatchSwapTypes(*areas, files, *table);
      return TypedSwapAreas{*std::move(areas), std::move(types)};
    }
  }
  if (!areas.ok()) return areas.status();
  return TypedSwapAreas{*std::move(areas), std::nullopt};
}

}  // namespace pagemapd
