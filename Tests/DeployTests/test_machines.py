# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Machines and images. Neither a Docker engine nor systemd as the first process is here: these files are read, by the
tools that there are and by the rules below, and not run.
"""

import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

import kit
from cluster import DEBUG

DEPLOY = kit.ROOT / "Deploy"


def settings(path: pathlib.Path) -> dict[str, str]:
    found = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith(("#", "[")):
            name, _, value = line.partition("=")
            found[name.strip()] = value.strip()
    return found


def test_the_unit(tmp_path):
    unit = DEPLOY / "systemd" / "martlet.service"
    found = settings(unit)
    keys, _, _ = kit.configuration_keys()
    assert {"drain.delay", "drain.window"} <= set(keys)
    # The defaults, 5 s and 20 s, and time for farewells.
    assert int(found["TimeoutStopSec"]) >= 5 + 20 + 10
    assert int(found["LimitNOFILE"]) <= int(settings(DEPLOY / "systemd" / "60-martlet.conf")["fs.nr_open"])
    assert found["RestartPreventExitStatus"] == "78" and found["DynamicUser"] == "yes"
    if not shutil.which("systemd-analyze"):
        return
    # As it would stand, with a program that exists.
    copy = tmp_path / "martlet.service"
    copy.write_text(unit.read_text().replace("/usr/local/bin/martlet", "/bin/true"))
    result = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True)
    assert str(copy) not in result.stderr, result.stderr
    # What is left is the network, and files that all may read.
    result = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", copy], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout


def test_every_kernel_setting_has_its_reason():
    lines = (DEPLOY / "systemd" / "60-martlet.conf").read_text().splitlines()
    names = [line.partition("=")[0].strip().lstrip("-") for line in lines if "=" in line and not line.startswith("#")]
    assert len(names) > 12
    for name in names:
        place = pathlib.Path("/proc/sys") / name.replace(".", "/")
        assert place.exists() or name.startswith(("net.", "fs.")), name
    # A paragraph begins with a comment.
    for paragraph in "\n".join(lines).split("\n\n"):
        assert paragraph.startswith("#"), paragraph


def test_the_memory_of_sockets_is_told_as_it_is():
    """The kernel's three numbers are pages: below the first it is at ease again, it saves above the second and refuses
    above the third."""
    text = (DEPLOY / "systemd" / "60-martlet.conf").read_text()
    ease, save, refuse = (int(pages) * 4096 >> 30 for pages in re.search(r"tcp_mem = (\d+) (\d+) (\d+)", text).groups())
    comment = " ".join(line.removeprefix("# ") for line in text.splitlines())
    assert f"begin to save at {save} GiB, until it is {ease} GiB again, refuse above {refuse} GiB" in comment
    assert "Scale all three with the memory" in comment


def places_with_limits() -> dict[str, str]:
    operations = (kit.ROOT / "Docs" / "Operations.md").read_text()
    return {
        "compose": (DEPLOY / "compose.yaml").read_text(),
        "the unit": (DEPLOY / "systemd" / "martlet.service").read_text(),
        "operations": operations.partition("A machine with systemd")[2].partition("Everything on one machine")[0],
    }


@pytest.mark.parametrize("place", places_with_limits())
def test_slow_start_has_a_rate_to_rise_to(place):
    """The chart's, wherever a node is set up."""
    rate = yaml.safe_load((kit.CHART / "values.yaml").read_text())["config"]["limits"]["connects_per_second"]
    found = re.search(r"connects_per_second\D+([0-9]+)", places_with_limits()[place], re.IGNORECASE)
    assert found and int(found[1]) == rate


def test_the_configuration_to_begin_with_is_one(tmp_path):
    """That of Docs/Operations.md, for a machine with systemd."""
    path = tmp_path / "martlet.yaml"
    path.write_text(re.search(r"```yaml\n(.*?)```", places_with_limits()["operations"], re.DOTALL)[1])
    environment = {"MARTLET_AUTH_HMAC_SECRET": "0123456789" * 4, "MARTLET_API_KEYS": "key"}
    command = [DEBUG / "martlet", "config", "check", "--config", path]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def instructions() -> list[tuple[str, str]]:
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line and not line.startswith("#")]


