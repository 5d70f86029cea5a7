#ifndef PAGEMAPD_CLI_PROCESS_MAPPINGS_H_
#define PAGEMAPD_CLI_PROCESS_MAPPINGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cli/address_span.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"

namespace pagemapd {

// A process and its VMAs, in address order.
struct ProcessMappings {
  v1::ProcessRef process;
  std::vector<v1::Mapping> mappings;
};

// All of them, however many answers that takes.
grpc::Status ListAllMappings(v1::PagemapService::StubInterface& service, int32_t pid,
                             bool include_vm_flags, ProcessMappings* result);

// The path, or "[anon]" for a mapping without one.
absl::string_view MappingName(const v1::Mapping& mapping);

// As in /proc/PID/maps: "rw-s".
std::string PermissionsText(const v1::Mapping& mapping);

// `glob` is the mapping's name, or matches it as in fnmatch(3), with "/" being like any other
// character. The " (deleted)" that maps adds need not be given.
bool MatchesGlob(const std::string& glob, const v1::Mapping& mapping);

// Whether two mappings' objects are one.
bool SameObject(const v1::ObjectRef& a, const v1::ObjectRef& b);

// The mapping that holds `address`; null if none does.
const v1::Mapping* MappingAt(const std::vector<v1::Mapping>& mappings, uint64_t address);

// The mappings that a glob matches, merged with `spans` into what to ask for; empty for the whole
// address space, which is also what "*" alone means. False, with the glob, if one matches nothing.
bool SelectSpans(const std::vector<v1::Mapping>& mappings, const std::vector<std::string>& globs,
                 const std::vector<AddressSpan>& spans, std::vector<AddressSpan>* selected,
                 std::string* unmatched);

// How far a scan of `spans` (all, if empty) of a process has come.
class ScanPosition {
 public:
  ScanPosition(const std::vector<v1::Mapping>& mappings, const std::vector<AddressSpan>& spans,
               uint64_t page_size_bytes);

  uint64_t total_pages() const { return total_pages_; }
  // Pages to scan below `address`.
  uint64_t PagesBelow(uint64_t address) const;

 private:
  struct Run {
    AddressSpan span;
    uint64_t pages_before;
  };
  uint64_t page_size_bytes_;
  uint64_t total_pages_ = 0;
  std::vector<Run> runs_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PROCESS_MAPPINGS_H_
