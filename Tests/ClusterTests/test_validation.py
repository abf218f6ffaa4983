# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Sessions end by asking where no event tells of their end; and what becomes of them when the authority is away too."""

import asyncio
import hashlib
import shutil
import ssl
import subprocess
import sys
import urllib.request

import aiohttp
import pytest
import pytest_asyncio

from authority import Authority
from clients import token, until
from cluster import API_KEY, QUICK_DRAIN, ROOT, SECRET, Cluster, Node, connectable, free_port, wait_for

pytestmark = pytest.mark.asyncio(loop_scope="module")
EACH = 20
EXAMPLES = ROOT / "Examples" / "authority"


class Socket:
    """A plain WebSocket that keeps the code it was closed with."""

    def __init__(self, http, node, session: str):
        self.session, self.code = session, None
        self.token = token(SECRET, "u-" + session, session)
        self.url = f"ws://127.0.0.1:{node.public}/ws?access_token={self.token}"
        self.http, self.node = http, node
        self.status: int | None = None
        self.task = asyncio.ensure_future(self.run())

    async def run(self):
        try:
            async with self.http.ws_connect(self.url, autoping=True) as socket:
                self.status = 101
                await socket.receive()
                self.code = socket.close_code
        except aiohttp.WSServerHandshakeError as error:
            self.status = error.status

    async def opened(self):
        await until(f"{self.session} answered", lambda: self.status is not None)
        return self

    async def stop(self):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def metric(node, name: str) -> float:
    return (await asyncio.to_thread(node.metrics))[name]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http():
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session


async def test_pull_covers_for_push_and_policy_for_pull(http):
    authority = Authority()
    cluster = Cluster(
        2, prometheus=False,
        node_environment={
            "MARTLET_VALIDATION_KIND": "http", "MARTLET_VALIDATION_URL": authority.url,
            # Far too long to matter here: only the short interval of a node that hears nothing can find the dead.
            "MARTLET_VALIDATION_INTERVAL": "1h", "MARTLET_VALIDATION_INTERVAL_DEGRADED": "2s",
            "MARTLET_VALIDATION_STALENESS_MAX": "1h", "MARTLET_VALIDATION_MISSED_PUSH_GRACE": "1s",
            "MARTLET_VALIDATION_ON_CONNECT_TIMEOUT": "3s",
            "MARTLET_VALIDATION_FAILURES_MAX": "2", "MARTLET_VALIDATION_BACKOFF_MAX": "1s",
            "MARTLET_KAFKA_SILENCE_MAX": "2s"})
    await asyncio.to_thread(cluster.start)
    sockets = []
    try:
        first, second = cluster.nodes
        sockets = [Socket(http, node, f"s{index}-{node.process.name}") for node in cluster.nodes for index in range(EACH)]
        await asyncio.gather(*[socket.opened() for socket in sockets])
        assert {socket.status for socket in sockets} == {101}
        for node in cluster.nodes:
            await until("push is healthy", lambda: is_metric(node, "martlet_push_healthy", 1))

        # The topic is cut off, and a session ends of which nobody can be told.
        assert cluster.broker_command("down 1") == "ok"
        for node in cluster.nodes:
            await until("push is not healthy", lambda: is_metric(node, "martlet_push_healthy", 0))
        victim = sockets[3]
        authority.dead.add(victim.session)
        await until("closed by asking", lambda: victim.code is not None)
        assert victim.code == 4503
        await until("counted as missed", lambda: is_metric(first, "martlet_missed_push_total", 1))
        digest = hashlib.sha256(victim.session.encode()).hexdigest()[:16]
        await until("told in the log", lambda: digest in first.process.log.read_text())
        assert victim.session not in first.process.log.read_text()
        # It sticks, there and on the other node, which never knew the session.
        asked = len([session for session in authority.asked if session == victim.session])
        for node in cluster.nodes:
            again = await Socket(http, node, victim.session).opened()
            await until("refused again", lambda: again.code == 4503)
        assert len([session for session in authority.asked if session == victim.session]) == asked
        # Nor does one come in that died before it came.
        authority.dead.add("unseen")
        unseen = await Socket(http, second, "unseen").opened()
        await until("not let in", lambda: unseen.code == 4503)
        assert [socket.session for socket in sockets if socket.code] == [victim.session]

        # The authority breaks as well: who comes new is let in, and the others stay.
        authority.broken = True
        await until("calls fail", lambda: is_metric(first, "martlet_validation_circuit_open", 1))
        kept = 'martlet_validation_admissions_total{outcome="kept"}'
        before = await metric(first, kept)
        late = await Socket(http, first, "late").opened()
        assert late.status == 101
        sockets.append(late)
        await until("let in unanswered", lambda: is_metric(first, kept, before + 1))
        await until("they wait for an answer", lambda: at_least(first, "martlet_validation_overdue_sessions", EACH / 2))
        # It returns, and all is as before.
        authority.broken = False
        await until("calls succeed", lambda: is_metric(first, "martlet_validation_circuit_open", 0))
        await until("nobody is overdue", lambda: is_metric(first, "martlet_validation_overdue_sessions", 0))
        assert [socket.session for socket in sockets if socket.code] == [victim.session]
    finally:
        await asyncio.gather(*[socket.stop() for socket in sockets])
        await asyncio.to_thread(cluster.stop)
        authority.stop()


async def is_metric(node, name: str, value: float) -> bool:
    return await metric(node, name) == value


