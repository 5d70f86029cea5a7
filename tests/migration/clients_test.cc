// Migration tooling that talks to the daemon itself: recool.py and recool_bitmap.cc, each on a real
// migration.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cstdio>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/migration/migration_fixture.h"
#include "tests/testing/fd.h"
#include "tests/testing/runfile.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/text_file.h"
#include "tests/testing/undo_entry.h"

namespace pagemapd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Says something to its one client, and nothing more.
class Speaker {
 public:
  static absl::StatusOr<Speaker> Start(const std::string& said) {
    Speaker speaker;
    char directory[] = "/tmp/pagemapd-test-XXXXXX";
    if (mkdtemp(directory) == nullptr) return ErrnoError("mkdtemp");
    absl::StatusOr<UndoEntry> undo = UndoEntry::Register({"rmtree", directory});
    if (!undo.ok()) return undo.status();
    speaker.undo_directory_ = *std::move(undo);
    speaker.path_ = absl::StrCat(directory, "/socket");
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    speaker.path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    speaker.listening_ = Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int listening = speaker.listening_.get();
    if (bind(listening, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
        listen(listening, 1) != 0) {
      return ErrnoError("listen on " + speaker.path_);
    }
    speaker.thread_ = std::thread([said, listening] {
      Fd client(accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));
      for (size_t sent = 0; sent < said.size();) {
        const ssize_t now =
            send(client.get(), said.data() + sent, said.size() - sent, MSG_NOSIGNAL);
        if (now <= 0) break;
        sent += now;
      }
    });
    return speaker;
  }

  Speaker(Speaker&&) = default;
  ~Speaker() {
    if (!thread_.joinable()) return;
    // If nobody has come.
    shutdown(listening_.get(), SHUT_RDWR);
    thread_.join();
  }

  const std::string& path() const { return path_; }

 private:
  Speaker() = default;

  UndoEntry undo_directory_;
  std::string path_;
  Fd listening_;
  std::thread thread_;
};

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
      absl::StatusOr<Speaker> speaker = Speaker::Start(said);
      ASSERT_TRUE(speaker.ok()) << speaker.status();
      EXPECT_EQ(Run(client, daemon().address(), speaker->path(), ""), 1);
      EXPECT_THAT(output(), Not(HasSubstr("Traceback")));
    }
  }
}

}  // namespace
}  // namespace pagemapd
