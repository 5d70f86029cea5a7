// Requests that are begun and never ended: many large messages of one user, each all sent but for
// its last bytes. What the daemon holds of them is bounded, and others are served.

#include <errno.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "tests/service/load/crowd_fixture.h"
#include "tests/service/load/http2_session.h"

namespace pagemapd {
namespace {

constexpr int kConnections = 64;
constexpr uint32_t kStreams = 16;
// A little less than the daemon takes at most by default.
constexpr uint64_t kMessageBytes = 1'100'000;
constexpr uint64_t kLeftOut = 16;

std::string BigEndian32(uint32_t number) {
  return {static_cast<char>(number >> 24), static_cast<char>(number >> 16),
          static_cast<char>(number >> 8), static_cast<char>(number)};
}

uint32_t FromBigEndian32(const char* bytes) {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes);
  return uint32_t{at[0]} << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

// A header field as a literal that is not indexed (RFC 7541, 6.2.2), of less than 127 bytes.
std::string Field(const std::string& name, const std::string& value) {
  return std::string(1, '\0') + static_cast<char>(name.size()) + name +
         static_cast<char>(value.size()) + value;
}

// A client of HTTP/2 that keeps to the windows it is given, and begins kStreams calls.
class HalfSender {
 public:
  explicit HalfSender(Fd connection) : connection_(std::move(connection)) {
    out_ = std::string(Http2Session::kPreface) + BytesOf({Http2Frame::kSettings, 0, 0, ""});
    const std::string headers = Field(":method", "POST") + Field(":scheme", "http") +
                                Field(":path", "/pagemapd.v1.PagemapService/QueryPages") +
                                Field(":authority", "daemon") +
                                Field("content-type", "application/grpc") + Field("te", "trailers");
    for (uint32_t i = 0; i < kStreams; ++i) {
      const uint32_t stream = 1 + 2 * i;
      out_ += BytesOf({Http2Frame::kHeaders, /*END_HEADERS*/ 4, stream, headers});
      left_[stream] = kMessageBytes + 5 - kLeftOut;
    }
  }

  // Sends and reads what can be at once. False if the daemon hung up.
  bool Step() {
    Fill();
    const ssize_t sent = send(connection_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent > 0) {
      out_.erase(0, sent);
      sent_ += sent;
    }
    char buffer[65536];
    const ssize_t got = read(connection_.get(), buffer, sizeof(buffer));
    if (got == 0 || (got < 0 && errno != EAGAIN)) return false;
    if (got > 0) in_.append(buffer, got);
    while (in_.size() >= 9) {
      const uint32_t length = FromBigEndian32(in_.data()) >> 8;
      if (in_.size() < 9 + length) break;
      Take(static_cast<uint8_t>(in_[3]), static_cast<uint8_t>(in_[4]),
           FromBigEndian32(&in_[5]) & 0x7fffffff, in_.substr(9, length));
      in_.erase(0, 9 + length);
    }
    return true;
  }

  uint64_t sent() const { return sent_; }
  // Calls that the daemon has ended.
  int ended() const { return ended_; }

 private:
  static constexpr uint64_t kFrame = 16384;

  void Take(uint8_t type, uint8_t flags, uint32_t stream, const std::string& payload) {
    const bool is_ack = (flags & 1) != 0;
    if (type == Http2Frame::kSettings && !is_ack) {
      for (size_t i = 0; i + 6 <= payload.size(); i += 6) {
        // SETTINGS_INITIAL_WINDOW_SIZE.
        if (payload[i] != 0 || payload[i + 1] != 4) continue;
        const int64_t initial = FromBigEndian32(&payload[i + 2]);
        for (auto& [id, window] : windows_) window += initial - initial_window_;
        initial_window_ = initial;
      }
      out_ += BytesOf({Http2Frame::kSettings, 1, 0, ""});
    } else if (type == Http2Frame::kPing && !is_ack) {
      out_ += BytesOf({Http2Frame::kPing, 1, 0, payload});
    } else if (type == Http2Frame::kWindowUpdate && payload.size() == 4) {
      const int64_t more = FromBigEndian32(payload.data());
      (stream == 0 ? connection_window_ : WindowOf(stream)) += more;
    } else if (type == Http2Frame::kResetStream ||
               (type == Http2Frame::kHeaders && is_ack /*END_STREAM*/)) {
      ended_ += static_cast<int>(left_.erase(stream));
    }
  }

