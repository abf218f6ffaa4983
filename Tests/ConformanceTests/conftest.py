# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
import pathlib
import sys

root = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(root / "Deploy" / "local"), str(root / "Tests" / "ClusterTests")]

from pages import browser  # noqa: E402,F401 (fixture)
