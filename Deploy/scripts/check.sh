#!/usr/bin/env bash
# Holds the house rules: format, imports as declared, the tidy tests.
set -euo pipefail
cd "$(dirname "$0")/../.."

Deploy/scripts/setup.sh run
swift format lint --strict --parallel --recursive Package.swift Sources Tests
for product in martletPackageTests martlet martlet-load martlet-sim kafka-broker reactor-bench echo-server; do
    swift build --product "$product" --explicit-target-dependency-import-check error
done
swift test --skip-build --disable-xctest --filter TidyTests
