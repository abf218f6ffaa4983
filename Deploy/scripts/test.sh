#!/usr/bin/env bash
# Builds once and runs every test: test.sh [arguments of swift test]
# With arguments, such as --filter MartletWireTests, the tests of the cluster and of the kit are left out.
set -euo pipefail
cd "$(dirname "$0")/../.."

Deploy/scripts/setup.sh test
# What the environment says about a node is not for the tests.
for name in $(env | sed -n 's/^\(MARTLET_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done

printf '%s\n' "test: building" >&2
# Product by product: a build of everything would build the compiler that comes with swift-protobuf as well.
for product in martletPackageTests martlet martlet-load kafka-broker; do swift build --product "$product"; done
# One after the other: many of them start servers and threads, and judge by the clock.
swift test --skip-build --disable-xctest --no-parallel "$@"
if [ $# -eq 0 ] && [ -d Tests/ClusterTests ]; then
    .cache/venv/bin/python -m pytest -p no:cacheprovider -ra Tests/ClusterTests
    .cache/venv/bin/python -m pytest -p no:cacheprovider -ra Tests/DeployTests
fi
