#include "cli/process_mappings.h"

#include <fnmatch.h>

#include <algorithm>

#include "absl/strings/strip.h"

namespace pagemapd {

grpc::Status ListAllMappings(v1::PagemapService::StubInterface& service, int32_t pid,
                             bool include_vm_flags, ProcessMappings* result) {
  v1::ListMappingsRequest request;
  request.mutable_process()->set_pid(pid);
  request.set_include_vm_flags(include_vm_flags);
  result->mappings.clear();
  do {
    v1::ListMappingsResponse response;
    grpc::ClientContext context;
    const grpc::Status status = service.ListMappings(&context, request, &response);
    if (!status.ok()) return status;
    result->process = response.process();
    for (v1::Mapping& mapping : *response.mutable_mappings()) {
      result->mappings.push_back(std::move(mapping));
    }
    // The rest must be of the same process.
    *request.mutable_process() = response.process();
    request.set_start_address(response.next_address());
  } while (request.start_address() != 0);
  return grpc::Status::OK;
}

absl::string_view MappingName(const v1::Mapping& mapping) {
  return mapping.path().empty() ? absl::string_view("[anon]") : mapping.path();
}

std::string PermissionsText(const v1::Mapping& mapping) {
  std::string text = "---p";
  if (mapping.readable()) text[0] = 'r';
  if (mapping.writable()) text[1] = 'w';
  if (mapping.executable()) text[2] = 'x';
  if (mapping.shared()) text[3] = 's';
  return text;
}

bool MatchesGlob(const std::string& glob, const v1::Mapping& mapping) {
  const std::string name(MappingName(mapping));
  const std::string bare(absl::StripSuffix(name, " (deleted)"));
  // As text first: "[heap]" is a name here, and as a pattern it would be one letter.
  return glob == name || glob == bare || fnmatch(glob.c_str(), name.c_str(), 0) == 0 ||
         fnmatch(glob.c_str(), bare.c_str(), 0) == 0;
}

bool SameObject(const v1::ObjectRef& a, const v1::ObjectRef& b) {
  return a.device_major() == b.device_major() && a.device_minor() == b.device_minor() &&
         a.inode() == b.inode();
}

const v1::Mapping* MappingAt(const std::vector<v1::Mapping>& mappings, uint64_t address) {
  const auto next = std::upper_bound(
      mappings.begin(), mappings.end(), address,
      [](uint64_t a, const v1::Mapping& mapping) { return a < mapping.range().start(); });
  if (next == mappings.begin()) return nullptr;
  const v1::Mapping& mapping = *std::prev(next);
  return address < mapping.range().end() ? &mapping : nullptr;
}

bool SelectSpans(const std::vector<v1::Mapping>& mappings, const std::vector<std::string>& globs,
                 const std::vector<AddressSpan>& spans, std::vector<AddressSpan>* selected,
                 std::string* unmatched) {
  *selected = spans;
  bool all = false;
  for (const std::string& glob : globs) {
    bool matches = false;
    for (const v1::Mapping& mapping : mappings) {
      if (!MatchesGlob(glob, mapping)) continue;
      matches = true;
      selected->push_back({mapping.range().start(), mapping.range().end()});
    }
    if (!matches) {
      *unmatched = glob;
      return false;
    }
    all |= glob == "*";
  }
  // Not a list of ranges, which may be too long for one request.
  if (all && spans.empty()) selected->clear();
  *selected = Union(std::move(*selected));
  return true;
}

ScanPosition::ScanPosition(const std::vector<v1::Mapping>& mappings,
                           const std::vector<AddressSpan>& spans, uint64_t page_size_bytes)
    : page_size_bytes_(page_size_bytes) {
  const auto add = [&](uint64_t start, uint64_t end) {
    if (start >= end) return;
    runs_.push_back({{start, end}, total_pages_});
    total_pages_ += (end - start) / page_size_bytes_;
  };
  const std::vector<AddressSpan> wanted = Union(spans);
  size_t next = 0;
  for (const v1::Mapping& mapping : mappings) {
    const v1::AddressRange& range = mapping.range();
    if (wanted.empty()) add(range.start(), range.end());
    while (next < wanted.size() && wanted[next].end <= range.start()) ++next;
    for (size_t i = next; i < wanted.size() && wanted[i].start < range.end(); ++i) {
      add(std::max(range.start(), wanted[i].start), std::min(range.end(), wanted[i].end));
    }
  }
}

uint64_t ScanPosition::PagesBelow(uint64_t address) const {
  const auto next = std::upper_bound(runs_.begin(), runs_.end(), address,
                                     [](uint64_t a, const Run& run) { return a < run.span.start; });
  if (next == runs_.begin()) return 0;
  const Run& run = *std::prev(next);
  return run.pages_before + (std::min(address, run.span.end) - run.span.start) / page_size_bytes_;
}

}  // namespace pagemapd
