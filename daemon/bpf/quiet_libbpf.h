#ifndef PAGEMAPD_DAEMON_BPF_QUIET_LIBBPF_H_
#define PAGEMAPD_DAEMON_BPF_QUIET_LIBBPF_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace pagemapd {

// Keeps what libbpf says from stderr, for the whole process, and forgets what it said to the
// calling thread so far. Call it before each use of libbpf that LibbpfError may have to explain.
// Thread-safe.
void InstallLibbpfLog();

// What a libbpf call returned as a status: "ATTEMPTED: ENAME: WARNING", where WARNING is the first
// line that libbpf said to the calling thread since InstallLibbpfLog; the later ones say only what
// failed in consequence. `error` is an errno or an enum libbpf_errno, of either sign and not 0. The
// code is that of ErrnoStatus. Call it once, on the thread that made the call.
absl::Status LibbpfError(int error, absl::string_view attempted);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_BPF_QUIET_LIBBPF_H_
