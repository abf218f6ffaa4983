# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Publishes from a service with the unmodified client cent, and says who heard it: announce.py CHANNEL TEXT"""

import os
import sys

from cent import Client, PresenceStatsRequest, PublishRequest

# In development mode a node needs no key; elsewhere it is one of api.keys.
client = Client(os.environ.get("MARTLET_API", "http://127.0.0.1:9000/api"), os.environ.get("MARTLET_API_KEY", "none"))


def main(channel: str, text: str):
    published = client.publish(PublishRequest(channel=channel, data={"text": text}))
    here = client.presence_stats(PresenceStatsRequest(channel=channel))
    print(f"published as number {published.offset}; {here.num_clients} connections are there")


if __name__ == "__main__":
    main(*(sys.argv[1:3] if len(sys.argv) > 2 else ["room:lobby", "hello"]))
