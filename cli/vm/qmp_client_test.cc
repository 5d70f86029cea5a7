#include "cli/vm/qmp_client.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "cli/vm/qmp_peer.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using nlohmann::json;

const std::string kGreeting = QmpGreeting();
// The answer to qmp_capabilities.
constexpr char kNegotiated[] = "{\"return\": {}, \"id\": 1}\r\n";
constexpr absl::Duration kLong = absl::Seconds(30);
constexpr absl::Duration kShort = absl::Milliseconds(200);

// Greets, negotiates, and gives `answer` to the command after that.
QmpPeer Answering(std::string answer) {
  return QmpPeer([answer = std::move(answer)](const QmpConnection& connection) {
    connection.Say(kGreeting);
    connection.Hear();
    connection.Say(kNegotiated);
    connection.Hear();
    connection.Say(answer);
    connection.Hear();
  });
}

absl::Status StatusOfAnswer(const std::string& answer, absl::Duration timeout = kLong) {
  const QmpPeer peer = Answering(answer);
  absl::StatusOr<QmpClient> client = QmpClient::Connect(peer.path(), timeout);
  if (!client.ok()) return absl::InternalError(client.status().ToString());
  return client->Execute("query-status").status();
}

TEST(QmpClient, AsksAndPassesEventsOver) {
  std::string capabilities, command;
  absl::StatusOr<json> result;
  {
    const QmpPeer peer([&](const QmpConnection& connection) {
      connection.Say(kGreeting);
      capabilities = connection.Hear();
      connection.Say("{\"event\": \"RESUME\"}\r\n");
      connection.Say(kNegotiated);
      command = connection.Hear();
      connection.Say("{\"timestamp\": {\"seconds\": 1}, \"event\": \"STOP\"}\r\n{\"retu");
      connection.Say("rn\": [{\"x\": 1}], \"id\": 2}\r\n");
      connection.Hear();
    });
    absl::StatusOr<QmpClient> client = QmpClient::Connect(peer.path(), kLong);
    ASSERT_TRUE(client.ok()) << client.status();
    EXPECT_EQ(client->peer_pid(), getpid());
    result = client->Execute("device_add", {{"driver", "e1000\xff"}});
  }
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(*result, json::parse("[{\"x\": 1}]"));
  EXPECT_EQ(json::parse(capabilities), json::parse("{\"execute\":\"qmp_capabilities\",\"id\":1}"));
  EXPECT_EQ(json::parse(command),
            json::parse("{\"execute\":\"device_add\",\"id\":2,\"arguments\":{\"driver\":"
                        "\"e1000\xef\xbf\xbd\"}}"));
}

TEST(QmpClient, GivesTheWordsOfARefusalAndGoesOn) {
  const QmpPeer peer([](const QmpConnection& connection) {
    connection.Say(kGreeting);
    connection.Hear();
    connection.Say(kNegotiated);
    for (int id = 2; !connection.Hear().empty(); ++id) {
      const char* const error_class = id == 2   ? "CommandNotFound"
                                      : id == 3 ? "DeviceNotFound"
                                                : "GenericError";
      connection.Say(absl::StrCat("{\"id\": ", id, ", \"error\": {\"class\": \"", error_class,
                                  "\", \"desc\": \"no such thing\"}}\r\n"));
    }
  });
  absl::StatusOr<QmpClient> client = QmpClient::Connect(peer.path(), kLong);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(client->Execute("a").status(),
            absl::UnimplementedError("CommandNotFound: no such thing"));
  EXPECT_EQ(client->Execute("b").status(), absl::NotFoundError("DeviceNotFound: no such thing"));
  EXPECT_EQ(client->Execute("c").status(), absl::AbortedError("GenericError: no such thing"));
}

