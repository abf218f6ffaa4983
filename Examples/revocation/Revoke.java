// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import java.time.Instant;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Ends sessions from a service in Java, with kafka-clients: Revoke session|user|token NAME */
public final class Revoke {
    public static void main(String[] arguments) throws Exception {
        String kind = arguments[0], name = arguments[1];
        Map<String, Object> settings = Map.of(
            "bootstrap.servers", System.getenv().getOrDefault("KAFKA_BROKERS", "127.0.0.1:9092"),
            "acks", "all", "enable.idempotence", true, "linger.ms", 0);
        // A real service writes JSON with its library; this name has nothing that JSON escapes.
        String event = String.format(
            "{\"id\":\"%s\",\"type\":\"%s.revoked\",\"%s\":\"%s\",\"at\":\"%s\"}",
            UUID.randomUUID(), kind, kind, name, Instant.now());
        String topic = System.getenv().getOrDefault("KAFKA_TOPIC", "session-events");
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            var record = producer.send(new ProducerRecord<>(topic, name, event)).get();
            System.out.println("the event is at " + record);
        }
    }
}
