#include "cli/pages_command.h"

#include "cli/command_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pagemapd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr uint64_t kRam = 0x7f1200000000;

class PagesCommandTest : public CommandTest {
 protected:
  PagesCommandTest() {
    service_.mappings.mutable_process()->set_pid(123);
    service_.mappings.mutable_process()->set_start_time_ticks(5523);
    AddMapping(0x1000, 0x200000, "/usr/bin/vm");
    AddMapping(kRam, kRam + 0x4000, "/memfd:ram (deleted)");
    service_.areas.add_areas()->set_path("/dev/zram0");
    service_.areas.add_type_names()->set_type(1);

    *service_.pages.add_starts()->mutable_process() = service_.mappings.process();
    v1::PageChunk& chunk = *service_.pages.add_chunks();
    chunk.set_start(0x2000);
    chunk.set_pages(2);
    chunk.mutable_object()->set_device_minor(1);
    chunk.mutable_object()->set_inode(2049);
    chunk.set_object_index(2);
    v1::PageExtent& extent = *chunk.add_extents();
    extent.set_start(0x2000);
    extent.set_pages(2);
    extent.set_state(v1::PAGE_STATE_SWAPPED);
    extent.set_flags(1u << v1::PAGE_FLAG_FILE | 1u << v1::PAGE_FLAG_SWAP_CACHE);
    extent.set_swap_type(1);
    extent.set_swap_offset(4711);
    extent.set_source(v1::PAGE_SOURCE_BPF);
    service_.pages.add_ends();

    object_.pid = 123;
    object_.object_address = kRam + 0x1000;
    object_.view = v1::VIEW_OBJECT;
  }

  void AddMapping(uint64_t start, uint64_t end, const char* path) {
    v1::Mapping& mapping = *service_.mappings.add_mappings();
    mapping.mutable_range()->set_start(start);
    mapping.mutable_range()->set_end(end);
    mapping.set_path(path);
  }

  Result RunPagesWith(OutputFormat format, const PagesOptions& options) {
    return Run(format, [&](const Session& session) { return RunPages(session, options); });
  }

  PagesOptions object_;
};

TEST_F(PagesCommandTest, AsksAboutAnObjectByItsOffsets) {
  object_.ranges = {{0x2000, 0x4000}, {0x100000, 0x200000}};
  EXPECT_EQ(RunPagesWith(OutputFormat::kJsonLines, object_).code, ExitCode::kDone);
  ASSERT_EQ(service_.queries.size(), 1u);
  const v1::QueryPagesRequest& query = service_.queries[0];
  EXPECT_EQ(query.view(), v1::VIEW_OBJECT);
  const v1::Target& target = query.targets(0);
  EXPECT_TRUE(target.has_object_address());
  EXPECT_EQ(target.object_address(), kRam + 0x1000);
  ASSERT_EQ(target.ranges_size(), 2);
  EXPECT_EQ(target.ranges(0).start(), 0x2000u);
  EXPECT_EQ(target.ranges(1).end(), 0x200000u);
  EXPECT_EQ(service_.mappings_calls, 0);
}

TEST_F(PagesCommandTest, AsksEveryCallOfManyRangesAboutTheObject) {
  for (uint64_t i = 0; i < 20; ++i) object_.ranges.push_back({i << 16, (i << 16) + 0x1000});
  RunPagesWith(OutputFormat::kJsonLines, object_);
  ASSERT_EQ(service_.queries.size(), 2u);
  EXPECT_EQ(service_.queries[1].targets(0).object_address(), kRam + 0x1000);
  EXPECT_EQ(service_.queries[1].targets(0).ranges_size(), 4);
}

TEST_F(PagesCommandTest, AProcessHasNoObjectAddress) {
  PagesOptions options;
  options.pid = 123;
  RunPagesWith(OutputFormat::kJsonLines, options);
  ASSERT_EQ(service_.queries.size(), 1u);
  EXPECT_FALSE(service_.queries[0].targets(0).has_object_address());
  EXPECT_EQ(service_.queries[0].view(), v1::VIEW_PROCESS);
}

TEST_F(PagesCommandTest, WritesOffsetsForPrograms) {
  const std::string line =
      R"({"pid":123,"start_time_ticks":5523,"object_start":"0x2000","object_end":"0x4000",)"
      R"("pages":2,"state":"swapped","swap":{"type":1,"offset":4711,"area":"/dev/zram0"},)"
      R"("object":"00:01:2049","index":2,"flags":["file","swap_cache"],"source":"bpf"})";
  EXPECT_EQ(RunPagesWith(OutputFormat::kJsonLines, object_).out, line + "\n");
  EXPECT_EQ(RunPagesWith(OutputFormat::kJson, object_).out, "[\n" + line + "\n]\n");
  EXPECT_EQ(RunPagesWith(OutputFormat::kCsv, object_).out,
            "pid,start_time_ticks,start,end,pages,state,pfn,swap_type,swap_offset,swap_area,object,"
            "index,flags,source,object_start,object_end\n"
            "123,5523,,,2,swapped,,1,4711,/dev/zram0,00:01:2049,2,file|swap_cache,bpf,"
            "0x2000,0x4000\n");
}

// Offset 0x2000 is also an address of another mapping: that one must not be named.
TEST_F(PagesCommandTest, ATableNamesTheObjectByTheMappingAtItsAddress) {
  const Result result = RunPagesWith(OutputFormat::kTable, object_);
  EXPECT_EQ(result.out,
            "OFFSET                        PAGES   SIZE  STATE    MAPPING\n"
            "2000-4000                         2     8K  swapped  /memfd:ram (deleted)\n");
  EXPECT_EQ(result.error, "");
}

