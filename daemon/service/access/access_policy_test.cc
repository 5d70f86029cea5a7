#include "daemon/service/access/access_policy.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

namespace pagemapd {
namespace {

Caller User(uid_t uid, gid_t gid = 100, std::vector<gid_t> groups = {}) {
  Caller caller;
  caller.uid = uid;
  caller.gid = gid;
  caller.groups = std::move(groups);
  return caller;
}

Caller Certificate(std::vector<std::string> names) {
  Caller caller;
  caller.certificate_names = std::move(names);
  return caller;
}

ProcessOwner OwnerOf(uid_t uid, gid_t gid = 100) {
  ProcessOwner owner;
  owner.uids.fill(uid);
  owner.gids.fill(gid);
  owner.file_owner = uid;
  return owner;
}

AccessPolicy Parsed(const std::string& text) {
  absl::StatusOr<AccessPolicy> policy = AccessPolicy::Parse(text, "p");
  EXPECT_TRUE(policy.ok()) << policy.status();
  return policy.ok() ? *std::move(policy) : AccessPolicy();
}

// The error of a policy that is wrong.
std::string ErrorOf(const std::string& text) {
  const absl::StatusOr<AccessPolicy> policy = AccessPolicy::Parse(text, "p");
  EXPECT_EQ(policy.status().code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(policy.status().message());
}

TEST(AccessPolicyTest, WithoutGrantsEveryoneHasTheirOwnAndRootAll) {
  const AccessPolicy policy;
  EXPECT_FALSE(policy.RightsOf(User(1000)).has_grants());
  EXPECT_FALSE(policy.RightsOf(User(1000)).Allows(Right::kInspect, OwnerOf(1000)));
  const auto own = policy.RightsOf(User(1000)).Inspect(OwnerOf(1000));
  ASSERT_TRUE(own.has_value());
  EXPECT_FALSE(own->locations);
  EXPECT_EQ(own->objects_of, uid_t{1000});
  EXPECT_FALSE(policy.RightsOf(User(1000)).Inspect(OwnerOf(1001)).has_value());
  EXPECT_FALSE(policy.RightsOf(User(1000)).Allows(Right::kPageOut, OwnerOf(1000)));
  for (const Right right : kRights) {
    EXPECT_TRUE(policy.RightsOf(User(0)).Allows(right, OwnerOf(1000)));
  }
  EXPECT_TRUE(policy.RightsOf(User(0)).Inspect(OwnerOf(1000))->locations);
  EXPECT_FALSE(policy.RightsOf(User(0)).Inspect(OwnerOf(1000))->objects_of.has_value());
}

TEST(AccessPolicyTest, GrantsByUserGroupAndCertificate) {
  const AccessPolicy policy = Parsed(R"(
      grant { user: "1000" right: INSPECT all: true }
      grant { group: "64055" right: [INSPECT, PAGEOUT] of_user: "2000" }
      grant { certificate_name: "a.example" right: LOCATIONS right: INSPECT of_user: "2000" })");
  EXPECT_EQ(policy.grants(), 3u);
  const ProcessOwner other = OwnerOf(2000);
  EXPECT_TRUE(policy.RightsOf(User(1000)).Allows(Right::kInspect, other));
  EXPECT_FALSE(policy.RightsOf(User(1000)).Allows(Right::kPageOut, other));
  EXPECT_FALSE(policy.RightsOf(User(1001)).Allows(Right::kInspect, other));
  // By its group, or by a supplementary one.
  EXPECT_TRUE(policy.RightsOf(User(1001, 64055)).Allows(Right::kPageOut, other));
  EXPECT_TRUE(policy.RightsOf(User(1001, 100, {5, 64055})).Allows(Right::kPageOut, other));
  EXPECT_FALSE(policy.RightsOf(User(1001, 100, {5, 64055})).Allows(Right::kPageOut, OwnerOf(3)));
  EXPECT_TRUE(policy.RightsOf(Certificate({"b.example", "a.example"})).Inspect(other)->locations);
  EXPECT_FALSE(policy.RightsOf(Certificate({"A.example"})).has_grants());
  EXPECT_FALSE(policy.RightsOf(Certificate({})).has_grants());
  // A number is no uid of a certificate, and the other way round.
  EXPECT_FALSE(policy.RightsOf(Certificate({"1000"})).has_grants());
}

TEST(AccessPolicyTest, RightsAddUp) {
  const AccessPolicy policy = Parsed(R"(
      grant { user: "1000" right: INSPECT of_user: "2000" }
      grant { user: "1000" right: INSPECT of_user: "3000" }
      grant { user: "1000" right: LOCATIONS of_user: "4000" })");
  const CallerRights rights = policy.RightsOf(User(1000));
  EXPECT_TRUE(rights.Inspect(OwnerOf(2000)).has_value());
  EXPECT_TRUE(rights.Inspect(OwnerOf(3000)).has_value());
  // Locations without the states are nothing.
  EXPECT_FALSE(rights.Inspect(OwnerOf(4000)).has_value());
  EXPECT_EQ(rights.Describe(),
            (std::vector<std::string>{
                "inspect: own processes, processes of uid 2000, processes of uid 3000",
                "locations: processes of uid 4000"}));
}

TEST(AccessPolicyTest, AnExplicitGrantLiftsTheLimitOfOwnObjects) {
  const AccessPolicy policy = Parsed(R"(grant { user: "1000" right: INSPECT own: true })");
  const auto access = policy.RightsOf(User(1000)).Inspect(OwnerOf(1000));
  ASSERT_TRUE(access.has_value());
  EXPECT_FALSE(access->objects_of.has_value());
  EXPECT_FALSE(access->locations);
}

TEST(AccessPolicyTest, AUsersProcessHasAllItsIds) {
  const AccessPolicy policy = Parsed(R"(grant { user: "1000" right: INSPECT of_user: "2000" })");
  for (int id = 0; id < 4; ++id) {
    ProcessOwner setuid = OwnerOf(2000);
    setuid.uids[id] = 0;
    EXPECT_FALSE(policy.RightsOf(User(1000)).Inspect(setuid).has_value()) << id;
  }
}

TEST(AccessPolicyTest, LooksNamesUp) {
  const AccessPolicy policy =
      Parsed(R"(grant { user: "nobody" group: "nogroup" right: INSPECT of_user: "daemon" })");
  EXPECT_TRUE(policy.RightsOf(User(65534)).Inspect(OwnerOf(1)).has_value());
  EXPECT_TRUE(policy.RightsOf(User(7, 65534)).Inspect(OwnerOf(1)).has_value());
}

TEST(AccessPolicyTest, RefusesWhatItCannotMeanAndNamesTheValue) {
  const struct {
    const char* text;
    const char* error;
  } kCases[] = {
      {"grant { right: INSPECT all: true }", "p: grant 1: to nobody"},
      {"grant { user: \"1\" all: true }", "p: grant 1: of nothing"},
      {"grant { user: \"1\" right: INSPECT }", "p: grant 1: about no process"},
      {"grant { user: \"1\" right: INSPECT own: false }", "p: grant 1: about no process"},
      {"grant { user: \"1\" right: RIGHT_UNSPECIFIED all: true }", "p: grant 1: right 0 is none"},
      {"grant { user: \"1\" right: EVERYTHING all: true }", "EVERYTHING"},
      {"grant { user: \"\" right: INSPECT all: true }", "p: grant 1: user \"\": it is empty"},
      {"grant { certificate_name: \"\" right: INSPECT all: true }", "certificate_name \"\""},
      {"grant { user: \"4294967295\" right: INSPECT all: true }", "user \"4294967295\": no id"},
      {"grant { user: \"99999999999999999999\" right: INSPECT all: true }", "no id is that large"},
      {"grant { user: \"no-such-user\" right: INSPECT all: true }", "\"no-such-user\": none has"},
      {"grant { group: \"no-such-group\" right: INSPECT all: true }", "\"no-such-group\": none"},
      {"grant { user: \"1\" right: INSPECT of_user: \"x\\ny\" }", "of_user \"x\\ny\""},
      {"grant { user: \"-1\" right: INSPECT all: true }", "user \"-1\""},
      {"# fine\n\ngrant {\n  usr: \"1\"\n}", "p:4:6"},
      {"grant { user: \"1\"", "p:1:18"},
      {"{", "p:1:1"},
      {"grant { user: 1 right: INSPECT all: true }", "p:1:15"},
  };
  for (const auto& each : kCases) {
    const std::string error = ErrorOf(each.text);
    EXPECT_NE(error.find(each.error), std::string::npos) << each.text << "\n" << error;
  }
}

TEST(AccessPolicyTest, ReadsAFileThatNotEveryoneMayWrite) {
  char path[] = "/tmp/pagemapd-policy-XXXXXX";
  const int fd = mkstemp(path);
  ASSERT_GE(fd, 0);
  close(fd);
  std::ofstream(path) << "# nothing\ngrant { user: \"1\" right: PAGEOUT all: true }\n";
  const auto read = AccessPolicy::Read(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->grants(), 1u);
  EXPECT_EQ(chmod(path, 0666), 0);
  EXPECT_EQ(AccessPolicy::Read(path).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(chmod(path, 0644), 0);
  std::ofstream(path) << std::string(AccessPolicy::kMaxBytes + 1, '#');
  EXPECT_NE(AccessPolicy::Read(path).status().message().find("longer"), std::string::npos);
  EXPECT_EQ(remove(path), 0);
  EXPECT_EQ(AccessPolicy::Read(path).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(AccessPolicy::Read("/tmp").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace pagemapd
