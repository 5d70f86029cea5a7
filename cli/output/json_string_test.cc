#include "cli/output/json_string.h"

#include <string>

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

std::string Json(absl::string_view bytes) {
  fmt::memory_buffer out;
  AppendJsonString(bytes, out);
  return fmt::to_string(out);
}

TEST(JsonStringTest, QuotesAndEscapes) {
  EXPECT_EQ(Json(""), "\"\"");
  EXPECT_EQ(Json("/dev/zram0"), "\"/dev/zram0\"");
  EXPECT_EQ(Json("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(Json("\n\x01"), "\"\\n\\u0001\"");
  EXPECT_EQ(Json("größe"), "\"größe\"");
}

TEST(JsonStringTest, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(Json("x\xffy"), "\"x\xef\xbf\xbdy\"");
  EXPECT_EQ(Json("x\xc3"), "\"x\xef\xbf\xbd\"");
}

TEST(JsonStringTest, EveryByteComesOutAsJson) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    const auto parsed = nlohmann::json::parse(Json(text));
    EXPECT_EQ(parsed.get<std::string>(), byte < 0x80 ? text : "\xef\xbf\xbd") << byte;
  }
}

TEST(JsonTextTest, KeepsTheOrderOfFields) {
  EXPECT_EQ(JsonText({{"b", 1}, {"a", "\xff"}}, -1), "{\"b\":1,\"a\":\"\xef\xbf\xbd\"}");
}

}  // namespace
}  // namespace pagemapd
