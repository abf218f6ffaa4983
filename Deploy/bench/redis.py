#!/usr/bin/env python3
# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""What a cluster costs its Redis, a unit at a time: Docs/Benchmarks.md, from which Docs/Scaling.md computes.

Starts a redis-server of its own on loopback, and reads its CPU time from /proc and its memory from INFO. The unit costs
hold for a server that is busy; on an idle one each message is a wake-up, which costs more and matters less.
"""

import contextlib
import selectors
import socket
import subprocess
import tempfile
import threading
import time

import page

CHUNK = 64 * 1024
# A node's announcement, and an envelope around a small publication, are about this long.
PAYLOAD = b"x" * 200


def encode(*parts: bytes) -> bytes:
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


class Server:
    def __init__(self, directory: str):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", directory,
             "--maxclients", "4000", "--client-output-buffer-limit", "pubsub", "0", "0", "0"],
            stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError):
                self.control = self.connect()
                return
            if time.monotonic() > deadline:
                raise SystemExit("redis-server did not start")
            time.sleep(0.05)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def cpu(self) -> float:
        """User and system time in seconds."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def memory(self) -> int:
        self.control.sendall(encode(b"INFO", b"memory"))
        answer = b""
        while b"used_memory:" not in answer or not answer.endswith(b"\r\n"):
            answer += self.control.recv(CHUNK)
        return int(answer.split(b"used_memory:")[1].split(b"\r\n")[0])

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


class Drain:
    """Reads and counts what subscribers get, on a thread of its own."""

    def __init__(self, sockets: list[socket.socket]):
        self.selector = selectors.DefaultSelector()
        self.bytes = 0
        self.isOver = False
        for subscriber in sockets:
            subscriber.setblocking(False)
            self.selector.register(subscriber, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.isOver:
            for key, _ in self.selector.select(0.2):
                with contextlib.suppress(BlockingIOError):
                    self.bytes += len(key.fileobj.recv(CHUNK))

    def wait(self, count: int):
        deadline = time.monotonic() + 120
        while self.bytes < count:
            if time.monotonic() > deadline:
                raise SystemExit(f"only {self.bytes} of {count} bytes came")
            time.sleep(0.02)

    def stop(self):
        self.isOver = True
        self.thread.join()


def pipelined(server: Server, commands: list[bytes], answer_bytes: int) -> float:
    """Microseconds of Redis' CPU for each of the commands, written in chunks as a node's command connection does."""
    connection = server.connect()
    before = server.cpu()
    received = 0
    for start in range(0, len(commands), 500):
        chunk = commands[start:start + 500]
        connection.sendall(b"".join(chunk))
        wanted = received + answer_bytes * len(chunk)
        while received < wanted:
            received += len(connection.recv(CHUNK))
    spent = server.cpu() - before
    connection.close()
    return spent / len(commands) * 1e6


def fan_out(server: Server, subscribers: int, publications: int) -> float:
    """Microseconds for one publication to so many subscribers of its channel."""
    sockets = [server.connect() for _ in range(subscribers)]
    for subscriber in sockets:
        subscriber.sendall(encode(b"SUBSCRIBE", b"martlet:control"))
    for subscriber in sockets:
        subscriber.recv(CHUNK)
    drain = Drain(sockets)
    message = len(encode(b"message", b"martlet:control", PAYLOAD))
    before = server.cpu()
    publisher = server.connect()
    answer = len(b":%d\r\n" % subscribers)
    for _ in range(publications):
        publisher.sendall(encode(b"PUBLISH", b"martlet:control", PAYLOAD))
        received = 0
        while received < answer:
            received += len(publisher.recv(CHUNK))
    drain.wait(message * subscribers * publications)
    spent = server.cpu() - before
    drain.stop()
    for subscriber in [*sockets, publisher]:
        subscriber.close()
    return spent / publications * 1e6


def interest(server: Server, channels: int) -> tuple[float, float]:
    """Microseconds and bytes for each channel that one node subscribes to."""
    connection = server.connect()
    memory, before = server.memory(), server.cpu()
    names = [b"martlet.user:%012d" % number for number in range(channels)]
    received = 0
    answers = sum(len(b"*3\r\n$9\r\nsubscribe\r\n$%d\r\n%s\r\n:%d\r\n" % (len(name), name, index + 1))
                  for index, name in enumerate(names))
    sender = threading.Thread(target=lambda: [
        connection.sendall(encode(b"SUBSCRIBE", *names[start:start + 500])) for start in range(0, channels, 500)])
    sender.start()
    while received < answers:
        received += len(connection.recv(CHUNK))
    sender.join()
    spent, held = server.cpu() - before, server.memory() - memory
    connection.close()
    return spent / channels * 1e6, held / channels


def main():
    with tempfile.TemporaryDirectory() as directory:
        server = Server(directory)
        try:
            publish = pipelined(server, [encode(b"PUBLISH", b"martlet.nobody", PAYLOAD)] * 100_000, len(b":0\r\n"))
            few, many = fan_out(server, 10, 5_000), fan_out(server, 1_000, 500)
            delivery = (many - few) / 990
            subscribe, held = interest(server, 500_000)
            hset = pipelined(
                server, [encode(b"HSET", b"martlet:presence", b"%08d" % (number % 10_000), PAYLOAD)
                         for number in range(100_000)], len(b":1\r\n"))
        finally:
            server.stop()
    version = subprocess.run(["redis-server", "--version"], capture_output=True, text=True).stdout.split()[2]
    page.write_section("redis", "Deploy/bench/redis.py", [
        "## What a cluster costs its Redis", "",
        f"{page.machine()}; redis-server {version.removeprefix('v=')}, one thread, on loopback, "
        "payloads of 200 bytes. CPU is that of redis-server. [Scaling](Scaling.md) computes with these.", "",
        "| what | Redis |", "| --- | --- |",
        f"| a publication that nobody gets, pipelined | {publish:.1f} µs |",
        f"| each node that gets it (slope from 10 to 1,000 subscribers) | {delivery:.1f} µs |",
        f"| a channel that a node subscribes to, in batches of 500 | {subscribe:.1f} µs, {held:.0f} B |",
        f"| an entry of presence written (HSET), pipelined | {hset:.1f} µs |"])


if __name__ == "__main__":
    main()
