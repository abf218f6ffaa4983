// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0
// Ends sessions from a service in JavaScript, with kafkajs: node revoke.mjs session|user|token NAME

import { randomUUID } from "node:crypto";
import { Kafka } from "kafkajs";

const [kind, name] = process.argv.slice(2);
const kafka = new Kafka({ brokers: (process.env.KAFKA_BROKERS ?? "127.0.0.1:9092").split(",") });
const producer = kafka.producer({ idempotent: true });
const event = { id: randomUUID(), type: `${kind}.revoked`, [kind]: name, at: Date.now() / 1000 };

await producer.connect();
const [record] = await producer.send({
    topic: process.env.KAFKA_TOPIC ?? "session-events",
    // -1: every replica in sync has it before the promise resolves.
    acks: -1,
    messages: [{ key: name, value: JSON.stringify(event) }],
});
console.log(`${event.id} is at ${record.topicName}/${record.partition}/${record.baseOffset}`);
await producer.disconnect();
