#ifndef PAGEMAPD_CLI_PAGEOUT_RECORDING_H_
#define PAGEMAPD_CLI_PAGEOUT_RECORDING_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/pageout/page_out_calls.h"
#include "cli/pageout/recorded_extent.h"
#include "cli/session.h"

namespace pagemapd {

// Lines that are complained of one by one; the others are counted.
inline constexpr uint64_t kBadLinesShown = 10;

// Pages out again what a recording, the jsonl of `pages`, has as swapped, of process `pid`. Reads
// it from `fd` as a stream: what is held does not grow with it. `shown` names it in complaints.
//
// A line that is not one of `pages` is complained of, and passed over. A line of another process,
// of the pid's process but with another start time than the lines before, or of `pages --object`
// ends it: the recording is not of what it is taken for, and nothing more is done. Whether the
// process is the recorded one, and whether the same is still mapped there, the daemon checks.
ExitCode PageOutRecording(const Session& session, const v1::GetCapabilitiesResponse& capabilities,
                          int32_t pid, const PageOutSwitches& switches, int fd,
                          const std::string& shown);

// Where the recorded pages are now. An error is what is wrong with the line.
using Relocate =
    std::function<absl::StatusOr<std::vector<v1::PageOutRange>>(const RecordedExtent& extent)>;

// The same of a recording of another process, whose pages `process` has now, wherever `relocate`
// says. All lines must be of one process; which one that was does not matter.
ExitCode PageOutRelocated(const Session& session, const v1::GetCapabilitiesResponse& capabilities,
                          const v1::ProcessRef& process, const PageOutSwitches& switches, int fd,
                          const std::string& shown, const Relocate& relocate);

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PAGEOUT_RECORDING_H_
