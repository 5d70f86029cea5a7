#include "cli/vm/qmp_value.h"

namespace pagemapd {

using nlohmann::json;

const json& MemberAt(const json& value, const char* name) {
  static const json* const null = new json;
  const auto found = value.is_object() ? value.find(name) : value.end();
  return found == value.end() ? *null : *found;
}

std::string TextAt(const json& value, const char* name) {
  const json& member = MemberAt(value, name);
  return member.is_string() ? member.get<std::string>() : "";
}

std::optional<uint64_t> NumberAt(const json& value, const char* name) {
  const json& member = MemberAt(value, name);
  if (!member.is_number_unsigned()) return std::nullopt;
  return member.get<uint64_t>();
}

bool FlagAt(const json& value, const char* name) {
  const json& member = MemberAt(value, name);
  return member.is_boolean() && member.get<bool>();
}

bool IsRefusal(const absl::Status& status) {
  return absl::IsAborted(status) || absl::IsUnimplemented(status) || absl::IsNotFound(status);
}

absl::StatusOr<json> AskIfKnown(QmpClient& qmp, const std::string& command) {
  absl::StatusOr<json> answer = qmp.Execute(command);
  if (!answer.ok() && IsRefusal(answer.status())) return json();
  return answer;
}

}  // namespace pagemapd
