# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""A bare EventSource in a real browser: its node is killed, and it goes on at another, by itself."""

import asyncio
import signal

import pytest

from clients import token, until
from cluster import SECRET, Cluster, Node

pytestmark = pytest.mark.asyncio(loop_scope="module")
CHANNELS = [f"room:{number}" for number in range(5)]

LISTEN = """
(url) => {
  window.told = { received: {}, ids: [], gaps: [], opened: 0, errors: [] };
  const source = new EventSource(url);
  source.onopen = () => { told.opened += 1; };
  source.onerror = () => { told.errors.push(source.readyState); };
  source.onmessage = ({ data, lastEventId }) => {
    const { channel, data: number } = JSON.parse(data);
    (told.received[channel] ??= []).push(number);
    told.ids.push(lastEventId);
  };
  source.addEventListener("gap", ({ data }) => told.gaps.push(JSON.parse(data).channel));
}
"""


@pytest.fixture(scope="module")
def cluster():
    cluster = Cluster(2, prometheus=False).start()
    yield cluster
    cluster.stop()


class Publisher:
    """Publishes one number after another, to one channel after another."""

    def __init__(self):
        self.sent = {channel: [] for channel in CHANNELS}
        self.count = 0

    async def publish(self, node: Node, number: int):
        for _ in range(number):
            channel = CHANNELS[self.count % len(CHANNELS)]
            answer = await asyncio.to_thread(node.api, "publish", {"channel": channel, "data": self.count})
            assert "error" not in answer, answer
            self.sent[channel].append(self.count)
            self.count += 1


async def test_nothing_is_missing_and_nothing_comes_twice(cluster, tabs):
    front = f"http://127.0.0.1:{cluster.front_port}"
    # There is no such page, but it is of the right origin.
    tab = await tabs.open(f"{front}/nothing")
    tabs.expects_errors = True
    credentials = token(SECRET, "ada", "s1")
    query = "&".join([f"channel={channel}" for channel in CHANNELS] + [f"access_token={credentials}"])
    await tab.evaluate(LISTEN, f"{front}/events?{query}")
    await until("the stream is open", lambda: tab.evaluate("told.opened === 1"))
    publisher = Publisher()

    async def received() -> bool:
        return await tab.evaluate("told.received") == publisher.sent

    await publisher.publish(cluster.nodes[0], 23)
    await until("the first messages", received)
    for cycle in range(2):
        node = await until("the stream is counted", lambda: next(
            (node for node in cluster.nodes if node.metrics()["martlet_open_connections"] == 1), None))
        other = next(other for other in cluster.nodes if other is not node)
        # Killed amid what is published, of which some is while nobody listens.
        publishing = asyncio.create_task(publisher.publish(other, 60))
        await asyncio.sleep(0.1)
        node.process.stop(5, signal.SIGKILL)
        await publishing
        await until("the stream is open again", lambda: opened(tab, cycle + 2), 60)
        await publisher.publish(other, 9)
        await until("all messages", received)
        await asyncio.to_thread(node.start)
        await until("the balancer knows", lambda: asyncio.to_thread(lambda: cluster.nodes_up() == 2))
    told = await tab.evaluate("told")
    assert told["gaps"] == []
    # It was the browser that came back: the source was never closed.
    assert 2 not in told["errors"] and told["opened"] >= 3
    assert len(set(told["ids"])) == len(told["ids"]) and all(told["ids"])


async def opened(tab, count: int) -> bool:
    return await tab.evaluate("told.opened") >= count
