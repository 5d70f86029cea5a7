#ifndef PAGEMAPD_DAEMON_LOG_H_
#define PAGEMAPD_DAEMON_LOG_H_

#include <string>

namespace pagemapd {

// Sets up the log, spdlog's and gRPC's: "EVENT KEY=VALUE ..." on a line each. To the journal, with
// its levels, if that is what stderr leads to ($JOURNAL_STREAM: systemd.exec(5)); else to stderr,
// with time and level before it. Bytes that could end a line, or draw on a terminal, are escaped:
// part of what is logged is others' to choose.
void OpenLog(const std::string& level);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_LOG_H_
