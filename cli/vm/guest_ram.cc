#include "cli/vm/guest_ram.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cli/address_span.h"
#include "cli/process_mappings.h"
#include "cli/vm/flat_view_text.h"
#include "cli/vm/qmp_value.h"
#include "cli/vm/ram_block_text.h"

namespace pagemapd {
namespace {

using nlohmann::json;

// Asks for one byte of each end of each range: no VM has so many.
constexpr size_t kMaxAddressQuestions = 8192;

absl::StatusOr<std::string> AskMonitor(QmpClient& qmp, const std::string& line) {
  absl::StatusOr<json> answer = qmp.Execute("human-monitor-command", json{{"command-line", line}});
  if (!answer.ok()) return answer.status();
  if (!answer->is_string()) {
    return absl::DataLossError(absl::StrCat("QEMU's answer to \"", line, "\" is no text"));
  }
  return answer->get<std::string>();
}

constexpr char kSeveral[] = "QEMU has several of that name, and does not tell them apart";

// The one block that `name`, of a memory region or a backend, can mean: the block's name is that,
// after the path of a device for some. Null if none, or several.
RamBlock* BlockOf(absl::string_view name, std::vector<RamBlock>& blocks) {
  RamBlock* found = nullptr;
  for (RamBlock& block : blocks) {
    absl::string_view before = block.name;
    if (!absl::ConsumeSuffix(&before, name) || !(before.empty() || absl::EndsWith(before, "/"))) {
      continue;
    }
    if (found != nullptr) {
      found->why_not = block.why_not = kSeveral;
      return nullptr;
    }
    found = &block;
  }
  return found;
}

void AddGuestRanges(std::vector<FlatRange> ranges, std::vector<RamBlock>* blocks) {
  for (const FlatRange& flat : ranges) {
    RamBlock* const block = BlockOf(flat.region, *blocks);
    if (block == nullptr) continue;
    const GuestRange& range = flat.range;
    if (range.offset > block->max_bytes ||
        range.end - range.start > block->max_bytes - range.offset) {
      continue;
    }
    block->guest_ranges.push_back(range);
  }
}

// Where `range` of `block` makes QEMU's mapping of the block begin, by its first and last byte.
absl::StatusOr<uint64_t> AskForBase(QmpClient& qmp, const RamBlock& block,
                                    const GuestRange& range) {
  std::optional<uint64_t> base;
  for (const uint64_t address : {range.start, range.end - 1}) {
    const absl::StatusOr<std::string> text =
        AskMonitor(qmp, absl::StrCat("gpa2hva 0x", absl::Hex(address)));
    if (!text.ok()) return text.status();
    const absl::StatusOr<uint64_t> host = ParseHostAddress(*text);
    if (!host.ok()) return host.status();
    const uint64_t offset = range.offset + (address - range.start);
    if (*host < offset || (base.has_value() && *base != *host - offset)) {
      return absl::AbortedError(
          absl::StrCat("QEMU tells addresses that do not agree for ", block.name));
    }
    base = *host - offset;
  }
  return *base;
}

// Finds `block`'s host address by its guest-physical ones.
absl::Status AskForHostAddress(QmpClient& qmp, RamBlock* block) {
  if (block->guest_ranges.empty()) {
    if (block->why_not.empty())
      block->why_not = "the guest does not see it, and this QEMU does not tell";
    return absl::OkStatus();
  }
  for (const GuestRange& range : block->guest_ranges) {
    const absl::StatusOr<uint64_t> base = AskForBase(qmp, *block, range);
    if (!base.ok() && !IsRefusal(base.status())) return base.status();
    if (!base.ok() || (block->host_address.has_value() && *block->host_address != *base)) {
      block->host_address.reset();
      block->why_not = base.ok() ? "QEMU tells addresses that do not agree"
                                 : std::string(base.status().message());
      return absl::OkStatus();
    }
    block->host_address = *base;
  }
  if (*block->host_address + block->max_bytes < *block->host_address) {
    block->host_address.reset();
    block->why_not = "QEMU tells an address that cannot be";
  }
  return absl::OkStatus();
}

// QEMU's answer to `command`, if it is a list; else an empty one.
absl::StatusOr<json> AskForList(QmpClient& qmp, const std::string& command) {
  absl::StatusOr<json> list = AskIfKnown(qmp, command);
  if (list.ok() && !list->is_array()) return json::array();
  return list;
}

absl::Status AddBackends(QmpClient& qmp, std::vector<RamBlock>* blocks) {
  const absl::StatusOr<json> devices = AskForList(qmp, "query-memory-devices");
  if (!devices.ok()) return devices.status();
  std::map<std::string, uint64_t> nodes;
  for (const json& device : *devices) {
    const json& data = MemberAt(device, "data");
    const std::string path = TextAt(data, "memdev");
    const std::optional<uint64_t> node = NumberAt(data, "node");
    if (node.has_value()) nodes[std::string(absl::StripPrefix(path, "/objects/"))] = *node;
  }
  const absl::StatusOr<json> backends = AskForList(qmp, "query-memdev");
  if (!backends.ok()) return backends.status();
  for (const json& entry : *backends) {
    MemoryBackend backend;
    backend.id = TextAt(entry, "id");
    RamBlock* const block = backend.id.empty() ? nullptr : BlockOf(backend.id, *blocks);
    if (block == nullptr || NumberAt(entry, "size") != block->max_bytes) continue;
    backend.share = FlagAt(entry, "share");
    backend.prealloc = FlagAt(entry, "prealloc");
    backend.policy = TextAt(entry, "policy");
    for (const json& node : MemberAt(entry, "host-nodes")) {
      if (node.is_number_unsigned()) backend.host_nodes.push_back(node.get<uint64_t>());
    }
    const auto node = nodes.find(backend.id);
    if (node != nodes.end()) backend.guest_node = node->second;
    block->backend = std::move(backend);
  }
  return absl::OkStatus();
}

// Whether `next` goes on where `mapping` ends, in the same memory.
bool Continues(const v1::Mapping& mapping, const v1::Mapping& next) {
  if (mapping.range().end() != next.range().start() || mapping.shared() != next.shared() ||
      mapping.kind() != next.kind() || mapping.has_object() != next.has_object()) {
    return false;
  }
  if (!mapping.has_object()) return true;
  return SameObject(mapping.object(), next.object()) &&
         mapping.offset_bytes() + (mapping.range().end() - mapping.range().start()) ==
             next.offset_bytes();
}

// Why `block` is not where QEMU says; empty if it is.
std::string Doubt(const std::vector<v1::Mapping>& mappings, uint64_t page_size_bytes,
                  const RamBlock& block) {
  const uint64_t start = *block.host_address;
  const uint64_t end = start + block.max_bytes;
  if (start % page_size_bytes != 0 || block.size_bytes % page_size_bytes != 0 ||
      block.max_bytes % page_size_bytes != 0 || block.size_bytes == 0) {
    return "it is not of whole pages";
  }
  const v1::Mapping* mapping = MappingAt(mappings, start);
  if (mapping == nullptr) return "nothing is mapped where QEMU says it is";
  const v1::Mapping* const past = mappings.data() + mappings.size();
  while (mapping->range().end() < end) {
    const v1::Mapping* const next = mapping + 1;
    if (next == past || !Continues(*mapping, *next)) {
      return "what is mapped where QEMU says it is does not have its size";
    }
    mapping = next;
  }
  return "";
}

}  // namespace

absl::StatusOr<uint64_t> ParseHostAddress(absl::string_view text) {
  // The name may be anything.
  const size_t is = text.rfind(" is 0x");
  uint64_t address;
  if (!absl::StartsWith(text, "Host virtual address for ") || is == absl::string_view::npos ||
      !ParseAddress(absl::StripAsciiWhitespace(text.substr(is + 4)), &address)) {
    return absl::AbortedError(
        absl::StrCat("QEMU: ", absl::CEscape(absl::StripAsciiWhitespace(text).substr(0, 200))));
  }
  return address;
}

absl::StatusOr<std::vector<RamBlock>> AskForGuestRam(QmpClient& qmp) {
  const absl::StatusOr<std::string> block_text = AskMonitor(qmp, "info ramblock");
  if (!block_text.ok()) return block_text.status();
  absl::StatusOr<std::vector<RamBlock>> blocks = ParseRamBlocks(*block_text);
  if (!blocks.ok()) return blocks.status();
  const absl::StatusOr<std::string> view_text = AskMonitor(qmp, "info mtree -f");
  if (!view_text.ok()) return view_text.status();
  absl::StatusOr<std::vector<FlatRange>> ranges = ParseFlatView(*view_text);
  if (!ranges.ok()) return ranges.status();
  if (ranges->size() > kMaxAddressQuestions / 2) {
    return absl::ResourceExhaustedError("too many ranges in QEMU's memory map");
  }
  AddGuestRanges(*std::move(ranges), &*blocks);
  for (RamBlock& block : *blocks) {
    if (block.host_address.has_value()) continue;
    if (absl::Status status = AskForHostAddress(qmp, &block); !status.ok()) return status;
  }
  if (absl::Status status = AddBackends(qmp, &*blocks); !status.ok()) return status;
  return blocks;
}

void ProveHostAddresses(const std::vector<v1::Mapping>& mappings, uint64_t page_size_bytes,
                        std::vector<RamBlock>* blocks) {
  // The ends of what is proved, by start.
  std::map<uint64_t, uint64_t> taken;
  for (RamBlock& block : *blocks) {
    if (!block.host_address.has_value()) continue;
    const uint64_t start = *block.host_address;
    const uint64_t end = start + block.max_bytes;
    block.why_not = Doubt(mappings, page_size_bytes, block);
    const auto above = taken.lower_bound(start);
    if ((above != taken.end() && above->first < end) ||
        (above != taken.begin() && std::prev(above)->second > start)) {
      block.why_not = "another block is where QEMU says it is";
    }
    if (block.why_not.empty()) {
      taken[start] = end;
    } else {
      block.host_address.reset();
    }
  }
}

}  // namespace pagemapd
