#include "cli/pageout/recorded_extent.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/address_span.h"
#include "cli/page_names.h"

namespace pagemapd {
namespace {

// Deeper than any line of `pages` is.
constexpr int kMaxDepth = 8;
// Of a value that is shown in an error.
constexpr size_t kMaxShownBytes = 40;

// The keys that matter, and their values as they stand in the line.
enum Key {
  kPid,
  kStartTime,
  kStart,
  kEnd,
  kPages,
  kState,
  kObject,
  kIndex,
  kBlock,
  kOffset,
  kKeys
};
constexpr std::array<absl::string_view, kKeys> kNames = {
    "pid",   "start_time_ticks", "start", "end",   "pages",
    "state", "object",           "index", "block", "offset"};
constexpr bool IsNumber(int key) {
  return key == kPid || key == kStartTime || key == kPages || key == kIndex;
}

std::string Shown(absl::string_view text) {
  return text.size() <= kMaxShownBytes ? absl::StrCat("'", text, "'")
                                       : absl::StrCat("'", text.substr(0, kMaxShownBytes), "...'");
}

absl::Status Invalid(const std::string& message) { return absl::InvalidArgumentError(message); }

// Takes the values of a line as nlohmann's parser comes upon them, and nothing else: no tree is
// built of a text that may be anything. The names of the functions are the parser's.
class LineHandler {
 public:
  bool null() { return Other("null"); }
  bool boolean(bool) { return Other("a boolean"); }
  bool number_integer(int64_t value) { return Other(absl::StrCat(value)); }
  bool number_unsigned(uint64_t value) {
    if (!Wanted()) return Passed();
    if (!IsNumber(*key_)) return Other("a number");
    numbers_[*key_] = value;
    return Passed();
  }
  bool number_float(double, const std::string& text) { return Other(Shown(text)); }
  bool string(std::string& value) {
    if (!Wanted()) return Passed();
    if (IsNumber(*key_)) return Other("a string");
    texts_[*key_] = std::move(value);
    return Passed();
  }
  bool binary(nlohmann::json::binary_t&) { return Other("binary"); }

  bool start_object(size_t) { return Open("an object"); }
  bool end_object() { return Close(); }
  bool start_array(size_t) { return depth_ == 0 ? Fail("is not an object") : Open("a list"); }
  bool end_array() { return Close(); }

  bool key(const std::string& name) {
    key_.reset();
    if (depth_ != 1) return true;
    if (name == "object_start") of_object_ = true;
    const auto known = std::find(kNames.begin(), kNames.end(), name);
    if (known == kNames.end()) return true;
    key_ = known - kNames.begin();
    if (seen_[*key_]) return Fail(absl::StrCat("has ", name, " twice"));
    seen_[*key_] = true;
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) {
    return Fail(absl::StrCat("is not JSON, or cut off, at byte ", position));
  }

  const std::string& error() const { return error_; }
  bool of_object() const { return of_object_; }
  bool has(Key key) const { return seen_[key]; }
  uint64_t number(Key key) const { return numbers_[key]; }
  const std::string& text(Key key) const { return texts_[key]; }

 private:
  bool Wanted() const { return depth_ == 1 && key_.has_value(); }
  bool Passed() {
    key_.reset();
    return depth_ > 0 || Fail("is not an object");
  }
  // A value of a kind that none of the wanted keys has.
  bool Other(const std::string& what) {
    if (!Wanted()) return Passed();
    return Fail(absl::StrCat(kNames[*key_], " is ", what, ", not ",
                             IsNumber(*key_) ? "a whole number" : "a string"));
  }
  bool Open(const char* what) {
    if (Wanted()) return Other(what);
    return ++depth_ <= kMaxDepth || Fail("is nested too deeply");
  }
  bool Close() {
    --depth_;
    return true;
  }
  bool Fail(const std::string& error) {
    if (error_.empty()) error_ = error;
    return false;
  }

  int depth_ = 0;
  // The key of the value that comes next, where it is one that matters.
  std::optional<int> key_;
  std::array<bool, kKeys> seen_ = {};
  std::array<uint64_t, kKeys> numbers_ = {};
  std::array<std::string, kKeys> texts_;
  bool of_object_ = false;
  std::string error_;
};

bool ParseHex32(absl::string_view text, uint32_t* value) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isxdigit) &&
         absl::SimpleHexAtoi(text, value);
}

// "MAJOR:MINOR:INODE", as ObjectText writes it.
bool ParseObject(absl::string_view text, v1::ObjectRef* object) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  uint32_t major;
  uint32_t minor;
  uint64_t inode;
  if (parts.size() != 3 || !ParseHex32(parts[0], &major) || !ParseHex32(parts[1], &minor) ||
      parts[2].empty() || !std::all_of(parts[2].begin(), parts[2].end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(parts[2], &inode)) {
    return false;
  }
  object->set_device_major(major);
  object->set_device_minor(minor);
  object->set_inode(inode);
  return true;
}

