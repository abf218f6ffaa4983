# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Deploy" / "local"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from pages import browser, directory, node, tabs  # noqa: E402,F401 (fixtures of the tests with a browser)
