#!/usr/bin/env bash
# Runs the simulator of a cluster, in a release build: sim.sh [arguments of martlet-sim, such as run flash-crowd]
set -euo pipefail
cd "$(dirname "$0")/../.."

Deploy/scripts/setup.sh run
swift build -c release --product martlet-sim >&2
exec .build/release/martlet-sim "${@:-list}"
