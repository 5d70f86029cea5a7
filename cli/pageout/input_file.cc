#include "cli/pageout/input_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/str_cat.h"

namespace pagemapd {

InputFile::InputFile(const Session& session, const std::string& name)
    : fd_(STDIN_FILENO), shown_("standard input") {
  if (name == "-") return;
  shown_ = name;
  fd_ = open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd_ < 0) session.Complain(absl::StrCat("cannot open ", name, ": ", strerror(errno)));
}

InputFile::~InputFile() {
  if (fd_ > STDIN_FILENO) close(fd_);
}

}  // namespace pagemapd
