#!/usr/bin/env bash
# Removes everything that was built or downloaded here.
set -euo pipefail
cd "$(dirname "$0")/../.."

rm -rf .build .cache
find Tests -type d -name __pycache__ -prune -exec rm -rf {} +
