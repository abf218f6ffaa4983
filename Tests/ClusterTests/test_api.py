# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""The server API over two nodes, as Centrifugo's own client `cent` calls it, and held to its OpenAPI document."""

import asyncio
import json
import signal
import time
from urllib.parse import quote

import cent
import jsonschema
import pytest
import pytest_asyncio
import requests
import yaml
from centrifuge import Client
from openapi_spec_validator import validate

from clients import token, until
from cluster import API_KEY, SECRET, Cluster
from test_centrifuge import Events

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMESPACES = """
namespaces:
  - subscribe: authenticated
  - name: chat
    subscribe: authenticated
    publish: authenticated
    presence: true
    join_leave: true
    history_size: 100
    history_ttl: 5m
  - name: news
    subscribe: anonymous
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster():
    cluster = Cluster(2, prometheus=False)
    (cluster.directory / "martlet.yaml").write_text(NAMESPACES)
    await asyncio.to_thread(cluster.start)
    yield cluster
    await asyncio.to_thread(cluster.stop)


class Server(Events):
    """One client with what it is told of server-side subscriptions and publications."""

    def __init__(self, node, user: str, session: str):
        super().__init__()
        self.subscribed, self.unsubscribed, self.received = [], [], []
        self.sdk = Client(
            f"ws://127.0.0.1:{node.public}/connection/websocket", events=self,
            token=token(SECRET, user, session), min_reconnect_delay=0.1, max_reconnect_delay=0.5)

    async def on_subscribed(self, context):
        self.subscribed.append(context.channel)

    async def on_unsubscribed(self, context):
        self.unsubscribed.append(context.channel)

    async def on_publication(self, context):
        self.received.append((context.channel, context.pub.data))

    async def connect(self):
        await self.sdk.connect()
        await self.sdk.ready(timeout=30)
        return self


@pytest_asyncio.fixture(loop_scope="module")
async def connect(cluster):
    started = []

    async def connect(index: int, user: str, session: str = "s1") -> Server:
        started.append(Server(cluster.nodes[index], user, session))
        return await started[-1].connect()

    yield connect
    for client in started:
        await client.sdk.disconnect()


def url(node) -> str:
    return f"http://127.0.0.1:{node.internal}/api"


class Sync:
    """The client that blocks, in the shape of the other."""

    def __init__(self, node):
        self.client = cent.Client(url(node), API_KEY)

    def __getattr__(self, name):
        method = getattr(self.client, name)
        return lambda request: asyncio.to_thread(method, request)

    async def close(self):
        self.client.close()


@pytest_asyncio.fixture(loop_scope="module", params=["sync", "async"])
async def api(request, cluster):
    """A client of the second node: what is done through it must be done on the first as well."""
    node = cluster.nodes[1]
    client = Sync(node) if request.param == "sync" else cent.AsyncClient(url(node), API_KEY)
    yield client
    await client.close()


async def code(call) -> int:
    with pytest.raises(cent.CentApiResponseError) as refused:
        await call
    return refused.value.code


def counts(result) -> list[int]:
    return [node["count"] for node in result.nodes]


async def test_publications(api, request):
    channel = f"chat:{request.node.name}"
    first = await api.publish(cent.PublishRequest(channel=channel, data={"n": 1}, tags={"k": "v"}))
    assert first.offset == 1 and first.epoch
    again = [
        await api.publish(cent.PublishRequest(channel=channel, data={"n": 2}, idempotency_key="key"))
        for _ in range(2)]
    assert [result.offset for result in again] == [2, 2]
    skipped = await api.publish(cent.PublishRequest(channel=channel, data={"n": 0}, skip_history=True))
    assert skipped.offset in (0, 2)
    assert (await api.publish(cent.PublishRequest(channel="news:a", data=1))).offset == 0
    encoded = await api.publish(cent.PublishRequest(channel=channel, data=None, b64data="eyJuIjozfQ=="))
    assert encoded.offset == 3
    broadcast = await api.broadcast(cent.BroadcastRequest(channels=[channel, "nowhere:a", "news:a"], data={"n": 4}))
    [kept, unknown, passed] = broadcast.responses
    assert kept.result.offset == 4 and unknown.error.code == 102 and passed.result.offset == 0

    history = await api.history(cent.HistoryRequest(channel=channel, limit=-1))
    assert [(p.offset, p.data) for p in history.publications] == [(n, {"n": n}) for n in range(1, 5)]
    assert history.publications[0].tags == {"k": "v"}
    assert (history.offset, history.epoch) == (4, first.epoch)
    top = await api.history(cent.HistoryRequest(channel=channel))
    assert top.publications == [] and top.offset == 4
    since = cent.StreamPosition(offset=2, epoch=first.epoch)
    after = await api.history(cent.HistoryRequest(channel=channel, limit=1, since=since))
    assert [p.offset for p in after.publications] == [3]
    newest = await api.history(cent.HistoryRequest(channel=channel, limit=2, reverse=True))
    assert [p.offset for p in newest.publications] == [4, 3]
    foreign = cent.StreamPosition(offset=2, epoch="other")
    assert await code(api.history(cent.HistoryRequest(channel=channel, limit=1, since=foreign))) == 112
    await api.history_remove(cent.HistoryRemoveRequest(channel=channel))
    emptied = await api.history(cent.HistoryRequest(channel=channel, limit=-1))
    assert emptied.publications == [] and (emptied.offset, emptied.epoch) == (4, first.epoch)


async def test_what_a_namespace_does_not_have_is_not_available(api):
    for call in [
        api.history(cent.HistoryRequest(channel="news:a")),
        api.history_remove(cent.HistoryRemoveRequest(channel="news:a")),
        api.presence(cent.PresenceRequest(channel="news:a")),
        api.presence_stats(cent.PresenceStatsRequest(channel="news:a")),
    ]:
        assert await code(call) == 108
    assert await code(api.publish(cent.PublishRequest(channel="nowhere:a", data=1))) == 102
    assert await code(api.publish(cent.PublishRequest(channel="", data=1))) == 107
    # What Centrifugo sells, and does not exist here, is said by the status.
    with pytest.raises(cent.CentTransportError):
        await api.block_user(cent.BlockUserRequest(user="ann"))


async def test_subscriptions_of_users_on_all_nodes(api, connect, request):
    # A channel of its own: the entries of those who have gone go by and by.
    user, channel = request.node.name, f"chat:{request.node.callspec.id}-subscribed"
    clients = [await connect(0, user), await connect(1, user), await connect(0, user, "s2")]
    other = await connect(0, "other")
    everyone = await api.subscribe(cent.SubscribeRequest(user=user, channel=channel, data={"hello": 1}))
    assert sorted(counts(everyone)) == [1, 2]
    await until("subscribed", lambda: all(client.subscribed == [channel] for client in clients))
    assert other.subscribed == []
    await api.publish(cent.PublishRequest(channel=channel, data="heard"))
    await until("heard", lambda: all(client.received == [(channel, "heard")] for client in clients))

    async def all_present():
        there = (await api.presence(cent.PresenceRequest(channel=channel))).presence
        return there if len(there) >= len(clients) else None

    # Entries are gathered for a moment before they go to Redis, and each node's go by themselves.
    there = await until("all are there", all_present)
    assert sorted(there) == sorted(client.client for client in clients)
    assert {info.user for info in there.values()} == {user}
    stats = await api.presence_stats(cent.PresenceStatsRequest(channel=channel))
    assert (stats.num_clients, stats.num_users) == (3, 1)
    channels = await api.channels(cent.ChannelsRequest(pattern=f"chat:{request.node.callspec.id}-*"))
    assert {name: info.num_clients for name, info in channels.channels.items()} == {channel: 3}

    one = await api.unsubscribe(
        cent.UnsubscribeRequest(user=user, channel=channel, client=clients[1].client))
    assert sorted(counts(one)) == [0, 1]
    session = await api.unsubscribe(cent.UnsubscribeRequest(user=user, channel=channel, session="s2"))
    assert sorted(counts(session)) == [0, 1]
    await until("unsubscribed", lambda: [len(client.unsubscribed) for client in clients] == [0, 1, 1])
    await api.unsubscribe(cent.UnsubscribeRequest(user=user, channel=channel))
    await until("all unsubscribed", lambda: len(clients[0].unsubscribed) == 1)


async def test_connections_of_users_on_all_nodes(api, connect, cluster, request):
    user = request.node.name
    clients = [await connect(0, user), await connect(1, user)]
    listed = await api.connections(cent.ConnectionsRequest(user=user, expression=""))
    assert sorted(listed.connections) == sorted(client.client for client in clients)
    assert {info.transport for info in listed.connections.values()} == {"websocket"}
    assert await code(api.connections(cent.ConnectionsRequest(user=user, expression="x == 1"))) == 108
    info = await api.info(cent.InfoRequest())
    assert sorted(node.name for node in info.nodes) == ["node-1", "node-2"]
    assert sum(node.num_clients for node in info.nodes) >= 2 and {node.state for node in info.nodes} == {"ready"}

    refreshed = await api.refresh(cent.RefreshRequest(user=user, expire_at=int(time.time()) + 3600))
    assert counts(refreshed) == [1, 1]
    expired = await api.refresh(cent.RefreshRequest(user=user, client=clients[0].client, expired=True))
    assert sum(counts(expired)) == 1
    await until("back with the same token", lambda: clients[0].connects == 2)

    kept = await api.disconnect(
        cent.DisconnectRequest(
            user=user, whitelist=[clients[1].client], disconnect=cent.Disconnect(code=4600, reason="moved")))
    assert sum(counts(kept)) == 1
    await until("ended", lambda: clients[0].disconnected == [(4600, "moved")])
    assert clients[1].disconnected == []
    await api.disconnect(cent.DisconnectRequest(user=user))
    await until("both ended", lambda: len(clients[1].disconnected) == 1)
    assert counts(await api.disconnect(cent.DisconnectRequest(user=user))) == [0, 0]


@pytest.mark.parametrize("parallel", [False, True])
async def test_a_batch(api, parallel, request):
    channel = f"chat:{request.node.name}"
    requests = [cent.PublishRequest(channel=channel, data=number) for number in range(20)]
    asked = [*requests, cent.HistoryRequest(channel=channel), cent.PresenceStatsRequest(channel=channel)]
    replies = (await api.batch(cent.BatchRequest(requests=asked, parallel=parallel))).replies
    assert sorted(reply.offset for reply in replies[:20]) == list(range(1, 21))
    if not parallel:
        assert [reply.offset for reply in replies[:21]] == [*range(1, 21), 20]
    assert replies[21].num_clients == 0


async def test_a_node_that_is_silent_is_named(cluster, connect):
    ann = await connect(0, "silent")
    cluster.nodes[1].process.send(signal.SIGSTOP)
    try:
        answer = await asyncio.to_thread(cluster.nodes[0].api, "disconnect", {"user": "silent"})
    finally:
        cluster.nodes[1].process.send(signal.SIGCONT)
    assert answer["error"]["code"] == 100 and "node-2" in answer["error"]["message"]
    assert [(node["name"], node["count"]) for node in answer["result"]["nodes"]] == [("node-1", 1)]
    assert [node["name"] for node in answer["result"]["unanswered"]] == ["node-2"]
    await until("ended where it could be", lambda: len(ann.disconnected) == 1)

    def is_whole() -> bool:
        answer = cluster.nodes[0].api("disconnect", {"user": "silent"})
        return "error" not in answer and len(answer["result"]["nodes"]) == 2

    await until("whole again", lambda: asyncio.to_thread(is_whole))


class Document:
    """The OpenAPI document of a node, and what of its answers has been seen."""

    def __init__(self, node):
        self.root = f"http://127.0.0.1:{node.internal}"
        self.tree = yaml.safe_load(requests.get(f"{self.root}/openapi.yaml", timeout=10).text)

    def check(self, schema: dict, instance):
        jsonschema.Draft202012Validator(self.tree | schema).validate(instance)

    def post(self, path: str, body, **headers):
        headers = {"X-API-Key": API_KEY} | {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.post(self.root + path, json=body, headers=headers, timeout=10)


async def test_the_document_is_true(cluster, connect):
    await connect(0, "ann")
    document = Document(cluster.nodes[1])
    validate(document.tree)
    failed = document.tree["components"]["responses"]["Failed"]["content"]["application/json"]["schema"]
    done = []
    for path, item in document.tree["paths"].items():
        if "get" in item:
            operation = item["get"]
            for parameter in operation.get("parameters", []):
                if parameter.get("in") == "path":
                    path = path.replace(f"{{{parameter['name']}}}", quote(parameter["example"], safe=""))
            headers = {} if operation.get("security") == [{}] else {"X-API-Key": API_KEY}
            answer = await asyncio.to_thread(requests.get, document.root + path, headers=headers, timeout=10)
            [(kind, content)] = operation["responses"][str(answer.status_code)]["content"].items()
            assert answer.headers["Content-Type"].startswith(kind)
            document.check(content["schema"], answer.json() if kind == "application/json" else answer.text)
            continue
        operation = item["post"]
        # Tokens of identity providers come in forms of their own, where they are received.
        if "application/json" not in operation["requestBody"]["content"]:
            continue
        content = operation["requestBody"]["content"]["application/json"]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        for name, example in content["examples"].items():
            document.check(content["schema"], example["value"])
            answer = await asyncio.to_thread(document.post, path, example["value"])
            assert answer.status_code == 200, (path, name, answer.text)
            document.check(schema, answer.json())
            mapped = await asyncio.to_thread(
                document.post, path, example["value"], X_Centrifugo_Error_Mode="transport")
            if "error" in mapped.json():
                status = {100: 500, 102: 404, 104: 404, 107: 400, 108: 400, 112: 416, 113: 409}
                assert mapped.status_code == status[mapped.json()["error"]["code"]]
                document.check(failed, mapped.json())
            else:
                assert mapped.status_code == 200
            done.append((path, name, "error" in answer.json()))
    # All but what the document itself says goes wrong.
    assert {(path, name) for path, name, is_error in done if is_error} == {
        ("/api/history", "foreign"), ("/api/rpc", "unknown"), ("/api/drain", "unknown")}
    unauthorized = await asyncio.to_thread(document.post, "/api/info", {}, X_API_Key="wrong")
    assert unauthorized.status_code == 401
    assert (await asyncio.to_thread(document.post, "/api/fly", {})).status_code == 404


async def test_the_three_ways_of_the_key(cluster):
    address = f"http://127.0.0.1:{cluster.nodes[0].internal}/api/info"
    for options in [
        {"headers": {"X-API-Key": API_KEY}}, {"headers": {"Authorization": f"apikey {API_KEY}"}},
        {"params": {"api_key": API_KEY}},
    ]:
        answer = await asyncio.to_thread(requests.post, address, data=json.dumps({}), timeout=10, **options)
        assert answer.status_code == 200 and len(answer.json()["result"]["nodes"]) == 2
