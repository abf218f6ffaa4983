# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Messages of the Centrifuge protocol as the Python SDK writes them in Protobuf, each beside the same in JSON.

    .cache/venv/bin/python Tests/ClusterTests/protobuf_fixtures.py >Tests/MartletProtocolTests/ProtobufFixtures.swift
"""

import base64
import json

import centrifuge.protocol.client_pb2 as protocol
from centrifuge.codecs import _varint_encode
from google.protobuf.json_format import ParseDict

INFO = {"user": "u", "client": "x", "conn_info": {"name": "é"}, "chan_info": [1]}
PUBLICATIONS = [{"data": 1, "offset": 8}, {"data": {"a": "b"}, "info": INFO, "offset": 9, "tags": {"k": "v", "l": ""}}]

COMMANDS = [
    {"id": 1, "connect": {}},
    {"id": 4294967295, "connect": {
        "token": "a.b.c", "data": {"a": [1]}, "name": "python", "version": "0.7.0", "headers": {"x": "y"},
        "subs": {"chat:é": {"recover": True, "epoch": "xyz", "offset": 18446744073709551615}, "z": {}}}},
    {"id": 2, "ping": {}},
    {"id": 2, "subscribe": {"channel": "c"}},
    {"id": 300, "subscribe": {
        "channel": "c", "token": "t", "recover": True, "epoch": "e", "offset": 7, "data": [1], "positioned": True,
        "recoverable": True, "join_leave": True, "delta": "fossil", "flag": 2,
        "tf": {"op": "and", "nodes": [{"key": "k", "cmp": "eq", "val": "v"}]}}},
    {"id": 3, "unsubscribe": {"channel": "c"}},
    {"id": 4, "publish": {"channel": "c", "data": {"text": "x" * 200}}},
    {"id": 4, "publish": {"channel": "c", "data": None}},
    {"id": 5, "presence": {"channel": "c"}},
    {"id": 6, "presence_stats": {"channel": "c"}},
    {"id": 7, "history": {"channel": "c"}},
    {"id": 7, "history": {"channel": "c", "limit": -1, "since": {"offset": 5, "epoch": "e"}, "reverse": True}},
    {"id": 8, "rpc": {"method": "m", "data": {"a": 1}}},
    {"id": 8, "rpc": {}},
    {"send": {"data": "x"}},
    {"id": 9, "refresh": {"token": "t"}},
    {"id": 10, "sub_refresh": {"channel": "c", "token": "t"}},
    {"id": 11},
    {},
]

REPLIES = {
    "ping": {},
    "connect": {"id": 1, "connect": {
        "client": "id", "version": "1.0", "expires": True, "ttl": 60, "data": {"a": 1},
        "subs": {"a\"": {"recoverable": True, "epoch": "e", "offset": 7, "positioned": True}, "b": {}},
        "ping": 25, "pong": True, "session": "s", "node": "n"}},
    "subscribe": {"id": 300, "subscribe": {
        "expires": True, "ttl": 5, "recoverable": True, "epoch": "e", "publications": PUBLICATIONS, "recovered": True,
        "offset": 9, "positioned": True, "data": [], "was_recovering": True, "delta": True}},
    "subscribed": {"id": 1, "subscribe": {}},
    "unsubscribe": {"id": 1, "unsubscribe": {}},
    "publish": {"id": 1, "publish": {}},
    "pong": {"id": 1, "ping": {}},
    "presence": {"id": 1, "presence": {"presence": {"x": INFO, "y": {"user": "", "client": "y"}}}},
    "nobody": {"id": 1, "presence": {"presence": {}}},
    "presence_stats": {"id": 1, "presence_stats": {"num_clients": 2, "num_users": 1}},
    "no_stats": {"id": 1, "presence_stats": {"num_clients": 0, "num_users": 0}},
    "history": {"id": 1, "history": {"publications": PUBLICATIONS, "epoch": "e", "offset": 9}},
    "no_history": {"id": 1, "history": {"publications": [], "epoch": "", "offset": 0}},
    "rpc": {"id": 1, "rpc": {"data": None}},
    "no_answer": {"id": 1, "rpc": {}},
    "refresh": {"id": 1, "refresh": {"client": "c", "version": "v", "expires": True, "ttl": 9}},
    "sub_refresh": {"id": 1, "sub_refresh": {"expires": True, "ttl": 3}},
    "no_expiry": {"id": 1, "sub_refresh": {}},
    "error": {"id": 1, "error": {"code": 100, "message": "internal server error", "temporary": True}},
}

PUSHES = {
    "publication": {"channel": "chat:é", "pub": PUBLICATIONS[1]},
    "join": {"channel": "c", "join": {"info": INFO}},
    "leave": {"channel": "c", "leave": {"info": INFO}},
    "unsubscribe": {"channel": "c", "unsubscribe": {"code": 2500, "reason": "insufficient state"}},
    "subscribe": {"channel": "c", "subscribe": {
        "recoverable": True, "epoch": "e", "offset": 7, "positioned": True, "data": 1}},
    "message": {"message": {"data": {"a": 1}}},
    "connect": {"connect": REPLIES["connect"]["connect"]},
    "disconnect": {"disconnect": {"code": 3001, "reason": "shutdown", "reconnect": True}},
    "refresh": {"refresh": {"expires": True, "ttl": 7}},
}

EMULATION = {"node": "n", "session": "s", "data": "{\"id\":1,\"ping\":{}}\n{}"}

PAYLOADS = {"data", "conn_info", "chan_info"}


def compact(value) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def packed(value):
    """The same with each payload as the mapping to Protobuf wants it."""
    if isinstance(value, list):
        return [packed(element) for element in value]
    if not isinstance(value, dict):
        return value
    return {key: base64.b64encode(compact(inner).encode()).decode() if key in PAYLOADS else packed(inner)
            for key, inner in value.items()}


def encoded(message, value) -> str:
    """As on the wire, the length before it, in hexadecimal digits."""
    body = ParseDict(packed(value), message).SerializeToString(deterministic=True)
    return (_varint_encode(len(body)) + body).hex()


def fixture(message, value) -> str:
    # Written in pieces that fit on a line.
    def pieces(text):
        return [text[start:start + 100] for start in range(0, len(text), 100)]

    hexadecimal = "\n            + ".join(f'"{piece}"' for piece in pieces(encoded(message, value)))
    text = "\n            + ".join(f'#"{piece}"#' for piece in pieces(compact(value)))
    return f"ProtobufFixture(\n        json: {text},\n        hex: {hexadecimal})"


def table(name: str, message, values: dict) -> str:
    cases = "".join(f'        "{key}": {indented(fixture(message(), value))},\n' for key, value in values.items())
    return f"    static let {name}: [String: ProtobufFixture] = [\n{cases}    ]\n"


def indented(text: str) -> str:
    return text.replace("\n", "\n    ")


def emulation() -> str:
    message = protocol.EmulationRequest(
        node=EMULATION["node"], session=EMULATION["session"], data=EMULATION["data"].encode())
    # A body has no length before it.
    return f'    static let emulation = "{message.SerializeToString().hex()}"\n'


def swift() -> str:
    commands = "".join(f"        {indented(fixture(protocol.Command(), command))},\n" for command in COMMANDS)
    return "\n".join([
        "// This source file is part of the Martlet project.\n// SPDX-License-Identifier: Apache-2.0\n",
        "// swift-format-ignore-file\n",
        "/// What the Python SDK writes: `Tests/ClusterTests/protobuf_fixtures.py` made this.",
        "enum ProtobufFixtures {",
        f"    static let commands: [ProtobufFixture] = [\n{commands}    ]\n",
        table("replies", protocol.Reply, REPLIES),
        table("pushes", protocol.Reply, {key: {"push": push} for key, push in PUSHES.items()}),
        table("barePushes", protocol.Push, PUSHES),
        emulation() + "}\n",
    ])


if __name__ == "__main__":
    print(swift(), end="")