  int64_t& WindowOf(uint32_t stream) {
    return windows_.try_emplace(stream, initial_window_).first->second;
  }

  // Makes frames of DATA, a frame a stream in turn, as far as the windows go.
  void Fill() {
    for (auto& [stream, left] : left_) {
      int64_t& window = WindowOf(stream);
      if (out_.size() > 4 * kFrame) return;
      const int64_t bytes =
          std::min({static_cast<int64_t>(std::min(left, kFrame)), window, connection_window_});
      if (bytes < 5) continue;
      const bool is_first = left == kMessageBytes + 5 - kLeftOut;
      std::string payload(bytes, 'x');
      if (is_first) payload.replace(0, 5, std::string(1, '\0') + BigEndian32(kMessageBytes));
      out_ += BytesOf({Http2Frame::kData, 0, stream, payload});
      left -= bytes;
      window -= bytes;
      connection_window_ -= bytes;
    }
  }

  Fd connection_;
  std::string out_, in_;
  int64_t initial_window_ = 65535;
  int64_t connection_window_ = 65535;
  std::map<uint32_t, int64_t> windows_;
  // Of each call: bytes to be sent.
  std::map<uint32_t, uint64_t> left_;
  uint64_t sent_ = 0;
  int ended_ = 0;
};

class HalfSentTest : public CrowdTest {
 protected:
  uint64_t sent_ = 0;
};

TEST_F(HalfSentTest, RequestsThatNeverEnd) {
  StartDaemon({});
  std::vector<std::unique_ptr<HalfSender>> senders;
  for (int i = 0; i < kConnections; ++i) {
    senders.push_back(std::make_unique<HalfSender>(ConnectUser(1)));
  }
  const auto other = StubOfUser(2);
  uint64_t sent = 0, rss = 0;
  int hung_up = 0, ended = 0, served = 0;
  absl::Time last_progress = absl::Now();
  const absl::Time begin = absl::Now();
  const auto goes_on = [&] {
    const absl::Time now = absl::Now();
    const bool moves = now < last_progress + absl::Seconds(1) && now < begin + absl::Seconds(15);
    // However slow the daemon is, it gets to serve the other so often.
    return moves || (served <= 10 && now < begin + absl::Minutes(1));
  };
  while (goes_on()) {
    uint64_t now = 0;
    for (auto& sender : senders) {
      if (sender == nullptr) continue;
      const bool lives = sender->Step();
      now += sender->sent();
      if (lives) continue;
      ++hung_up;
      ended += sender->ended();
      sent += sender->sent();
      sender = nullptr;
    }
    if (now + sent > sent_) last_progress = absl::Now();
    sent_ = std::max(sent_, now + sent);
    const grpc::Status status = Ask(*other);
    EXPECT_TRUE(status.ok()) << status.error_message();
    served += status.ok();
    rss = std::max(rss, *daemon_->RssBytes());
    absl::SleepFor(absl::Milliseconds(1));
  }
  for (const auto& sender : senders) ended += sender == nullptr ? 0 : sender->ended();
  printf(
      "[ figure ] %d connections of one user with %u requests each that do not end: %lu MiB sent "
      "in %.1f s, %d requests and %d connections ended by the daemon; RSS %lu MiB, %lu MiB "
      "before; another caller served %d times\n",
      kConnections, kStreams, sent_ >> 20, absl::ToDoubleSeconds(absl::Now() - begin), ended,
      hung_up, rss >> 20, rss_before_ >> 20, served);
  EXPECT_LT(rss, DaemonProcess::RssBound(uint64_t{128} << 20));
  EXPECT_GT(served, 10);
}

}  // namespace
}  // namespace pagemapd