absl::Status ReadProcess(const LineHandler& line, v1::ProcessRef* process) {
  const uint64_t pid = line.number(kPid);
  if (pid == 0 || pid > static_cast<uint64_t>(std::numeric_limits<int32_t>::max())) {
    return Invalid(absl::StrCat("pid ", pid, " is not a process id"));
  }
  // 0 would stand for whoever has the pid now.
  if (line.number(kStartTime) == 0) return Invalid("start_time_ticks is 0");
  process->set_pid(static_cast<int32_t>(pid));
  process->set_start_time_ticks(line.number(kStartTime));
  return absl::OkStatus();
}

absl::Status ReadRange(const LineHandler& line, uint64_t page_size_bytes, v1::AddressRange* range) {
  uint64_t start = 0;
  uint64_t end = 0;
  for (const auto& [key, address] : {std::pair(kStart, &start), std::pair(kEnd, &end)}) {
    if (!ParseAddress(line.text(key), address)) {
      return Invalid(absl::StrCat(kNames[key], " ", Shown(line.text(key)),
                                  " is not an address in hexadecimal"));
    }
  }
  const std::string shown = absl::StrCat("0x", absl::Hex(start), "-0x", absl::Hex(end));
  if (start >= end) return Invalid(absl::StrCat(shown, " is no range"));
  if ((start | end) % page_size_bytes != 0) {
    return Invalid(absl::StrCat(shown, " is not aligned to pages"));
  }
  if ((end - start) / page_size_bytes != line.number(kPages)) {
    return Invalid(absl::StrCat(shown, " is not of ", line.number(kPages), " pages"));
  }
  range->set_start(start);
  range->set_end(end);
  return absl::OkStatus();
}

absl::Status ReadExpected(const LineHandler& line, v1::PageOutRange::Expected* expected) {
  if (line.has(kObject) != line.has(kIndex)) {
    return Invalid(line.has(kObject) ? "object is there, but no index"
                                     : "index is there, but no object");
  }
  if (!line.has(kObject)) return absl::OkStatus();
  if (!ParseObject(line.text(kObject), expected->mutable_object())) {
    return Invalid(absl::StrCat("object ", Shown(line.text(kObject)), " is not MAJOR:MINOR:INODE"));
  }
  if (line.number(kIndex) > std::numeric_limits<uint64_t>::max() - line.number(kPages)) {
    return Invalid(absl::StrCat("index ", line.number(kIndex), " is too large"));
  }
  expected->set_object_index(line.number(kIndex));
  return absl::OkStatus();
}

absl::Status ReadGuestPlace(const LineHandler& line, std::optional<RecordedGuestPlace>* place) {
  if (line.has(kBlock) != line.has(kOffset)) {
    return Invalid(line.has(kBlock) ? "block is there, but no offset"
                                    : "offset is there, but no block");
  }
  if (!line.has(kBlock)) return absl::OkStatus();
  place->emplace().block = line.text(kBlock);
  if (ParseAddress(line.text(kOffset), &(*place)->offset_bytes)) return absl::OkStatus();
  return Invalid(absl::StrCat("offset ", Shown(line.text(kOffset)), " is not one in hexadecimal"));
}

}  // namespace

absl::StatusOr<RecordedExtent> ParseRecordedExtent(absl::string_view line,
                                                   uint64_t page_size_bytes) {
  // To nlohmann's parser a NUL is the end of the text.
  if (line.find('\0') != absl::string_view::npos) return Invalid("holds a NUL byte");
  LineHandler handler;
  nlohmann::json::sax_parse(line.begin(), line.end(), &handler);
  if (!handler.error().empty()) return Invalid(handler.error());
  if (handler.of_object()) {
    return absl::FailedPreconditionError(
        "is of `pages --object`, with offsets into an object in place of addresses");
  }
  for (const Key key : {kPid, kStartTime, kStart, kEnd, kPages, kState}) {
    if (!handler.has(key)) return Invalid(absl::StrCat("has no ", kNames[key]));
  }
  RecordedExtent extent;
  if (!ParseState(handler.text(kState), &extent.state)) {
    return Invalid(absl::StrCat("state ", Shown(handler.text(kState)), " is not one"));
  }
  absl::Status status = ReadProcess(handler, &extent.process);
  if (status.ok()) status = ReadRange(handler, page_size_bytes, extent.range.mutable_range());
  if (status.ok()) status = ReadExpected(handler, extent.range.mutable_expected());
  if (status.ok()) status = ReadGuestPlace(handler, &extent.guest_place);
  if (!status.ok()) return status;
  return extent;
}

}  // namespace pagemapd
