# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Garbage to every port: the node goes on serving and its memory comes back to where it was."""

import concurrent.futures
import json
import os
import pathlib
import random
import socket
import struct
import subprocess
import time
import urllib.request

import pytest

from cluster import QUICK_DRAIN, Node, Process, wait_for

SEED = 7
HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    node = Node(tmp_path_factory.mktemp("garbage"), QUICK_DRAIN | {"MARTLET_LIMITS_HANDSHAKE_DEADLINE": "10s"}).start()
    yield node
    node.process.stop(10)


def send(port: int, *parts: bytes, read: bool = True, patience: float = 0.3, end: bytes | None = None) -> bytes:
    """Sends and takes what comes back for a moment, or until `end`; a reset is an answer like any other."""
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
            for part in parts:
                connection.sendall(part)
            while read and not (end and end in answer):
                piece = connection.recv(65536)
                if not piece:
                    break
                answer += piece
    except OSError:
        pass
    return answer


def frame(opcode: int, payload: bytes, length: bytes | None = None, first: int | None = None, mask: bool = True):
    head = bytes([first if first is not None else 0x80 | opcode])
    bit = 0x80 if mask else 0
    if length is None:
        size = len(payload)
        length = bytes([bit | size]) if size < 126 else bytes([bit | 126]) + struct.pack(">H", size)
    key = b"\1\2\3\4" if mask else b""
    return head + length + key + bytes(b ^ (key[i % 4] if mask else 0) for i, b in enumerate(payload))


def garbage(generator: random.Random):
    """Kinds of bad input, each a list of parts to send after connecting."""
    shake = lambda path: HANDSHAKE.format(path=path).encode()
    noise = generator.randbytes(generator.randrange(1, 4096))
    yield [noise]
    yield [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + generator.randbytes(500)]
    yield [b"GET / HTTP/1.1\r\n" + b"X: " + b"a" * 200_000]
    yield [b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"]
    yield [b"POST /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999999999999\r\n\r\n"]
    yield [b"POST /api/publish HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n"]
    yield [b"GET /events?channel=%ff%fe&channel=%zz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"]
    yield [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
    yield [b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"]
    for path in ["/ws", "/connection/websocket"]:
        yield [shake(path), generator.randbytes(2000)]
        yield [shake(path), frame(1, b"\xff\xfe\xfd")]
        yield [shake(path), frame(1, b"not json")]
        yield [shake(path), frame(1, b'{"id":1,"connect":' + b"[" * 5000)]
        yield [shake(path), frame(1, b"", b"\xff" + b"\xff" * 8)]
        yield [shake(path), frame(1, b"", b"\xff" + struct.pack(">Q", 2**63 - 1))]
        yield [shake(path), frame(1, b"", b"\xff" + struct.pack(">Q", 65_537))]
        yield [shake(path), frame(9, b"x" * 200)]
        yield [shake(path), frame(0, b"continuation of nothing")]
        yield [shake(path), frame(1, b"unmasked", mask=False)]
        yield [shake(path), frame(1, b"{}" * 30_000)]
        yield [shake(path), frame(1, b'{"id":1,"connect":{}}\n' * 500)]
        yield [shake(path), frame(1, b'{"id":4294967296,"subscribe":{"channel":7}}')]
        yield [shake(path), frame(8, b"\x03")]
        yield [shake(path), frame(8, struct.pack(">H", 1005))]


def resident(process: Process) -> int:
    for line in pathlib.Path(f"/proc/{process.child.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0


def descriptors(process: Process) -> int:
    return len(os.listdir(f"/proc/{process.child.pid}/fd"))


def serves(public: int, internal: int):
    request = urllib.request.Request(
        f"http://127.0.0.1:{internal}/api/publish", b'{"channel":"a","data":1}', {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert json.loads(answer.read())["result"] is not None
    answer = send(public, HANDSHAKE.format(path="/ws").encode(),
                  frame(1, b'{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"channel":"a"}}'),
                  patience=30, end=b'"id":1')
    assert b"101 Switching" in answer and b'"id":1' in answer, answer


def attack(node: Node, rounds: range):
    def run(number: int):
        generator = random.Random(SEED + number)
        for parts in garbage(generator):
            send(node.public, *parts, read=generator.random() < 0.3)
            send(node.internal, *parts, read=generator.random() < 0.1)

    # Most of a round is waiting for answers that do not come.
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(run, rounds))


def test_garbage_leaves_the_node_serving_and_its_memory_where_it_was(node):
    process, public, internal = node.process, node.public, node.internal
    serves(public, internal)
    # A connection that was answered lingers for a moment, and must not be counted as one that stays.
    time.sleep(3)
    quiet = descriptors(process)
    # The first rounds fill pools and caches; memory is compared after them.
    attack(node, range(8))
    halves = [socket.create_connection(("127.0.0.1", public)) for _ in range(300)]
    for index, half in enumerate(halves):
        half.sendall(b"GET /ws HTTP/1.1\r\nHo"[: 1 + index % 20])
    wait_for("half-open connections held", lambda: descriptors(process) > quiet + 0.9 * len(halves))
    serves(public, internal)
    # Half-open connections end at the node's deadline, while this side keeps them.
    settled(process, quiet)
    for half in halves:
        half.close()
    before = resident(process)
    attack(node, range(8, 28))
    serves(public, internal)
    settled(process, quiet)
    wait_for("memory given back", lambda: resident(process) - before < 4 * 1024 * 1024)
    assert process.child.poll() is None
    log = process.log.read_text(errors="replace")
    assert "Fatal error" not in log


def settled(process: Process, quiet: int):
    """Waits until no connection is left but what the control port keeps alive for a while."""
    wait_for("descriptors given back", lambda: descriptors(process) < quiet + 40)