TEST(QmpClient, NamesWhatIsWrongWithAnAnswer) {
  const auto code = [](const std::string& answer) { return StatusOfAnswer(answer).code(); };
  constexpr absl::StatusCode kDataLoss = absl::StatusCode::kDataLoss;
  EXPECT_EQ(StatusOfAnswer("HTTP/1.1 400 Bad Request\r\n"),
            absl::DataLossError("not a JSON object: \"HTTP/1.1 400 Bad Request\\r\\n\""));
  EXPECT_EQ(StatusOfAnswer("{return: 1}\n"), absl::DataLossError("not JSON: \"{return: 1}\""));
  EXPECT_EQ(code("{\"return\": \"\xff\", \"id\": 2}\n"), kDataLoss);
  EXPECT_EQ(code("{\"return\": 1e999, \"id\": 2}\n"), kDataLoss);
  EXPECT_EQ(code("{]\n"), kDataLoss);
  EXPECT_EQ(code("[1]\n"), kDataLoss);
  EXPECT_EQ(code("{}\n"), kDataLoss);
  EXPECT_EQ(code("{\"id\": 2}\n"), kDataLoss);
  EXPECT_EQ(code("{\"return\": 1}\n"), kDataLoss);
  EXPECT_EQ(code("{\"return\": 1, \"id\": 3}\n"), kDataLoss);
  EXPECT_EQ(code("{\"return\": 1, \"id\": \"2\"}\n"), kDataLoss);
  EXPECT_EQ(code("{\"error\": 1, \"id\": 2}\n"), kDataLoss);
  EXPECT_EQ(StatusOfAnswer("{\"error\": {\"class\": 1}, \"id\": 2}\n"), absl::AbortedError("?: ?"));
  // Of a command that QEMU could not read.
  EXPECT_EQ(StatusOfAnswer("{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON\"}}\n"),
            absl::AbortedError("GenericError: JSON"));
}

TEST(QmpClient, BoundsDepth) {
  EXPECT_EQ(StatusOfAnswer("{\"return\": " + std::string(100000, '[')),
            absl::ResourceExhaustedError("a message more than 64 levels deep"));
}

TEST(QmpClient, BoundsAnEndlessLine) {
  const QmpPeer peer([](const QmpConnection& connection) {
    connection.Say("{\"QMP\": \"");
    while (connection.Say(std::string(1 << 20, 'x'))) {
    }
  });
  EXPECT_EQ(QmpClient::Connect(peer.path(), kLong).status(),
            absl::ResourceExhaustedError("a message of more than 16777216 bytes"));
}

TEST(QmpClient, EndlessEventsTakeNoLongerThanTheTimeout) {
  const QmpPeer peer([](const QmpConnection& connection) {
    connection.Say(kGreeting);
    while (connection.Say("{\"event\": \"X\"}\r\n")) {
    }
  });
  EXPECT_TRUE(absl::IsDeadlineExceeded(QmpClient::Connect(peer.path(), kShort).status()));
}

TEST(QmpClient, SilenceEndsWithTheTimeout) {
  const QmpPeer peer([](const QmpConnection& connection) { connection.Hear(); });
  const absl::Status status = QmpClient::Connect(peer.path(), kShort).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_NE(status.message().find("one client"), std::string::npos) << status;
}

TEST(QmpClient, AfterATimeoutItIsOfNoMoreUse) {
  const QmpPeer peer = Answering("");
  absl::StatusOr<QmpClient> client = QmpClient::Connect(peer.path(), kShort);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(client->Execute("a").status(), absl::DeadlineExceededError("no answer in time"));
  // The second command is not sent: its answer could be that to the first.
  EXPECT_EQ(client->Execute("b").status(), absl::DeadlineExceededError("no answer in time"));
}

TEST(QmpClient, ItIsForAllCommandsTogetherThatItHasPatience) {
  const QmpPeer peer(SpeakingAs({}, kShort / 4));
  absl::StatusOr<QmpClient> client = QmpClient::Connect(peer.path(), kShort);
  absl::Status status = client.status();
  for (int i = 0; status.ok() && i < 10; ++i) status = client->Execute("query-status").status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
}

TEST(QmpClient, BetweenCommandsItIsInNoHurry) {
  const QmpPeer peer(SpeakingAs({}));
  absl::StatusOr<QmpClient> client = QmpClient::Connect(peer.path(), absl::Seconds(1));
  ASSERT_TRUE(client.ok()) << client.status();
  for (int i = 0; i < 2; ++i) {
    absl::SleepFor(absl::Milliseconds(1100));
    EXPECT_TRUE(client->Execute("query-status").ok());
  }
}