TEST_F(PagesCommandTest, ATableOfAProcessHasRanges) {
  PagesOptions options;
  options.pid = 123;
  EXPECT_EQ(RunPagesWith(OutputFormat::kTable, options).out,
            "RANGE                         PAGES   SIZE  STATE    MAPPING\n"
            "2000-4000                         2     8K  swapped  /usr/bin/vm\n");
}

TEST_F(PagesCommandTest, SaysWhyThereIsNoObject) {
  service_.pages.clear_chunks();
  v1::TargetError& error = *service_.pages.mutable_ends(0)->mutable_error();
  error.set_reason(v1::ERROR_REASON_INVALID_TARGET);
  error.set_message("no shared memory is mapped at 0x5000");
  object_.object_address = 0x300000;
  const Result result = RunPagesWith(OutputFormat::kTable, object_);
  EXPECT_EQ(result.code, ExitCode::kFailed);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.error, HasSubstr("no shared memory is mapped"));
}

TEST_F(PagesCommandTest, AsksForCopiesInRamOnlyWhenTold) {
  object_.details.locations = false;
  RunPagesWith(OutputFormat::kTable, object_);
  EXPECT_THAT(service_.queries.back().fields(), ElementsAre());
  RunPagesWith(OutputFormat::kCsv, object_);
  EXPECT_THAT(service_.queries.back().fields(),
              ElementsAre(v1::PAGE_FIELD_FLAGS, v1::PAGE_FIELD_SOURCE));

  object_.details.swap_cache = true;
  const Result result = RunPagesWith(OutputFormat::kTable, object_);
  EXPECT_THAT(service_.queries.back().fields(), ElementsAre(v1::PAGE_FIELD_SWAP_CACHE));
  EXPECT_THAT(result.out, HasSubstr("FLAGS"));
  EXPECT_THAT(result.out, HasSubstr("file,swap_cache"));
}

// As the daemon answers a caller who is not granted `locations`.
class RedactedPagesTest : public PagesCommandTest {
 protected:
  RedactedPagesTest() {
    Redact(v1::PAGE_FIELD_LOCATION);
    v1::PageExtent& extent = *service_.pages.mutable_chunks(0)->mutable_extents(0);
    extent.clear_swap_type();
    extent.clear_swap_offset();
  }

  void Redact(v1::PageField field) { service_.pages.mutable_starts(0)->add_redacted(field); }
};

TEST_F(RedactedPagesTest, WhatIsLeftOutIsAbsentAndSaidOnce) {
  const Result result = RunPagesWith(OutputFormat::kJsonLines, object_);
  EXPECT_EQ(result.code, ExitCode::kPartlyDone);
  EXPECT_EQ(result.out,
            R"({"pid":123,"start_time_ticks":5523,"object_start":"0x2000","object_end":"0x4000",)"
            R"("pages":2,"state":"swapped","object":"00:01:2049","index":2,)"
            R"("flags":["file","swap_cache"],"source":"bpf"})"
            "\n");
  EXPECT_EQ(
      result.error,
      "pagemapctl: missing right locations: left out of process 123: PFNs and swap offsets\n");
}

TEST_F(RedactedPagesTest, ManyCallsComplainOnce) {
  for (uint64_t i = 0; i < 20; ++i) object_.ranges.push_back({i << 16, (i << 16) + 0x1000});
  Redact(v1::PAGE_FIELD_FRAME_FLAGS);
  const Result result = RunPagesWith(OutputFormat::kCsv, object_);
  EXPECT_EQ(service_.queries.size(), 2u);
  EXPECT_EQ(result.code, ExitCode::kPartlyDone);
  EXPECT_EQ(result.error,
            "pagemapctl: missing right locations: left out of process 123: PFNs and swap offsets, "
            "flags of page frames\n");
}

TEST_F(RedactedPagesTest, ANewerDaemonsFieldIsNamedByItsNumber) {
  service_.pages.mutable_starts(0)->clear_redacted();
  Redact(static_cast<v1::PageField>(77));
  const Result result = RunPagesWith(OutputFormat::kTable, object_);
  EXPECT_EQ(result.code, ExitCode::kPartlyDone);
  EXPECT_THAT(result.error, HasSubstr("left out of process 123: field 77\n"));
}

TEST_F(RedactedPagesTest, AFailureSaysMoreThanARedaction) {
  service_.pages.clear_chunks();
  v1::TargetError& error = *service_.pages.mutable_ends(0)->mutable_error();
  error.set_reason(v1::ERROR_REASON_PROCESS_EXITED);
  error.set_message("process 123 has exited");
  EXPECT_EQ(RunPagesWith(OutputFormat::kCsv, object_).code, ExitCode::kFailed);
}

TEST_F(RedactedPagesTest, ADeniedTargetIsNotPartlyDone) {
  service_.pages.Clear();
  v1::TargetError& error = *service_.pages.add_ends()->mutable_error();
  error.set_reason(v1::ERROR_REASON_PERMISSION_DENIED);
  error.set_message("missing right inspect: uid 65534 may not ask about process 123 of uid 0");
  const Result result = RunPagesWith(OutputFormat::kJsonLines, object_);
  EXPECT_EQ(result.code, ExitCode::kPermissionDenied);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(
      result.error,
      "pagemapctl: missing right inspect: uid 65534 may not ask about process 123 of uid 0\n");
}

}  // namespace
}  // namespace pagemapd
