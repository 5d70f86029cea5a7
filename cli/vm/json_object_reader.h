#ifndef PAGEMAPD_CLI_VM_JSON_OBJECT_READER_H_
#define PAGEMAPD_CLI_VM_JSON_OBJECT_READER_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace pagemapd {

// Cuts a stream of bytes into the JSON objects that it consists of, with nothing but white space
// between them: on one line each or, as QEMU has it with pretty=on, on many. Whether what is within
// the braces is JSON the parser has to tell; here it is bounded, in length and depth, before that.
// Not thread-safe.
class JsonObjectReader {
 public:
  JsonObjectReader(size_t max_bytes, int max_depth)
      : max_bytes_(max_bytes), max_depth_(max_depth) {}

  void Append(absl::string_view bytes) { text_.append(bytes.data(), bytes.size()); }

  // The text of the next object; nothing if more bytes are needed for it. DATA_LOSS: something else
  // than an object begins. RESOURCE_EXHAUSTED: it is longer or deeper than allowed. After an error
  // there is no way on.
  absl::StatusOr<std::optional<std::string>> Next();

 private:
  size_t max_bytes_;
  int max_depth_;
  std::string text_;
  // Bytes of `text_` that were looked at; what they left open.
  size_t scanned_ = 0;
  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_JSON_OBJECT_READER_H_
