#ifndef PAGEMAPD_TESTS_SERVICE_LOAD_HTTP2_SESSION_H_
#define PAGEMAPD_TESTS_SERVICE_LOAD_HTTP2_SESSION_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace pagemapd {

// A frame of HTTP/2 (RFC 9113, 4.1).
struct Http2Frame {
  static constexpr uint8_t kData = 0, kHeaders = 1, kResetStream = 3, kSettings = 4, kPing = 6;
  static constexpr uint8_t kWindowUpdate = 8, kContinuation = 9;

  uint8_t type = 0;
  uint8_t flags = 0;
  uint32_t stream = 0;
  std::string payload;
};

std::string BytesOf(const Http2Frame& frame);

// What a client sent over a connection: the preface, and frames.
struct Http2Session {
  static constexpr absl::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

  std::vector<Http2Frame> frames;

  std::string Bytes() const;
  // INVALID_ARGUMENT if it is anything else.
  static absl::StatusOr<Http2Session> Parse(absl::string_view bytes);
};

// Something like the session, and yet not what a client would send: one kind of mutation in turn.
inline constexpr int kMutations = 12;
const char* MutationName(int mutation);
std::string Mutated(const Http2Session& session, int mutation, std::mt19937_64& lots);

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_SERVICE_LOAD_HTTP2_SESSION_H_
