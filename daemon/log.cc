#include "daemon/log.h"

#include <grpc/support/log.h>
#include <spdlog/details/os.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/systemd_sink.h>
#include <spdlog/spdlog.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "daemon/service/access/log_limiter.h"

namespace pagemapd {
namespace {

// The message, with control characters as \xHH.
class EscapedMessage : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    constexpr char kHex[] = "0123456789abcdef";
    unsigned char previous = 0;
    for (const char c : message.payload) {
      const unsigned char byte = static_cast<unsigned char>(c);
      // The second byte of one from U+0080 to U+009F, which some terminals obey, too.
      const bool is_c1 = previous == 0xc2 && byte >= 0x80 && byte <= 0x9f;
      previous = byte;
      if (!absl::ascii_iscntrl(byte) && !is_c1) {
        out.push_back(c);
        continue;
      }
      for (const char part : {'\\', 'x', kHex[byte >> 4], kHex[byte & 0xf]}) out.push_back(part);
    }
  }

  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<EscapedMessage>();
  }
};

bool LeadsToJournal(int fd) {
  const char* stream = getenv("JOURNAL_STREAM");
  struct stat st;
  return stream != nullptr && fstat(fd, &st) == 0 &&
         absl::StrCat(st.st_dev, ":", st.st_ino) == stream;
}

// gRPC's own messages, as lines of our log, and no more of them than of one caller: whoever can
// connect can have it complain.
void LogFromGrpc(gpr_log_func_args* args) {
  static LogLimiter& limiter = *new LogLimiter;
  const spdlog::level::level_enum level =
      args->severity == GPR_LOG_SEVERITY_ERROR  ? spdlog::level::err
      : args->severity == GPR_LOG_SEVERITY_INFO ? spdlog::level::info
                                                : spdlog::level::debug;
  if (!spdlog::should_log(level)) return;
  if (const auto suppressed = limiter.MayLog("", absl::Now())) {
    spdlog::log(level, "grpc message=\"{}\" suppressed={}", args->message, *suppressed);
  }
}

}  // namespace

void OpenLog(const std::string& level) {
  const bool journal = LeadsToJournal(STDERR_FILENO);
  // The journal has time and level of its own, and its lines end by themselves.
  auto formatter = std::make_unique<spdlog::pattern_formatter>(
      spdlog::pattern_time_type::local, journal ? "" : spdlog::details::os::default_eol);
  formatter->add_flag<EscapedMessage>('*');
  formatter->set_pattern(journal ? "%*" : "%Y-%m-%dT%H:%M:%S.%f%z %l %*");
  spdlog::set_default_logger(
      journal ? spdlog::systemd_logger_mt("pagemapd", "pagemapd", /*enable_formatting=*/true)
              : spdlog::stderr_logger_mt("pagemapd"));
  spdlog::set_formatter(std::move(formatter));
  spdlog::set_level(spdlog::level::from_str(level));
  gpr_set_log_function(LogFromGrpc);
}

}  // namespace pagemapd
