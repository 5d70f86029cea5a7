#ifndef PAGEMAPD_TESTS_SERVICE_FAULTS_STORM_CLIENT_H_
#define PAGEMAPD_TESTS_SERVICE_FAULTS_STORM_CLIENT_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "absl/time/time.h"
#include "pagemapd/v1/pagemap_service.grpc.pb.h"
#include "tests/service/faults/mayfly_protocol.h"

namespace pagemapd {

// How a call about a mayfly ends.
enum class Ending {
  kAnswered,
  // There is no process of that pid.
  kGone,
  // There is another, or a zombie.
  kReplacedOrZombie,
  kExited,
  kExeced,
  // The caller may not ask.
  kDenied,
  // Anything else; `detail` says what.
  kOther,
};
inline constexpr size_t kEndings = 7;
const char* Name(Ending ending);

// What one call told.
struct Sight {
  Ending ending = Ending::kOther;
  std::string detail;
  // 0 if the answer names no process.
  uint64_t start_time_ticks = 0;
  bool mappings_changed = false;
  // Whose memory it told of: serials whose markers were in it.
  std::set<uint32_t> serials;
  // The pages of kFlyMemory, UNSPECIFIED where nothing was told; empty where the question is not of
  // a kind to tell.
  std::vector<v1::PageState> memory;
};

// Puts questions of every kind about mayflies, and makes something happen while they are answered.
class StormClient {
 public:
  enum class Question {
    kExtents,
    kPacked,
    kBitmap,
    kObjectView,
    kSummary,
    kMappings,
    kRevalidate,
    kPageOut,
  };
  static constexpr size_t kQuestions = 8;

  StormClient(std::unique_ptr<v1::PagemapService::Stub> stub, uint32_t seed)
      : stub_(std::move(stub)), lots_(seed) {}

  // Asks about a mayfly, and calls `meanwhile` from this thread a while after: at a moment
  // somewhere in the time that such a question takes, or a little later.
  Sight Ask(Question question, const Mayfly& fly, uint64_t start_time_ticks,
            const std::function<void()>& meanwhile);

  // The question of the nth round, `without` the last few kinds.
  static Question Nth(uint64_t round, size_t without = 0) {
    return static_cast<Question>(round % (kQuestions - without));
  }

  std::mt19937& lots() { return lots_; }

 private:
  Sight AskForPages(const v1::QueryPagesRequest& request, const std::function<void()>& meanwhile);
  Sight AskForSummary(const v1::ProcessRef& process, const std::function<void()>& meanwhile);
  Sight AskForMappings(const v1::ProcessRef& process, const std::function<void()>& meanwhile);
  Sight AskWhatHolds(const v1::ProcessRef& process, uint32_t serial,
                     const std::function<void()>& meanwhile);
  Sight AskToPageOut(const v1::ProcessRef& process, const std::function<void()>& meanwhile);

  std::unique_ptr<v1::PagemapService::Stub> stub_;
  std::mt19937 lots_;
  // How long a question that nothing happened to took, about.
  std::array<absl::Duration, kQuestions> typical_ = {};
};

}  // namespace pagemapd

#endif  // PAGEMAPD_TESTS_SERVICE_FAULTS_STORM_CLIENT_H_