def test_the_image():
    found = instructions()
    stages = [index for index, (name, _) in enumerate(found) if name == "FROM"]
    assert len(stages) == 2
    last = dict(found[stages[1] :])
    assert last["USER"] == "65532:65532" and last["STOPSIGNAL"] == "SIGTERM" and last["EXPOSE"] == "8000 9000"
    assert last["ENTRYPOINT"] == '["/usr/local/bin/martlet"]' and last["CMD"] == '["serve"]'
    assert "/healthz" in last["HEALTHCHECK"]
    steps = " ".join(value for name, value in found[stages[1] :] if name == "RUN")
    # What runs has no compiler and no headers, and both stages are of one Debian.
    assert "-dev" not in steps and "librdkafka1" in steps and "libhiredis0.14" in steps
    assert [re.search("bookworm", found[stage][1])[0] for stage in stages] == ["bookworm"] * 2
    # The version that setup.sh wants, and the packages by which it builds.
    setup = (DEPLOY / "scripts" / "setup.sh").read_text()
    assert f"swift:{re.search('swift_wanted=([0-9.]+)', setup)[1]}-" in found[stages[0]][1]
    needed = re.search(r"to_run=\(([^)]*)\)", setup)[1].split()
    first = " ".join(value for name, value in found[: stages[1]] if name == "RUN")
    assert [package for package in needed if package not in first] == []


def test_the_health_check_speaks_http(tmp_path):
    """The image's health check, as its shell would run it, against a server that is well, and one that is not."""
    import http.server
    import json
    import threading

    check = json.loads(dict(instructions())["HEALTHCHECK"].partition("CMD ")[2])

    class Handler(http.server.BaseHTTPRequestHandler):
        status = 200

        def do_GET(self):
            self.send_response(Handler.status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = [part.replace("9000", str(server.server_port)) for part in check]
        assert subprocess.run(command, timeout=30).returncode == 0
        Handler.status = 503
        assert subprocess.run(command, timeout=30).returncode != 0
        server.shutdown()
    assert subprocess.run(command, timeout=30, stderr=subprocess.DEVNULL).returncode != 0


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_what_compose_names_exists(compose):
    services = compose["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", [])) <= set(services), name
        for volume in service.get("volumes", []):
            assert (DEPLOY / volume.split(":")[0]).exists(), volume
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name}: {port}"
        for source in service.get("configs", []):
            assert source["source"] in compose["configs"]
    assert (DEPLOY / services["node-1"]["build"]["context"] / services["node-1"]["build"]["dockerfile"]).exists()


def test_composed_nodes_start(compose, tmp_path):
    _, variables, _ = kit.configuration_keys()
    path = tmp_path / "martlet.yaml"
    path.write_text(compose["configs"]["martlet"]["content"])
    for name in ("node-1", "node-2", "node-3"):
        environment = compose["services"][name]["environment"]
        assert (
            set(environment) <= set(variables.values()) | {"MARTLET_CONFIG"}
            and environment["MARTLET_NODE_NAME"] == name
        )
        result = subprocess.run(
            [DEBUG / "martlet", "config", "check"],
            env=environment | {"MARTLET_CONFIG": str(path)},
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, result.stderr
        stop = int(compose["services"][name]["stop_grace_period"].rstrip("s"))
        drain = sum(int(environment[f"MARTLET_DRAIN_{part}"].rstrip("s")) for part in ("DELAY", "WINDOW"))
        assert stop >= drain + 10


def test_balancer_and_prometheus_find_the_composed_nodes(compose):
    nodes = {name for name in compose["services"] if name.startswith("node-")}
    for path in ("haproxy/haproxy.cfg", "prometheus/prometheus.yml"):
        named = set(re.findall(r"\b(node-\d):", (DEPLOY / path).read_text()))
        assert named == nodes, path