TEST(QmpClient, OthersBeforeItInTheQueueTakeNoLongerThanTheTimeout) {
  const QmpPeer peer([](const QmpConnection& connection) { connection.Hear(); });
  const absl::StatusOr<QmpClient> unanswered = QmpClient::Connect(peer.path(), kShort);
  EXPECT_TRUE(absl::IsDeadlineExceeded(unanswered.status()));
  // Nobody takes these: the queue has room for two.
  std::vector<int> waiting;
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  strncpy(name.sun_path, peer.path().c_str(), sizeof(name.sun_path) - 1);
  for (int i = 0; i < 4; ++i) {
    waiting.push_back(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (connect(waiting.back(), reinterpret_cast<sockaddr*>(&name), sizeof(name)) != 0) break;
  }
  const absl::Status status = QmpClient::Connect(peer.path(), kShort).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  for (const int fd : waiting) close(fd);
}

TEST(QmpClient, TellsOfAnEndInMidAnswer) {
  const QmpPeer peer([](const QmpConnection& connection) {
    connection.Say(kGreeting);
    connection.Hear();
    connection.Say("{\"return\": {");
  });
  EXPECT_EQ(QmpClient::Connect(peer.path(), kLong).status(),
            absl::UnavailableError("the other side has closed the connection"));
}

TEST(QmpClient, TellsWhatTheGreetingIsNot) {
  const QmpPeer peer([](const QmpConnection& connection) {
    connection.Say("{\"SPICE\": {}}\r\n");
    connection.Hear();
  });
  EXPECT_EQ(QmpClient::Connect(peer.path(), kLong).status(),
            absl::DataLossError("the greeting is not that of QMP"));
}

TEST(QmpClient, TellsWhyThereIsNoConnection) {
  EXPECT_TRUE(absl::IsNotFound(QmpClient::Connect("/tmp/there-is-none/qmp", kLong).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(QmpClient::Connect("", kLong).status()));
  EXPECT_TRUE(
      absl::IsInvalidArgument(QmpClient::Connect("/" + std::string(107, 'x'), kLong).status()));
  std::string dead;
  {
    const QmpPeer peer([](const QmpConnection&) {});
    dead = peer.path();
  }
  EXPECT_TRUE(absl::IsNotFound(QmpClient::Connect(dead, kLong).status()));
}

// Ends with the test.
class Child {
 public:
  explicit Child(const std::function<void()>& run) : pid_(fork()) {
    if (pid_ != 0) return;
    run();
    _exit(0);
  }
  ~Child() { waitpid(pid_, nullptr, 0); }
  pid_t pid() const { return pid_; }

 private:
  const pid_t pid_;
};

// SO_PEERCRED would name this process, which listens.
TEST(QmpClient, ThePeerIsTheProcessThatSpeaks) {
  pid_t speaker = 0;
  pid_t found = -1;
  {
    const QmpPeer peer([&](const QmpConnection& connection) {
      // Does not wait for the other end to close: it may hold that too, by the fork.
      const Child child([&] {
        connection.Say(kGreeting);
        connection.Hear();
        connection.Say(kNegotiated);
      });
      speaker = child.pid();
    });
    const absl::StatusOr<QmpClient> client = QmpClient::Connect(peer.path(), kLong);
    if (client.ok()) found = client->peer_pid();
  }
  EXPECT_EQ(found, speaker);
}

TEST(QmpClient, NoOtherProcessMayGoOn) {
  const QmpPeer peer([](const QmpConnection& connection) {
    connection.Say(kGreeting);
    connection.Hear();
    connection.Say(kNegotiated);
    connection.Hear();
    const Child child([&] { connection.Say("{\"return\": {}, \"id\": 2}\r\n"); });
    connection.Hear();
  });
  absl::StatusOr<QmpClient> client = QmpClient::Connect(peer.path(), kLong);
  ASSERT_TRUE(client.ok()) << client.status();
  const absl::Status status = client->Execute("query-status").status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_EQ(client->Execute("query-status").status(), status);
}

}  // namespace
}  // namespace pagemapd
