# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Ends sessions from a service in Python, with confluent-kafka: revoke.py session|user|token NAME

It returns when the brokers have the event: from then on no node that starts or runs can miss it.
"""

import json
import os
import sys
import time
import uuid

from confluent_kafka import Producer

TOPIC = os.environ.get("KAFKA_TOPIC", "session-events")
producer = Producer({
    "bootstrap.servers": os.environ.get("KAFKA_BROKERS", "127.0.0.1:9092"),
    # Every replica in sync has it, it is written once, and it does not wait for others.
    "acks": "all", "enable.idempotence": True, "linger.ms": 0,
})


def revoke(kind: str, name: str):
    now = time.time()
    event = {"id": str(uuid.uuid4()), "type": f"{kind}.revoked", kind: name, "at": now}
    if kind == "user":
        # Tokens issued up to this second fall; those of a new login must be dated one second later.
        event["before"] = int(now)
    outcome = {}
    producer.produce(
        TOPIC, json.dumps(event), key=name,
        on_delivery=lambda error, message: outcome.update(error=error, message=message))
    producer.flush(30)
    if "error" not in outcome or outcome["error"]:
        raise RuntimeError(f"the event was not acknowledged: {outcome.get('error', 'no answer within 30 s')}")
    message = outcome["message"]
    print(f"{event['id']} is at {message.topic()}/{message.partition()}/{message.offset()}")


if __name__ == "__main__":
    revoke(*sys.argv[1:3])
