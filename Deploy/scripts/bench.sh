#!/usr/bin/env bash
# Measures a release build beside the floor, for Docs/Benchmarks.md: bench.sh [arguments of Deploy/bench/bench.py]
set -euo pipefail
cd "$(dirname "$0")/../.."

Deploy/scripts/setup.sh test
for product in martlet martlet-load kafka-broker; do
    swift build -c release --product "$product" >&2
done
exec .cache/venv/bin/python Deploy/bench/bench.py "$@"
