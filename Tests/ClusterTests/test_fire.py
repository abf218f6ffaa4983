# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Recovery under fire: readers cut at random, Redis restarted with its data, and books that must balance.

By hand for longer: FIRE_SECONDS=300 pytest Tests/ClusterTests/test_fire.py -s
"""

import asyncio
import os
import random
import signal

import aiohttp
import pytest

from clients import token, until
from cluster import API_KEY, SECRET, Cluster, connectable, wait_for
from publisher import Publisher
from readers import CentrifugeReader, EventReader, complete, faults

SECONDS = float(os.environ.get("FIRE_SECONDS", "20"))
READERS, CHANNELS, RATE, CUTS_PER_SECOND = 200, 20, 500, 20


@pytest.mark.timeout(240 + 2 * SECONDS)
async def test_every_reader_has_every_message_once_and_in_order(tmp_path):
    cluster = Cluster(2, prometheus=False, durable_redis=True)
    await asyncio.to_thread(cluster.start)
    try:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as http:
            await fire(cluster, http)
    finally:
        await asyncio.to_thread(cluster.stop)


async def fire(cluster: Cluster, http: aiohttp.ClientSession):
    channels = [f"story:{index}" for index in range(CHANNELS)]
    readers = []
    for index in range(READERS):
        kind = [CentrifugeReader, EventReader][index % 2]
        # An event stream of one channel has its ids in the shared bytes, one of several has its own.
        wanted = [channels[(index + step) % CHANNELS] for step in range(1 + index // 2 % 2)]
        readers.append(kind([node.public for node in cluster.nodes], wanted, token(SECRET, f"u{index}", f"s{index}")))
        readers[-1].start()
    await until("all are subscribed", lambda: all(len(r.subscribed) == len(r.channels) for r in readers), 60)

    publishers = [Publisher(http, cluster.nodes, API_KEY, channel, RATE / CHANNELS) for channel in channels]
    cutting = asyncio.create_task(cut(readers))
    restarting = asyncio.create_task(restart_redis(cluster))
    await asyncio.gather(*(publisher.run(SECONDS) for publisher in publishers))
    cutting.cancel()
    await restarting

    last = {publisher.channel: publisher.number for publisher in publishers}
    try:
        await until("the last messages have come", lambda: all(complete(reader, last) for reader in readers), 60)
    except AssertionError:
        pass  # The books say what is missing.
    for reader in readers:
        reader.stop()

    gaps = sum(log.count(None) for reader in readers for log in reader.log.values())
    print(
        f"\n{sum(last.values())} messages ({sum(p.repeats for p in publishers)} repeated), "
        f"{sum(len(log) for reader in readers for log in reader.log.values())} received, "
        f"{sum(reader.cuts for reader in readers)} cuts, {gaps} gaps told")
    found = [fault for reader in readers for fault in faults(reader, last)]
    assert not found, f"{len(found)} faults: {found[:20]}"
    # How many there are depends on the machine; that there are many does not.
    assert sum(reader.cuts for reader in readers) > SECONDS
    # Redis kept its data and the history is long enough: nothing need have been lost.
    assert gaps == 0


async def cut(readers):
    while True:
        random.choice(readers).cut()
        await asyncio.sleep(1 / CUTS_PER_SECOND)


async def restart_redis(cluster: Cluster):
    await asyncio.sleep(SECONDS / 3)
    await asyncio.to_thread(cluster.redis.stop, 10, signal.SIGTERM)
    await asyncio.sleep(1)
    cluster.redis.start()
    await asyncio.to_thread(wait_for, "redis", lambda: connectable(cluster.redis_port))


@pytest.mark.parametrize("log, fault", [
    ([1, 2, 3], None), ([1, None, 3], None), ([1, 2, None], None), ([1, 3], "2 to 2 missing"), ([1, 2], "never came"),
    ([1, 2, 2, 3], "again"), ([1, 3, 2], "missing"), ([2, 3], "1 to 1 missing"), ([], "never came"),
])
def test_the_books_find_what_is_wrong(log, fault):
    reader = CentrifugeReader([], ["a"], "")
    reader.log["a"] = log
    found = faults(reader, {"a": 3})
    assert (fault is None and not found) or any(fault in text for text in found), found
