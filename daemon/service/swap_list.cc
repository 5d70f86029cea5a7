#include "daemon/service/swap_list.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "daemon/page/page_size.h"
#include "daemon/page/swap_entry.h"
#include "daemon/procfs/swap_types.h"
#include "daemon/procfs/swaps.h"
#include "daemon/sys/unique_fd.h"

namespace pagemapd {
namespace {

// The header of the area at `path`. Read past the page cache: looking leaves nothing behind.
std::optional<SwapHeader> ReadSwapHeader(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_DIRECT));
  struct stat st;
  if (!fd || fstat(fd.get(), &st) != 0 || !(S_ISBLK(st.st_mode) || S_ISREG(st.st_mode))) {
    return std::nullopt;
  }
  struct alignas(kPageSizeBytes) Page {
    char bytes[kPageSizeBytes];
  };
  const auto page = std::make_unique<Page>();
  if (pread(fd.get(), page->bytes, kPageSizeBytes, 0) != kPageSizeBytes) return std::nullopt;
  return ParseSwapHeader(absl::string_view(page->bytes, kPageSizeBytes));
}

bool IsZswapEnabled() {
  std::ifstream file("/sys/module/zswap/parameters/enabled");
  return file.get() == 'Y';
}

void NameType(uint32_t type, size_t area_index, v1::ListSwapAreasResponse* response) {
  v1::ListSwapAreasResponse::TypeName* name = response->add_type_names();
  name->set_type(type);
  name->set_area_index(area_index);
}

}  // namespace

absl::Status ListSwapAreasOf(const ProcRoot& root, const SwapTable* table,
                             v1::ListSwapAreasResponse* response) {
  const auto read_table =
      [table](size_t area_count) -> absl::StatusOr<std::vector<SwapTableEntry>> {
    if (table == nullptr) return absl::UnimplementedError("no swap table");
    return table->Read(area_count);
  };
  absl::StatusOr<TypedSwapAreas> read = ReadTypedSwaps(root, read_table);
  if (!read.ok()) return read.status();
  const std::vector<SwapArea>& areas = read->areas;
  for (size_t i = 0; i < areas.size(); ++i) {
    const SwapArea& area = areas[i];
    v1::SwapArea* out = response->add_areas();
    out->set_path(area.path);
    out->set_is_file(area.is_file);
    out->set_priority(area.priority);
    out->set_size_pages(area.size_bytes >> kPageShift);
    out->set_used_pages(area.used_bytes >> kPageShift);
    if (std::optional<SwapHeader> header = ReadSwapHeader(area.path)) {
      out->set_uuid(header->uuid);
      out->set_label(header->label);
    }
    if (read->types) {
      out->set_type((*read->types)[i]);
      NameType((*read->types)[i], i, response);
    }
  }
  for (uint32_t type = 0; type < kFirstSpecialSwapType && !read->types; ++type) {
    if (std::optional<size_t> index = AreaOfSwapType(type, areas.size())) {
      NameType(type, *index, response);
    }
  }
  response->set_zswap_enabled(IsZswapEnabled());
  return absl::OkStatus();
}

}  // namespace pagemapd
