#include "cli/page_names.h"

#include <array>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace pagemapd {
namespace {

// Values of the enums here are small; flags are bits of a uint32.
constexpr int kValues = 32;

std::array<std::string, kValues> Names(const google::protobuf::EnumDescriptor& descriptor,
                                       size_t prefix_length) {
  std::array<std::string, kValues> names;
  for (int value = 1; value < kValues; ++value) {
    const auto* known = descriptor.FindValueByNumber(value);
    names[value] = known == nullptr ? absl::StrCat(value)
                                    : absl::AsciiStrToLower(known->name().substr(prefix_length));
  }
  return names;
}

const std::string& NameOf(const std::array<std::string, kValues>& names, int value) {
  static const auto* kTooLarge = new std::string("?");
  return value >= 0 && value < kValues ? names[value] : *kTooLarge;
}

}  // namespace

const std::string& StateName(v1::PageState state) {
  static const auto* kNames = new auto(Names(*v1::PageState_descriptor(), strlen("PAGE_STATE_")));
  return NameOf(*kNames, state);
}

const std::string& SourceName(v1::PageSource source) {
  static const auto* kNames = new auto(Names(*v1::PageSource_descriptor(), strlen("PAGE_SOURCE_")));
  return NameOf(*kNames, source);
}

const std::string& KindName(v1::MappingKind kind) {
  static const auto* kNames =
      new auto(Names(*v1::MappingKind_descriptor(), strlen("MAPPING_KIND_")));
  return NameOf(*kNames, kind);
}

const std::string& OutcomeName(v1::PageOutOutcome outcome) {
  static const auto* kNames =
      new auto(Names(*v1::PageOutOutcome_descriptor(), strlen("PAGE_OUT_OUTCOME_")));
  return NameOf(*kNames, outcome);
}

std::vector<absl::string_view> FlagNames(uint32_t flags) {
  static const auto* kNames = new auto(Names(*v1::PageFlag_descriptor(), strlen("PAGE_FLAG_")));
  std::vector<absl::string_view> names;
  for (int flag = 1; flag < kValues; ++flag) {
    if (flags & (uint32_t{1} << flag)) names.push_back((*kNames)[flag]);
  }
  return names;
}

bool ParseState(absl::string_view name, v1::PageState* state) {
  for (int value = v1::PageState_MIN + 1; value <= v1::PageState_MAX; ++value) {
    *state = static_cast<v1::PageState>(value);
    if (v1::PageState_IsValid(value) && StateName(*state) == name) return true;
  }
  return false;
}

}  // namespace pagemapd
