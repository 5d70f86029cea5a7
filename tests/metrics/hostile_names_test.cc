// Names of every kind, by pagemapctl's writer, in Debian's node_exporter.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <iterator>
#include <random>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/metrics/exposition.h"
#include "cli/metrics/file_replacement.h"
#include "cli/metrics/label_text.h"
#include "tests/metrics/exposition_samples.h"
#include "tests/metrics/node_exporter.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {
namespace {

constexpr MetricFamily kFamily = {"hostile_names", MetricType::kGauge, "Names."};

// Pieces that mean something to the format, to UTF-8 or to a terminal.
constexpr const char* kPieces[] = {"\"",
                                   "\\",
                                   "\n",
                                   "{",
                                   "}",
                                   ",",
                                   "=",
                                   "#",
                                   " ",
                                   "\r",
                                   "\t",
                                   "\x1b",
                                   "\xff",
                                   "\xc3",
                                   "é",
                                   "日",
                                   "a",
                                   "Z9",
                                   "\\n",
                                   "\\\"",
                                   "\x7f",
                                   "\xed\xa0\x80",
                                   "\xef\xbb\xbf",
                                   "\xf4\x90\x80\x80"};

std::set<std::string> Names() {
  std::set<std::string> names = {std::string(kMaxLabelBytes + 100, 'x')};
  for (int byte = 0; byte < 256; ++byte) {
    names.insert(std::string(1, static_cast<char>(byte)));
    names.insert(absl::StrCat("x", std::string(1, static_cast<char>(byte)), "y"));
  }
  std::mt19937 random(20260);
  for (int i = 0; i < 2000; ++i) {
    std::string name;
    for (size_t pieces = random() % 8; pieces > 0; --pieces) {
      name += kPieces[random() % std::size(kPieces)];
    }
    names.insert(name);
  }
  return names;
}

TEST(HostileNamesTest, AllAreServed) {
  char directory[] = "/tmp/pagemapd-names-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  const absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"rmtree", directory});
  ASSERT_TRUE(undo.ok()) << undo.status();
  Exposition exposition;
  uint64_t number = 0;
  for (const std::string& name : Names()) exposition.Add(kFamily, {{"name", name}}, ++number);
  ASSERT_GT(number, 1500u);
  const std::string text = exposition.Text();
  ASSERT_TRUE(ReplaceFile(absl::StrCat(directory, "/names.prom"), text).ok());

  const absl::StatusOr<NodeExporter> exporter = NodeExporter::Start(directory);
  ASSERT_TRUE(exporter.ok()) << exporter.status();
  const absl::StatusOr<std::string> body = exporter->Scrape();
  ASSERT_TRUE(body.ok()) << body.status();
  EXPECT_TRUE(absl::StrContains(*body, "\nnode_textfile_scrape_error 0\n")) << exporter->Log();
  const absl::StatusOr<Samples> written = ParseSamples(text, "hostile_names");
  const absl::StatusOr<Samples> served = ParseSamples(*body, "hostile_names");
  ASSERT_TRUE(written.ok()) << written.status();
  ASSERT_TRUE(served.ok()) << served.status();
  EXPECT_EQ(written->size(), number);
  EXPECT_EQ(*served, *written);
  // What is UTF-8, and no control character, comes as it is.
  EXPECT_EQ(served->count({"hostile_names", {{"name", "x\ny"}}}), 1u);
  EXPECT_EQ(served->count({"hostile_names", {{"name", "x\\y"}}}), 1u);
  EXPECT_EQ(served->count({"hostile_names", {{"name", "x\"y"}}}), 1u);
}

}  // namespace
}  // namespace pagemapd
