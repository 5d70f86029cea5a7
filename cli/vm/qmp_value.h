#ifndef PAGEMAPD_CLI_VM_QMP_VALUE_H_
#define PAGEMAPD_CLI_VM_QMP_VALUE_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "cli/vm/qmp_client.h"

namespace pagemapd {

// Members of what QEMU answers: nothing where `value` is no object, has no such member, or one of
// another type.
std::string TextAt(const nlohmann::json& value, const char* name);
std::optional<uint64_t> NumberAt(const nlohmann::json& value, const char* name);
bool FlagAt(const nlohmann::json& value, const char* name);
// The member itself; null if there is none.
const nlohmann::json& MemberAt(const nlohmann::json& value, const char* name);

// QEMU does not do what it was asked for; the conversation can go on.
bool IsRefusal(const absl::Status& status);

// What `command` returns, or null if QEMU refuses it. Errors: those of the conversation.
absl::StatusOr<nlohmann::json> AskIfKnown(QmpClient& qmp, const std::string& command);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_QMP_VALUE_H_
