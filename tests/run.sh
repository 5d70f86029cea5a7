#!/usr/bin/env bash
# Installs what is missing, builds, and runs every check: see tests/presubmit.sh. For Debian 12, as
# root. Takes the options of presubmit.sh. The last line counts.
set -euo pipefail

cd "$(dirname "$(readlink -f "$0")")/.."
deploy/install-packages.sh
exec tests/presubmit.sh "$@"
