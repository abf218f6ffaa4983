#!/usr/bin/env python3
# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Carries out Deploy/Dockerfile without Docker, in bare Debian roots: image.py DIRECTORY

Each stage is a root made by debootstrap; its RUN, COPY and USER are done there as they stand in the file, by chroot.
The image of Swift is a bare root with the Swift of this machine and the packages that toolchain needs. Then the node
is started as the image would start it: by its user, with a read-only root, without network but loopback, and its
health check is asked. Needs root, debootstrap, iproute2 and some GB under DIRECTORY, which it does not remove.
SWIFT_BINDS names further directories that a private mirror of packages needs (colon separated).
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUITE = "bookworm"
# What a Swift toolchain of Debian links and runs with, which its image has.
SWIFT_NEEDS = [
    "ca-certificates", "git", "gcc", "g++", "libc6-dev", "libstdc++-12-dev", "binutils-gold", "libcurl4-openssl-dev",
    "libxml2-dev", "libpython3.11", "libedit2", "libsqlite3-0", "libncurses6", "libz3-dev", "pkg-config", "tzdata",
    "zlib1g-dev", "unzip"]
START_SECONDS = 60
# What Docker gives a container.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def instructions(text: str):
    """The Dockerfile's lines as (name, rest), continued lines joined, comments gone."""
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            yield name.upper(), rest.strip()


def run(*command, **options) -> subprocess.CompletedProcess:
    print("+", shlex.join(map(str, command)), flush=True)
    return subprocess.run([str(part) for part in command], check=True, **options)


class Stage:
    """One image to be: its root, and what the file has said about it so far."""

    def __init__(self, directory: pathlib.Path, base: str, name: str):
        self.root, self.base, self.name = directory / name, base, name
        self.folder, self.user, self.environment = "/", "0:0", {"PATH": PATH, "HOME": "/root"}
        self.entry: list[str] = []
        self.command: list[str] = []
        self.check: list[str] = []
        self.mounts: list[pathlib.Path] = []

    def make(self):
        # Only what was built is kept from one run to the next: an image begins from nothing.
        if not self.base.startswith("swift"):
            run("rm", "-rf", "--one-file-system", self.root)
        if not (self.root / "etc/debian_version").exists():
            mirror = re.search(r"https?://\S+/debian(?=\s|/?$)", sources(), re.MULTILINE)
            run("debootstrap", "--variant=minbase", SUITE, self.root, mirror.group() if mirror else "")
        # The same mirrors and names as this machine.
        for path in ["/etc/apt", "/etc/resolv.conf", "/etc/hosts"]:
            run("cp", "-aL", path, self.root / "etc")
        for path in ["/proc", "/dev"]:
            self.mount(pathlib.Path(path))
        if self.base.startswith("swift"):
            self.lay_swift()

    def lay_swift(self):
        """The toolchain, at the place where it is on this machine."""
        swift = pathlib.Path(shutil.which("swift")).resolve()
        binds = [swift.parents[2], *map(pathlib.Path, filter(None, os.environ.get("SWIFT_BINDS", "").split(":")))]
        for path in binds:
            self.mount(path)
        self.environment["PATH"] = f"{swift.parent}:{PATH}"
        self.run(f"apt-get update -q && apt-get install -q -y --no-install-recommends {' '.join(SWIFT_NEEDS)}")
        configuration = subprocess.run(["git", "config", "--system", "-l"], capture_output=True, text=True).stdout
        for line in configuration.splitlines():
            key, _, value = line.partition("=")
            if key.startswith("url."):
                run("chroot", self.root, "git", "config", "--system", "--add", key, value)

    def mount(self, path: pathlib.Path):
        target = self.root / path.relative_to("/")
        target.mkdir(parents=True, exist_ok=True)
        run("mount", "--rbind", path, target)
        run("mount", "--make-rslave", target)
        self.mounts.append(target)

    def release(self):
        for target in reversed(self.mounts):
            run("umount", "--recursive", "--lazy", target)
        self.mounts = []

    def inside(self, command: list[str], *wrapper: str) -> list[str]:
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        return [*wrapper, "chroot", f"--userspec={self.user}", str(self.root), "/usr/bin/env", "-i", *variables, *command]

    def run(self, line: str):
        run(*self.inside(["sh", "-ec", f"cd {self.folder} && {line}"]), stdin=subprocess.DEVNULL)

    def copy(self, sources: list[str], target: str, origin: pathlib.Path):
        place = self.root / (target if target.startswith("/") else f"{self.folder}/{target}").lstrip("/")
        for name in sources:
            source = origin / name.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                # What an earlier run laid there and is no more must not be built.
                if target != "/":
                    shutil.rmtree(place, ignore_errors=True)
                run("cp", "-aT", source, place)
            else:
                run("cp", "-a", source, place)


