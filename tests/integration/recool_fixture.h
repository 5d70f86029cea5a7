#ifndef PAGEMAPD_TESTS_INTEGRATION_RECOOL_FIXTURE_H_
#define PAGEMAPD_TESTS_INTEGRATION_RECOOL_FIXTURE_H_

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/integration/page_out_fixture.h"
#include "tests/testing/ctl_run.h"
#include "tests/testing/fd.h"
#include "tests/testing/swap_device.h"

namespace pagemapd {

// A recording, as a file without a name: `pageout --from` reads it by its descriptor's path.
class RecordingFile {
 public:
  explicit RecordingFile(absl::string_view text);
  void Append(absl::string_view text) const;
  std::string path() const;

 private:
  Fd fd_;
};

// A process with regions of kPages, of which the cold runs were swapped once, and a swap area.
class RecoolTest : public PageOutTest {
 protected:
  static constexpr uint64_t kPageBytes = 4096;
  static constexpr uint64_t kPages = 4096;

  void SetUp() override;

  // Runs of pages, and others between them.
  static std::vector<PageRun> ColdRuns();
  static uint64_t PagesIn(const std::vector<PageRun>& runs);

  CtlResult Ctl(const std::vector<std::string>& args) const;
  // `pageout PID --from` of a recording, as jsonl.
  CtlResult From(const std::string& path, const std::vector<std::string>& more = {}) const;
  std::string Pid() const;
  static std::string RangeOf(const MemoryRegion& region);

  // The jsonl of the region's swapped pages.
  std::string Record(const MemoryRegion& region) const;
  // A region whose cold runs were swapped, their recording, and all in RAM again.
  MemoryRegion Warmed(MemoryKind kind, std::string* recording);
  void Warm(const MemoryRegion& region) const;

  // Indices of the pages that are swapped.
  std::vector<uint64_t> Swapped(const MemoryRegion& region) const;

  // Warms the region, does `act`, and expects that thereafter exactly the pages of `runs` are
  // swapped. The machine pages cold memory out by itself, though, and a swap area that goes brings
  // pages back: then it must happen a second time, or a fifth.
  void ExpectSwapped(const MemoryRegion& region, const std::vector<PageRun>& runs,
                     const std::function<void()>& act);

  // The last line of jsonl, and what it says of an outcome.
  static nlohmann::json Summary(const CtlResult& result);
  static uint64_t OutcomePages(const CtlResult& result, const char* outcome);

  std::optional<SwapDevice> device_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_INTEGRATION_RECOOL_FIXTURE_H_
