#include "cli/vm/json_object_reader.h"

#include <string>

#include "gtest/gtest.h"

namespace pagemapd {
namespace {

TEST(JsonObjectReader, CutsObjectsWhereverTheBytesBreak) {
  const std::string stream =
      "{\"a\": {\"b\": [1, 2]}}\r\n {\r\n  \"c\": \"} \\\" {\"\r\n}\r\n{}\t{\"d\":\"\\\\\"}";
  const std::vector<std::string> objects = {
      "{\"a\": {\"b\": [1, 2]}}", "{\r\n  \"c\": \"} \\\" {\"\r\n}", "{}", "{\"d\":\"\\\\\"}"};
  for (size_t step = 1; step <= stream.size(); ++step) {
    JsonObjectReader reader(1000, 3);
    std::vector<std::string> found;
    for (size_t i = 0; i < stream.size(); i += step) {
      reader.Append(stream.substr(i, step));
      while (true) {
        const auto next = reader.Next();
        ASSERT_TRUE(next.ok()) << next.status();
        if (!next->has_value()) break;
        found.push_back(**next);
      }
    }
    EXPECT_EQ(found, objects) << "in steps of " << step;
  }
}

TEST(JsonObjectReader, NamesWhatIsNoObject) {
  JsonObjectReader reader(100, 3);
  reader.Append("{} \x01[1]");
  ASSERT_TRUE(reader.Next().ok());
  const auto next = reader.Next();
  EXPECT_TRUE(absl::IsDataLoss(next.status()));
  EXPECT_EQ(next.status().message(), "not a JSON object: \"\\001[1]\"");
}

TEST(JsonObjectReader, BoundsLength) {
  JsonObjectReader fits(10, 3);
  fits.Append("{\"456789\"}");
  const auto whole = fits.Next();
  ASSERT_TRUE(whole.ok());
  EXPECT_TRUE(whole->has_value());
  JsonObjectReader reader(10, 3);
  reader.Append("{\"4567890");
  ASSERT_TRUE(reader.Next().ok());
  reader.Append("1\"}");
  EXPECT_EQ(reader.Next().status(),
            absl::ResourceExhaustedError("a message of more than 10 bytes"));
}

TEST(JsonObjectReader, BoundsDepth) {
  JsonObjectReader reader(100, 3);
  reader.Append("{[{ \"[[[[\" }]}{[[[");
  ASSERT_TRUE(reader.Next().ok());
  EXPECT_EQ(reader.Next().status(),
            absl::ResourceExhaustedError("a message more than 3 levels deep"));
}

}  // namespace
}  // namespace pagemapd
