#!/usr/bin/env bash
# Writes what is derived: the chart's README and schema, the plain manifests, the dashboard, the table of alerts.
set -euo pipefail
cd "$(dirname "$0")/../.."

Deploy/scripts/setup.sh test
exec .cache/venv/bin/python Deploy/scripts/kit.py
