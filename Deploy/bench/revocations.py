#!/usr/bin/env python3
# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Measures the revocation table in a release build, and writes its section of Docs/Benchmarks.md.

    swift build -c release --product revocation-bench && Deploy/bench/revocations.py [program] [entries]
"""

import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from page import machine, write_section  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOOKUP = r"look-up, {}, {} thread\(s\): mean ([\d.]+) us, p50 ([\d.]+), p99 ([\d.]+)"
NONE, REVOKED = "none of a user, a session, a token", "a revoked session"


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / ".build/release/revocation-bench")
    entries = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000_000
    load = os.getloadavg()[0]
    output = subprocess.run([program, str(entries)], check=True, capture_output=True, text=True).stdout
    print(output)

    def found(pattern: str) -> list[float]:
        match = re.search(pattern, output)
        if not match:
            raise SystemExit(f"not in the output: {pattern}")
        return [float(group) for group in match.groups()]

    rows = []

    def row(what: str, text: str, target: str = "–", reached: bool | None = None):
        verdict = "–" if reached is None else "yes" if reached else "**no**"
        rows.append(f"| {what} | {text} | {target} | {verdict} |")

    size, own = found(r"resident bytes an entry: ([\d.]+) \(by its own count ([\d.]+)\)")
    row("resident memory a revocation", f"{size:.1f} B (by the table's own count {own:.1f} B)", "≤ 40 B", size <= 40)
    for threads in ("1", "2"):
        mean, p50, p99 = found(LOOKUP.format(NONE, threads))
        row(
            f"look-up of a name that is not there, {threads} thread(s)",
            f"{mean / 3:.3f} µs; a whole identity (user, session, token) in {mean:.3f} µs, "
            f"p50 {p50:.3f}, p99 {p99:.3f}",
            "≤ 0.3 µs", mean / 3 <= 0.3)
        mean, p50, p99 = found(LOOKUP.format(REVOKED, threads))
        row(f"verdict on a revoked session, {threads} thread(s)", f"{mean:.3f} µs, p50 {p50:.3f}, p99 {p99:.3f}")
    for what, label in (
            ("insert", "insertion, the longest"), (r"expiry in \d+ slices", "expiry of a slice, the longest"),
            ("insert at the bound", "insertion at the bound, where the oldest go, the longest"),
            ("look-up meanwhile", "look-up while everything expires, the longest")):
        cpu, wall = found(rf"\n  {what}: .*worst ([\d.]+) ms of CPU, ([\d.]+) ms on the clock")
        row(label, f"{cpu:.2f} ms of CPU ({wall:.1f} ms on the clock)", "≤ 5 ms", cpu <= 5)
    cpu, wall = found(r"decode and insert: ([\d.]+) s of CPU, ([\d.]+) s")
    row(f"replay of {entries:,} records, decode and insert, one thread", f"{cpu:.1f} s of CPU ({wall:.1f} s)",
        "≤ 20 s for 10 million", cpu * 1e7 / entries <= 20)
    write_section("revocations", "Deploy/bench/revocations.py", [
        "## The revocation table", "",
        f"{machine()}, with a load of {load:.0f} of others' making at the beginning; {entries:,} revocations of names of "
        "22 characters (of ten: six sessions, two users, a token, a claim), in a table bounded at that many. CPU is the "
        "thread's own; on a machine that others use, the time on the clock has their slices in it, and misses of the "
        "cache cost more. Look-ups are timed in batches of 256 verdicts on identities made a moment before, as a "
        "connect does.", "",
        "| what | measured | to reach | reached |", "| --- | --- | --- | --- |", *rows])


if __name__ == "__main__":
    main()
