# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
for folder in ("Deploy/local", "Deploy/scripts", "Deploy/grafana", "Tests/DeployTests"):
    sys.path.insert(0, str(ROOT / folder))
