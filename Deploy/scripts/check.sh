#!/usr/bin/env bash
# Holds the house rules: format, imports as declared, the tidy tests.
set -euo pipefail
cd "$(dirname "$0")/../.."

Deploy/scripts/setup.sh run
swift format lint --strict --parallel --recursive Package.swift Sources Tests
swift build --product martletPackageTests --explicit-target-dependency-import-check error
swift test --skip-build --disable-xctest --filter TidyTests
