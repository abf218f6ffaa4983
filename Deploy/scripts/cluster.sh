#!/usr/bin/env bash
# Builds and runs a cluster on this machine: cluster.sh [arguments of Deploy/local/cluster.py]
set -euo pipefail
cd "$(dirname "$0")/../.."

Deploy/scripts/setup.sh test
case " $* " in
    *"release"*) configuration=release ;;
    *) configuration=debug ;;
esac
for product in martlet kafka-broker; do
    swift build -c "$configuration" --product "$product" >&2
done
exec .cache/venv/bin/python Deploy/local/cluster.py "$@"
