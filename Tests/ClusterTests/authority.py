# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""A session authority: the batch endpoint that Martlet's validation asks, with a list of the dead, or the introspection
endpoint of OAuth, and TLS where it is given certificates."""

import base64
import http.server
import json
import ssl
import threading
import urllib.parse


def claims(token: str) -> dict:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Authority:
    def __init__(self, tls: ssl.SSLContext | None = None):
        self.dead: set[str] = set()
        # Answers 503 as long as it is set.
        self.broken = False
        self.calls = 0
        self.asked: list[str] = []
        # The heads of the calls, by name in lower case, and the fields of forms.
        self.heads: list[dict] = []
        self.forms: list[dict] = []
        authority = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                authority.calls += 1
                authority.heads.append({name.lower(): value for name, value in self.headers.items()})
                if authority.broken:
                    return self.answer(503, {})
                if self.path == "/introspect":
                    return self.answer(200, authority.introspect(body))
                sessions = [session["session"] for session in json.loads(body)["sessions"]]
                authority.asked += sessions
                invalid = [{"session": session} for session in sessions if session in authority.dead]
                self.answer(200, {"invalid": invalid})

            def answer(self, status, body):
                answer = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False)
        scheme, port = "https" if tls else "http", self.server.server_address[1]
        self.url = f"{scheme}://127.0.0.1:{port}/validate"
        self.introspection_url = f"{scheme}://127.0.0.1:{port}/introspect"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def introspect(self, body: bytes) -> dict:
        form = dict(urllib.parse.parse_qsl(body.decode()))
        self.forms.append(form)
        held = claims(form["token"])
        self.asked.append(held["sid"])
        return {"active": False} if held["sid"] in self.dead else {"active": True, "exp": held["exp"]}

    def stop(self):
        self.server.shutdown()
