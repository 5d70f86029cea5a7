#ifndef PAGEMAPD_CLI_PAGEOUT_INPUT_FILE_H_
#define PAGEMAPD_CLI_PAGEOUT_INPUT_FILE_H_

#include <string>

#include "cli/session.h"

namespace pagemapd {

// A file that the user named to read from; "-" is standard input.
class InputFile {
 public:
  // Complains if it cannot be opened; then fd() is -1.
  InputFile(const Session& session, const std::string& name);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  int fd() const { return fd_; }
  // For people: "standard input", or the name.
  const std::string& shown() const { return shown_; }

 private:
  int fd_;
  std::string shown_;
};

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_PAGEOUT_INPUT_FILE_H_
