#include "tests/service/load/http2_session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/strip.h"

namespace pagemapd {
namespace {

constexpr size_t kFrameHeader = 9;
constexpr uint8_t kEndHeaders = 4;

std::string BigEndian(uint64_t number, int bytes) {
  std::string text(bytes, '\0');
  for (int i = bytes - 1; i >= 0; --i, number >>= 8) text[i] = static_cast<char>(number);
  return text;
}

uint64_t FromBigEndian(absl::string_view text) {
  uint64_t number = 0;
  for (unsigned char byte : text) number = number << 8 | byte;
  return number;
}

std::string RandomBytes(size_t count, std::mt19937_64& lots) {
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(lots());
  return bytes;
}

void FlipBits(std::string* bytes, std::mt19937_64& lots) {
  if (bytes->empty()) return;
  for (uint64_t flips = 1 + lots() % 8; flips > 0; --flips) {
    (*bytes)[lots() % bytes->size()] ^= 1 << lots() % 8;
  }
}

// The first frame of a type, or an empty one of it.
Http2Frame FrameOf(const Http2Session& session, uint8_t type) {
  for (const Http2Frame& frame : session.frames) {
    if (frame.type == type) return frame;
  }
  return {type, 0, 1, ""};
}

// The session up to its first call.
Http2Session Beginning(const Http2Session& session) {
  Http2Session beginning;
  for (const Http2Frame& frame : session.frames) {
    if (frame.type == Http2Frame::kHeaders) break;
    beginning.frames.push_back(frame);
  }
  return beginning;
}

std::string WrongLengths(const Http2Session& session, std::mt19937_64& lots) {
  std::string bytes(Http2Session::kPreface);
  for (const Http2Frame& frame : session.frames) {
    std::string one = BytesOf(frame);
    if (lots() % 4 == 0) {
      one.replace(0, 3, BigEndian(lots() % 2 == 0 ? 0xffffff : lots() % 20000, 3));
    }
    bytes += one;
  }
  return bytes;
}

std::string WrongStreams(Http2Session session, std::mt19937_64& lots) {
  static constexpr uint32_t kStreams[] = {0, 2, 1, 3, 0x7fffffff, 0xffffffff};
  for (Http2Frame& frame : session.frames) {
    if (lots() % 2 == 0) frame.stream = kStreams[lots() % std::size(kStreams)];
  }
  return session.Bytes();
}

// One header block that does not end, or new ones without end.
std::string HeaderFlood(const Http2Session& session, std::mt19937_64& lots) {
  Http2Session flood = Beginning(session);
  Http2Frame headers = FrameOf(session, Http2Frame::kHeaders);
  headers.flags &= ~kEndHeaders;
  flood.frames.push_back(headers);
  for (int i = 0; i < 100; ++i) {
    // A literal header field, never indexed, with a name and a value of this call's own.
    std::string field("\x10", 1);
    field += static_cast<char>(16);
    field += std::string(16, static_cast<char>('a' + lots() % 26));
    field += static_cast<char>(100);
    field += std::string(100, 'x');
    std::string block;
    for (int copies = 0; copies < 40; ++copies) block += field;
    flood.frames.push_back({Http2Frame::kContinuation, 0, headers.stream, std::move(block)});
  }
  return flood.Bytes();
}

std::string RapidResets(const Http2Session& session, std::mt19937_64& lots) {
  Http2Session resets = Beginning(session);
  Http2Frame headers = FrameOf(session, Http2Frame::kHeaders);
  for (uint32_t i = 0; i < 100; ++i) {
    headers.stream = 1 + 2 * i;
    resets.frames.push_back(headers);
    resets.frames.push_back(
        {Http2Frame::kResetStream, 0, headers.stream, BigEndian(lots() % 14, 4)});
  }
  return resets.Bytes();
}

std::string WindowUpdates(Http2Session session, std::mt19937_64& lots) {
  static constexpr uint32_t kIncrements[] = {0, 1, 0x7fffffff, 0xffffffff};
  for (int i = 0; i < 200; ++i) {
    const size_t at = lots() % (session.frames.size() + 1);
    session.frames.insert(session.frames.begin() + at,
                          {Http2Frame::kWindowUpdate, 0, static_cast<uint32_t>(lots() % 2),
                           BigEndian(kIncrements[lots() % std::size(kIncrements)], 4)});
  }
  return session.Bytes();
}

std::string HugeSettings(Http2Session session, std::mt19937_64& lots) {
  static constexpr uint32_t kValues[] = {0, 1, 16384, 0x7fffffff, 0xffffffff};
  for (int i = 0; i < 50; ++i) {
    std::string payload;
    for (int entries = 0; entries < 200; ++entries) {
      payload += BigEndian(lots() % 9, 2) + BigEndian(kValues[lots() % std::size(kValues)], 4);
    }
    session.frames.insert(session.frames.begin() + lots() % (session.frames.size() + 1),
                          {Http2Frame::kSettings, 0, 0, payload});
  }
  return session.Bytes();
}

std::string Pings(Http2Session session, std::mt19937_64& lots) {
  for (int i = 0; i < 300; ++i) {
    session.frames.push_back({Http2Frame::kPing, 0, 0, RandomBytes(8, lots)});
  }
  return session.Bytes();
}

std::string Reordered(Http2Session session, std::mt19937_64& lots) {
  for (int i = 0; i < 4; ++i) {
    auto& frames = session.frames;
    const size_t at = lots() % frames.size();
    if (lots() % 3 == 0) {
      frames.push_back(frames[at]);
    } else if (lots() % 2 == 0 && frames.size() > 2) {
      frames.erase(frames.begin() + at);
    } else {
      std::swap(frames[at], frames[lots() % frames.size()]);
    }
  }
  return session.Bytes();
}

// Frames as they should be, and within them messages that are none.
std::string WrongMessages(Http2Session session, std::mt19937_64& lots) {
  for (Http2Frame& frame : session.frames) {
    if (frame.type != Http2Frame::kData || frame.payload.size() < 5) continue;
    // A byte that says whether it is compressed, its length, and the message.
    std::string message = frame.payload.substr(5);
    FlipBits(&message, lots);
    if (lots() % 3 == 0) message += RandomBytes(lots() % 200, lots);
    uint64_t length = message.size();
    if (lots() % 8 == 0) length = lots() % 2 == 0 ? 0xffffffff : lots() % 1000;
    frame.payload =
        std::string(1, static_cast<char>(lots() % 16 == 0)) + BigEndian(length, 4) + message;
  }
  return session.Bytes();
}

}  // namespace

std::string BytesOf(const Http2Frame& frame) {
  return BigEndian(frame.payload.size(), 3) + static_cast<char>(frame.type) +
         static_cast<char>(frame.flags) + BigEndian(frame.stream, 4) + frame.payload;
}

std::string Http2Session::Bytes() const {
  std::string bytes(kPreface);
  for (const Http2Frame& frame : frames) bytes += BytesOf(frame);
  return bytes;
}

absl::StatusOr<Http2Session> Http2Session::Parse(absl::string_view bytes) {
  if (!absl::ConsumePrefix(&bytes, kPreface)) return absl::InvalidArgumentError("no preface");
  Http2Session session;
  while (!bytes.empty()) {
    if (bytes.size() < kFrameHeader) return absl::InvalidArgumentError("half a frame");
    const size_t length = FromBigEndian(bytes.substr(0, 3));
    if (bytes.size() < kFrameHeader + length) return absl::InvalidArgumentError("half a frame");
    session.frames.push_back({static_cast<uint8_t>(bytes[3]), static_cast<uint8_t>(bytes[4]),
                              static_cast<uint32_t>(FromBigEndian(bytes.substr(5, 4))),
                              std::string(bytes.substr(kFrameHeader, length))});
    bytes.remove_prefix(kFrameHeader + length);
  }
  return session;
}

const char* MutationName(int mutation) {
  static constexpr const char* kNames[kMutations] = {
      "truncated",     "bits flipped",    "wrong lengths",  "wrong streams",
      "header floods", "rapid resets",    "window updates", "settings",
      "pings",         "frames shuffled", "wrong messages", "noise"};
  return kNames[mutation];
}

std::string Mutated(const Http2Session& session, int mutation, std::mt19937_64& lots) {
  std::string bytes = session.Bytes();
  switch (mutation) {
    case 0:
      return bytes.substr(0, lots() % bytes.size());
    case 1:
      FlipBits(&bytes, lots);
      return bytes;
    case 2:
      return WrongLengths(session, lots);
    case 3:
      return WrongStreams(session, lots);
    case 4:
      return HeaderFlood(session, lots);
    case 5:
      return RapidResets(session, lots);
    case 6:
      return WindowUpdates(session, lots);
    case 7:
      return HugeSettings(session, lots);
    case 8:
      return Pings(session, lots);
    case 9:
      return Reordered(session, lots);
    case 10:
      return WrongMessages(session, lots);
    default:
      return std::string(lots() % 2 == 0 ? Http2Session::kPreface : "") +
             RandomBytes(lots() % 4096, lots);
  }
}

}  // namespace pagemapd
