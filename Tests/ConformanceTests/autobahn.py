# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Runs the Autobahn testsuite against an echo server made of the node's own parts, and says how it went.

autobahn.py DIRECTORY [CASE...]: DIRECTORY is what Deploy/scripts/conformance.sh unpacked.
"""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# In parts, because the suite writes its report only at the end of a run. 12 and 13 are about compression, which is not
# negotiated; one case of each shows that it is refused.
PARTS = [["1.*", "2.*", "3.*", "4.*", "5.*"], ["6.*"], ["7.*", "10.*"], ["9.1.*", "9.2.*"], ["9.3.*", "9.4.*"],
         ["9.5.*", "9.6.*"], ["9.7.*", "9.8.*"], ["12.1.1", "13.1.1"]]
GOOD = {"OK", "INFORMATIONAL", "NON-STRICT", "UNIMPLEMENTED"}


def main(directory: pathlib.Path, parts: list[list[str]]) -> int:
    server = subprocess.Popen([ROOT / ".build/debug/echo-server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    port = int(server.stdout.readline())
    results: dict[str, str] = {}
    try:
        for cases in parts:
            results |= run(directory, port, cases)
    finally:
        server.stdin.close()
        server.wait(10)
    counts = {outcome: list(results.values()).count(outcome) for outcome in sorted(set(results.values()))}
    bad = {case: outcome for case, outcome in results.items() if outcome not in GOOD}
    print(f"Autobahn: {len(results)} cases: {counts}")
    for case, outcome in bad.items():
        print(f"  {case}: {outcome}")
    return 1 if bad or not results else 0


def run(directory: pathlib.Path, port: int, cases: list[str]) -> dict[str, str]:
    reports = directory / "reports"
    specification = directory / "spec.json"
    specification.write_text(json.dumps({
        "outdir": str(reports), "servers": [{"agent": "Martlet", "url": f"ws://127.0.0.1:{port}"}], "cases": cases,
        "exclude-cases": [], "exclude-agent-cases": {}}))
    root = directory / "root" / "usr"
    environment = os.environ | {
        "PYTHONHOME": str(root), "PYTHONPATH": str(directory / "site"),
        "LD_LIBRARY_PATH": str(root / "lib/x86_64-linux-gnu")}
    script = "import sys; from autobahntestsuite.wstest import run; sys.argv[0] = 'wstest'; run()"
    command = [root / "bin/python2.7", "-c", script, "-m", "fuzzingclient", "-s", specification]
    subprocess.run(command, cwd=directory, env=environment, check=True, stdout=subprocess.DEVNULL, timeout=1800)
    index = json.loads((reports / "index.json").read_text())
    [agent] = index.values()
    return {case: result["behavior"] for case, result in agent.items()}


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), [sys.argv[2:]] if len(sys.argv) > 2 else PARTS))
