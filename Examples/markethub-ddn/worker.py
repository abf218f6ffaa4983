# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Works off a channel with the unmodified SDK markethub-ddn: worker.py CHANNEL [DIRECTORY]

The SDK writes its place in the channel's stream to DIRECTORY. A worker that is stopped, or dies, goes on from there when
it is started again, as far back as the channel's history reaches; where more is gone, it says so.
"""

import asyncio
import os
import sys

from centrifuge import Client, SubscriptionEventHandler

ADDRESS = os.environ.get("MARTLET", "ws://127.0.0.1:8000") + "/connection/websocket"


class Worker(SubscriptionEventHandler):
    async def on_subscribed(self, context):
        if context.was_recovering and not context.recovered:
            print("(more was missed than is kept)", flush=True)
        print("listening", flush=True)

    async def on_publication(self, context):
        # What is done here may be done again after a crash: the place is written behind it, every so often.
        print(context.pub.data, flush=True)


async def main(channel: str, directory: str):
    client = Client(ADDRESS)
    subscription = client.new_subscription(
        channel, events=Worker(), offset_storage_dir=directory, offset_flush_interval=0.2)
    await client.connect()
    await subscription.subscribe()
    await asyncio.Event().wait()


if __name__ == "__main__":
    arguments = sys.argv[1:] + ["room:lobby", ".places"][len(sys.argv[1:]):]
    try:
        asyncio.run(main(*arguments[:2]))
    except KeyboardInterrupt:
        pass
