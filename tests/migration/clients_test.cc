// Migration tooling that talks to the daemon itself: recool.py and recool_bitmap.cc, each on a real
// migration.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/vm/qmp_peer.h"
#include "tests/migration/migration_fixture.h"
#include "tests/testing/fd.h"
#include "tests/testing/runfile.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/text_file.h"

namespace pagemapd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ClientsTest : public MigrationFixture {
 protected:
  void Start() {
    // Runs of 12 pages, 4096 of them: more than one request holds.
    StartDaemon({"--max-ranges", "1000"});
    StartPair(GuestPair::Guest::kSmall);
  }

  std::vector<std::string> Python() {
    return {"/usr/bin/python3", Runfile("tests/migration/recool.py")};
  }
  std::vector<std::string> Bitmap() { return {Runfile("tests/migration/recool_bitmap")}; }

  // Runs a client on the source. Returns its exit code; what it wrote is in output().
  int Run(std::vector<std::string> argv, const std::string& address, const std::string& qmp_path,
          const std::string& destination) {
    argv.insert(argv.end(), {address, qmp_path, destination});
    const std::string path = ::testing::TempDir() + "/output";
    Fd output(open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    Subprocess::Options options;
    options.argv = argv;
    options.fds = {{output.get(), STDOUT_FILENO}, {output.get(), STDERR_FILENO}};
    options.environment = {"PYTHONPATH=" + Runfile("proto"), "PYTHONDONTWRITEBYTECODE=1"};
    absl::StatusOr<Subprocess> client = Subprocess::Start(options);
    EXPECT_TRUE(client.ok()) << client.status();
    if (!client.ok()) return -1;
    const absl::StatusOr<int> status = client->Wait(absl::Minutes(1));
    EXPECT_TRUE(status.ok()) << status.status();
    output_ = ReadText(path).value_or("");
    printf("%s", output_.c_str());
    return status.ok() && WIFEXITED(*status) ? WEXITSTATUS(*status) : -1;
  }
  int Run(const std::vector<std::string>& argv, const std::string& destination) {
    return Run(argv, daemon().address(), pair().source().qmp_path(), destination);
  }
  const std::string& output() const { return output_; }

  std::vector<bool> Swapped() {
    return Record({"pages", source_pid(), "--mapping", "/memfd:*"},
                  ::testing::TempDir() + "/cold.jsonl");
  }

  // A whole round.
  void ExpectItRecools(const std::vector<std::string>& client) {
    Start();
    ASSERT_FALSE(HasFailure());
    Cool(4);
    const std::vector<bool> cold = Swapped();
    const std::vector<TruePage> before = SourceTruth();
    EXPECT_EQ(Run(client, pair().uri()), 0);
    // All of it has been in RAM, since all of it has been paged out.
    EXPECT_THAT(output(), HasSubstr("pages PAGE_OUT_OUTCOME_PAGED_OUT"));
    ExpectRecooled(cold, before, SourceTruth());
    ExpectGoodMemory();
  }

 private:
  std::string output_;
};

TEST_F(ClientsTest, Python) { ExpectItRecools(Python()); }

TEST_F(ClientsTest, Bitmap) { ExpectItRecools(Bitmap()); }

TEST_F(ClientsTest, AMigrationThatFails) {
  Start();
  ASSERT_FALSE(HasFailure());
  Cool(4);
  const std::vector<bool> cold = Swapped();
  const std::vector<TruePage> before = SourceTruth();
  for (const std::vector<std::string>& client : {Python(), Bitmap()}) {
    EXPECT_EQ(Run(client, "unix:" + pair().source().directory() + "/nobody"), 1);
    EXPECT_THAT(output(), HasSubstr("Failed to connect"));
  }
  ExpectRecooled(cold, before, SourceTruth());
}

TEST_F(ClientsTest, NobodyThere) {
  for (const std::vector<std::string>& client : {Python(), Bitmap()}) {
    EXPECT_EQ(Run(client, "unix:///nonexistent", "/nonexistent", ""), 1);
    EXPECT_EQ(Run(client, daemon().address(), "/nonexistent", ""), 1);
    EXPECT_THAT(output(), HasSubstr("/nonexistent: "));
    EXPECT_THAT(output(), HasSubstr("No such file or directory"));
  }
}

// In place of QEMU.
TEST_F(ClientsTest, Nonsense) {
  for (const std::string& said :
       {std::string(), std::string("\n"), std::string("[]\n"), std::string("QMP\n"),
        std::string("{\"QMP\": "), std::string("{\"return\": {}}\n"), std::string(1 << 21, '[')}) {
    for (const std::vector<std::string>& client : {Python(), Bitmap()}) {
      SCOPED_TRACE(client.back() + ": " + said.substr(0, 20));
      const QmpPeer peer([&said](const QmpConnection& connection) { connection.Say(said); });
      EXPECT_EQ(Run(client, daemon().address(), peer.path(), ""), 1);
      EXPECT_THAT(output(), Not(HasSubstr("Traceback")));
    }
  }
}

}  // namespace
}  // namespace pagemapd
