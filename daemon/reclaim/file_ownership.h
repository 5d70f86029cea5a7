#ifndef PAGEMAPD_DAEMON_RECLAIM_FILE_OWNERSHIP_H_
#define PAGEMAPD_DAEMON_RECLAIM_FILE_OWNERSHIP_H_

#include <sys/types.h>

#include <optional>

namespace pagemapd {

// Whether the kernel pages out pages of the file open as `fd`, other than private copies, when the
// calling thread asks for it, in the name of `files_of` if that is set (FileCredentials): as the
// file's owner, with CAP_FOWNER, or as one who may write it (can_do_file_pageout in mm/madvise.c,
// which says nothing when it does not). Asks the kernel itself; gives the descriptor O_NOATIME if
// it may.
bool MayPageOutFile(int fd, std::optional<uid_t> files_of = std::nullopt);

}  // namespace pagemapd

#endif  // PAGEMAPD_DAEMON_RECLAIM_FILE_OWNERSHIP_H_
