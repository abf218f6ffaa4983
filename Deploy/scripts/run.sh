#!/usr/bin/env bash
# Builds and runs a node: run.sh [arguments of martlet serve]
set -euo pipefail
cd "$(dirname "$0")/../.."

Deploy/scripts/setup.sh run
[ -x .build/debug/martlet ] || printf '%s\n' "run: the first build takes some minutes" >&2
swift build --product martlet >&2
exec .build/debug/martlet serve "$@"
