# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Docs/Benchmarks.md: a section for each program that measures, which it writes anew and leaves the others alone."""

import datetime
import os
import pathlib
import platform

PAGE = pathlib.Path(__file__).resolve().parents[2] / "Docs" / "Benchmarks.md"


def machine() -> str:
    """Where and when something was measured, as a section begins."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"Measured on {datetime.date.today():%Y-%m-%d} on a virtual machine of {os.cpu_count()} cores "
        f"({platform.machine()}), {memory:.0f} GB, Linux {platform.release().split('-')[0]}")


def write_section(name: str, command: str, lines: list[str], path: pathlib.Path = PAGE):
    """Puts the lines in the place of the section of that name, or at the end of the page."""
    begin, end = f"<!-- Section {name}", f"<!-- End of {name}. -->"
    text = "\n".join([f"{begin}: written by `{command}`. -->", "", *lines, "", end, ""])
    page = path.read_text() if path.exists() else "# Benchmarks\n"
    start = page.find(begin)
    if start < 0:
        page = page.rstrip("\n") + "\n\n" + text
    else:
        page = page[:start] + text + page[page.index(end, start) + len(end) + 1:]
    path.write_text(page)