@pytest.fixture
def nodes(tmp_path):
    """Makes nodes that trust tokens and ask an authority."""
    made = []

    def make(name: str, **environment) -> Node:
        node = Node(
            tmp_path,
            QUICK_DRAIN | {
                "MARTLET_AUTH_HMAC_SECRET": SECRET, "MARTLET_API_KEYS": API_KEY,
                "MARTLET_VALIDATION_INTERVAL": "2s", "MARTLET_VALIDATION_INTERVAL_DEGRADED": "2s",
                "MARTLET_VALIDATION_STALENESS_MAX": "2s", "MARTLET_VALIDATION_BACKOFF_MAX": "1s",
            } | {f"MARTLET_VALIDATION_{key.upper()}": str(value) for key, value in environment.items()}, name)
        made.append(node)
        return node.start()

    yield make
    for node in made:
        node.process.stop(10)


async def test_keep_and_close_do_what_they_say(http, nodes):
    authority = Authority()
    authority.broken = True
    keeping, closing = await asyncio.gather(*[
        asyncio.to_thread(nodes, policy, kind="http", url=authority.url, on_unavailable=policy)
        for policy in ["keep", "close"]])
    kept, closed = await Socket(http, keeping, "s1").opened(), await Socket(http, closing, "s2").opened()
    try:
        await until("too old", lambda: at_least(keeping, "martlet_validation_stale_total", 1))
        await until("closed for want of an answer", lambda: closed.code is not None)
        assert (kept.code, closed.code) == (None, 4000)
        # Who was closed for it does not come back before there is an answer.
        again = await Socket(http, closing, "s2").opened()
        assert again.status == 503
        authority.broken = False

        async def is_back():
            socket = await Socket(http, closing, "s2").opened()
            await socket.stop()
            return socket.status == 101

        await until("back with an answer", is_back)
    finally:
        await kept.stop()
        authority.stop()


def certify(directory):
    """An authority of certificates, and what it issued to the server and to the node."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True, timeout=30)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for issuer in ["ca", "other"]:
        openssl("req", "-x509", *key, "-keyout", f"{issuer}.key", "-out", f"{issuer}.pem", "-days", "2",
                "-subj", f"/CN={issuer}")
    (directory / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    for name in ["server", "node"]:
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-extfile", "names", "-out", f"{name}.pem")


async def test_both_sides_show_certificates_and_tokens_are_introspected(http, nodes, tmp_path):
    certify(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    tls.load_verify_locations(tmp_path / "ca.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    authority = Authority(tls)
    own = {"tls_certificate_file": tmp_path / "node.pem", "tls_key_file": tmp_path / "node.key"}
    asked = {"kind": "introspection", "url": authority.introspection_url, "calls_per_second": 50,
             "user": "martlet", "password": "p:ss w", "client_authentication": "post"}
    good, stranger, naive = await asyncio.gather(
        asyncio.to_thread(nodes, "good", **asked, **own, tls_ca_file=tmp_path / "ca.pem"),
        asyncio.to_thread(nodes, "stranger", **asked, tls_ca_file=tmp_path / "ca.pem"),
        asyncio.to_thread(nodes, "naive", **asked, **own, tls_ca_file=tmp_path / "other.pem"))
    sockets = [Socket(http, node, f"s{number}") for number, node in enumerate([good, good, stranger, naive])]
    try:
        await asyncio.gather(*[socket.opened() for socket in sockets])
        await until("the token was shown", lambda: {"s0", "s1"} <= set(authority.asked))
        form = authority.forms[0]
        assert form["token"] in [socket.token for socket in sockets[:2]] and form["client_id"] == "martlet"
        assert form["client_secret"] == "p:ss w"
        authority.dead.add("s1")
        await until("an inactive token's socket closes", lambda: sockets[1].code is not None)
        assert sockets[1].code == 4503 and sockets[0].code is None
        failed = 'martlet_validation_calls_total{outcome="failed"}'
        for node in [stranger, naive]:
            await until("calls fail", lambda: at_least(node, failed, 1))
            assert await metric(node, 'martlet_validation_calls_total{outcome="ok"}') == 0
        assert set(authority.asked) == {"s0", "s1"}, "nobody without a certificate was listened to"
    finally:
        await asyncio.gather(*[socket.stop() for socket in sockets])
        authority.stop()


async def at_least(node, name: str, value: float) -> bool:
    return await metric(node, name) >= value


@pytest.mark.parametrize("program", ["authority.py", "authority.mjs"])
async def test_the_example_authorities_end_sessions(http, nodes, program):
    interpreter = sys.executable if program.endswith(".py") else shutil.which("node") or shutil.which("nodejs")
    if not interpreter:
        pytest.skip("Node.js is not installed here (Deploy/scripts/setup.sh test installs it)")
    port = free_port()
    example = subprocess.Popen([interpreter, EXAMPLES / program, str(port)], stderr=subprocess.DEVNULL)
    sockets = []
    try:
        await asyncio.to_thread(wait_for, program, lambda: connectable(port))
        node = await asyncio.to_thread(nodes, "node", kind="http", url=f"http://127.0.0.1:{port}/validate")
        sockets = [await Socket(http, node, session).opened() for session in ["stays", "goes"]]
        request = urllib.request.Request(f"http://127.0.0.1:{port}/sessions/goes", method="DELETE")
        await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=30).read())
        await until("the session ended", lambda: sockets[1].code is not None)
        assert sockets[1].code == 4503
        await until("the other was asked about", lambda: at_least(
            node, 'martlet_validations_total{outcome="active"}', 1))
        assert sockets[0].code is None
    finally:
        await asyncio.gather(*[socket.stop() for socket in sockets])
        example.terminate()
        example.wait(10)