def sources() -> str:
    """Where this machine's own packages come from."""
    files = [pathlib.Path("/etc/apt/sources.list"), *pathlib.Path("/etc/apt/sources.list.d").glob("*")]
    return "\n".join(file.read_text() for file in files if file.is_file())


def build(directory: pathlib.Path) -> Stage:
    """Carries out the file; the last stage is the image. Roots that could not be finished are released."""
    stages: dict[str, Stage] = {}
    stage = None
    try:
        for name, rest in instructions((ROOT / "Deploy" / "Dockerfile").read_text()):
            if name == "FROM":
                base, _, alias = rest.partition(" AS ")
                stage = Stage(directory, base, alias or "image")
                stages[stage.name] = stage
                stage.make()
            else:
                carry_out(stage, stages, name, rest)
        return stage
    finally:
        for other in stages.values():
            other.release()


def carry_out(stage: Stage, stages: dict[str, Stage], name: str, rest: str):
    if name == "RUN":
        stage.run(rest)
    elif name == "WORKDIR":
        stage.folder = rest
        (stage.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
    elif name == "COPY":
        origin = ROOT
        words = rest.split()
        if words[0].startswith("--from="):
            origin = stages[words.pop(0).removeprefix("--from=")].root
        stage.copy(words[:-1], words[-1], origin)
    elif name == "USER":
        stage.user = rest
    elif name == "ENTRYPOINT":
        stage.entry = json.loads(rest)
    elif name == "CMD":
        stage.command = json.loads(rest)
    elif name == "HEALTHCHECK":
        stage.check = json.loads(re.search(r"CMD (\[.*\])", rest).group(1))
    elif name not in {"ARG", "LABEL", "EXPOSE", "STOPSIGNAL"}:
        sys.exit(f"image.py does not know {name}")


def start(stage: Stage):
    """Runs the image's command as its user, its root read-only, in a network of its own, and asks its health check."""
    for path in ["/proc", "/dev"]:
        stage.mount(pathlib.Path(path))
    # The root is bound on itself in a mount namespace of its own, so that it can be read-only there and nowhere else.
    prepare = (
        f"mount --rbind {stage.root} {stage.root} && mount -o remount,ro,bind {stage.root} && ip link set lo up && "
        'exec "$0" "$@"')
    unshare = ["unshare", "--mount", "--net", "sh", "-ec", prepare]
    node = subprocess.Popen(stage.inside([*stage.entry, *stage.command], *unshare))
    try:
        enter = ["nsenter", "--net", "--mount", f"--target={node.pid}"]
        write = stage.inside(["sh", "-c", "touch /etc/x /usr/local/bin/x 2>/dev/null"], *enter)
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run(stage.inside(stage.check, *enter), stdout=subprocess.DEVNULL).returncode != 0:
            if node.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"the node is not healthy (exit code {node.poll()})")
            time.sleep(0.2)
        status = pathlib.Path(f"/proc/{node.pid}/status").read_text()
        user = re.search(r"^Uid:\s+(\d+)", status, re.MULTILINE).group(1)
        assert user != "0" and user == stage.user.partition(":")[0], f"it runs as user {user}"
        assert subprocess.run(write).returncode != 0, "its root can be written"
        node.send_signal(signal.SIGTERM)
        code = node.wait(60)
        assert code == 0, f"it ended with {code}"
        print(f"healthy as user {user} with a read-only root; ended with 0 on SIGTERM")
    finally:
        if node.poll() is None:
            node.kill()
        stage.release()


def main():
    if len(sys.argv) != 2 or os.geteuid() != 0:
        sys.exit(f"{__doc__}")
    directory = pathlib.Path(sys.argv[1]).resolve()
    directory.mkdir(parents=True, exist_ok=True)
    stage = build(directory)
    size = subprocess.run(["du", "-sxm", stage.root], capture_output=True, text=True).stdout.split()[0]
    program = stage.root / "usr/local/bin/martlet"
    print(f"the image takes {size} MiB, the program {program.stat().st_size / 2**20:.0f} MiB of it")
    start(stage)


if __name__ == "__main__":
    main()
