#!/usr/bin/env bash
# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
# Ends sessions from a shell: revoke.sh session|user|token NAME
# With KAFKA_BROKERS it writes the event with kcat, else it asks a node's API with curl. NAME is put into JSON as it is.
set -euo pipefail

kind=$1 name=$2
case "$name" in *[\"\\]*) echo "revoke.sh: no quotes or backslashes, please" >&2; exit 64 ;; esac

if [ -n "${KAFKA_BROKERS:-}" ]; then
    printf '{"id":"%s","type":"%s.revoked","%s":"%s","at":%s}\n' \
        "$(cat /proc/sys/kernel/random/uuid)" "$kind" "$kind" "$name" "$(date +%s)" |
        kcat -P -b "$KAFKA_BROKERS" -t "${KAFKA_TOPIC:-session-events}" -k "$name" -X acks=all -X enable.idempotence=true
else
    curl --fail-with-body --silent --show-error --max-time 30 \
        -H "X-API-Key: ${MARTLET_API_KEY:-none}" -H 'Content-Type: application/json' \
        --data "{\"$kind\":\"$name\"}" "${MARTLET_API:-http://127.0.0.1:9000/api}/revoke" |
        tee /dev/stderr | grep -q '"result"'
fi
