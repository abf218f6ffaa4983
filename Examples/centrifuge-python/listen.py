# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Listens to a channel with the unmodified SDK centrifuge-python: listen.py CHANNEL

What was missed while the connection was down comes when it is back; where that is too much, it says so.
"""

import asyncio
import os
import sys

from centrifuge import Client, SubscriptionEventHandler

ADDRESS = os.environ.get("MARTLET", "ws://127.0.0.1:8000") + "/connection/websocket"


class Printer(SubscriptionEventHandler):
    async def on_subscribed(self, context):
        if context.was_recovering and not context.recovered:
            print("(more was missed than is kept)", flush=True)
        print("listening", flush=True)

    async def on_publication(self, context):
        print(context.pub.data, flush=True)

    async def on_unsubscribed(self, context):
        print(f"no more: {context.reason} ({context.code})", flush=True)


async def main(channel: str):
    # With tokens: Client(ADDRESS, get_token=fetch), where fetch() asks your own back end for a fresh one.
    client = Client(ADDRESS)
    subscription = client.new_subscription(channel, events=Printer(), recoverable=True)
    await client.connect()
    await subscription.subscribe()
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "room:lobby"))
    except KeyboardInterrupt:
        pass
