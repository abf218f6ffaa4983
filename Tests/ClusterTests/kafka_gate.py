# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""What the broker of the tests lacks: TLS, and SASL PLAIN (RFC 4616). A gate in front of it that lets nobody through
without, and names itself in the broker's stead wherever an answer tells clients where to go."""

import asyncio
import datetime
import ipaddress
import pathlib
import ssl
import struct

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gate import HOST, Gate

API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE = 18, 17, 36
UNSUPPORTED_MECHANISM, UNSUPPORTED_VERSION, AUTHENTICATION_FAILED = 33, 35, 58


def certificate(directory: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """One that signs itself, for this machine's loopback address, and its key: their paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kafka of the tests")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256()))
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (directory / "key.pem").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return directory / "cert.pem", directory / "key.pem"


class KafkaGate(Gate):
    def __init__(self, broker: str, credentials: tuple[str, str] | None, files: tuple | None):
        context = None
        if files:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*files)
        super().__init__(int(broker.rpartition(":")[2]), context)
        self.credentials = credentials
        # How many came through, and how many were turned away.
        self.admitted = self.refused = 0

    async def let_through(self, reader, writer, back_reader, back):
        if self.credentials and not await self.authenticate(reader, writer, back_reader, back):
            self.refused += 1
            return
        self.admitted += 1
        await asyncio.gather(self.pump_frames(reader, back), self.pump_frames(back_reader, writer, self.own))

    async def authenticate(self, reader, writer, back_reader, back) -> bool:
        """Answers until the client has said who it is; it may ask for nothing but versions before."""
        while True:
            frame = await self.frame(reader)
            key, version = struct.unpack(">hh", frame[:4])
            correlation, body = frame[4:8], frame[10 + max(0, struct.unpack(">h", frame[8:10])[0]):]
            if key == API_VERSIONS and version > 0:
                # In the form of version 0, which clients then ask for.
                self.write(writer, correlation + struct.pack(">hi", UNSUPPORTED_VERSION, 0))
            elif key == API_VERSIONS:
                self.write(back, frame)
                answer = await self.frame(back_reader)
                count = struct.unpack(">i", answer[6:10])[0]
                more = [(SASL_HANDSHAKE, 0, 1), (SASL_AUTHENTICATE, 0, 1)]
                listed = b"".join(struct.pack(">hhh", *entry) for entry in more)
                self.write(writer, answer[:6] + struct.pack(">i", count + len(more)) + answer[10:] + listed)
            elif key == SASL_HANDSHAKE:
                known = body[2:] == b"PLAIN"
                self.write(
                    writer, correlation + struct.pack(">hih", 0 if known else UNSUPPORTED_MECHANISM, 1, 5) + b"PLAIN")
            elif key == SASL_AUTHENTICATE:
                _, user, password = body[4:].split(b"\0")
                if (user.decode(), password.decode()) == self.credentials:
                    lifetime = struct.pack(">q", 0) if version > 0 else b""
                    self.write(writer, correlation + struct.pack(">hhi", 0, -1, 0) + lifetime)
                    return True
                why = b"wrong user or password"
                lifetime = struct.pack(">q", 0) if version > 0 else b""
                self.write(
                    writer, correlation + struct.pack(">hh", AUTHENTICATION_FAILED, len(why)) + why
                    + struct.pack(">i", 0) + lifetime)
                await writer.drain()
                return False
            else:
                return False

    def own(self, answer: bytes) -> bytes:
        """As a broker is told of: its host, and its port behind it."""
        host = struct.pack(">h", len(HOST)) + HOST.encode()
        return answer.replace(host + struct.pack(">i", self.target), host + struct.pack(">i", self.port))

    async def pump_frames(self, reader, writer, change=lambda frame: frame):
        while True:
            self.write(writer, change(await self.frame(reader)))
            await writer.drain()

    @staticmethod
    async def frame(reader) -> bytes:
        return await reader.readexactly(struct.unpack(">i", await reader.readexactly(4))[0])

    @staticmethod
    def write(writer, frame: bytes):
        writer.write(struct.pack(">i", len(frame)) + frame)
