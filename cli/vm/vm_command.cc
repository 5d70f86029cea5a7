#include "cli/vm/vm_command.h"

namespace pagemapd {
namespace {

struct VmRunner {
  const Session& session;

  ExitCode operator()(const VmRamOptions& options) const { return RunVmRam(session, options); }
  ExitCode operator()(const VmSummaryOptions& options) const {
    return RunVmSummary(session, options);
  }
  ExitCode operator()(const VmPagesOptions& options) const { return RunVmPages(session, options); }
  ExitCode operator()(const VmMapOptions& options) const { return RunVmMap(session, options); }
  ExitCode operator()(const VmPageOutOptions& options) const {
    return RunVmPageOut(session, options);
  }
  ExitCode operator()(const VmEstimateOptions& options) const {
    return RunVmEstimate(session, options);
  }
};

}  // namespace

ExitCode RunVm(const Session& session, const VmOptions& options) {
  return std::visit(VmRunner{session}, options.command);
}

}  // namespace pagemapd
