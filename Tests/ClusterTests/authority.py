# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""A session authority: the batch endpoint that Martlet's validation asks, with a list of the dead."""

import http.server
import json
import threading


class Authority:
    def __init__(self):
        self.dead: set[str] = set()
        self.calls = 0
        self.asked: list[str] = []
        authority = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                sessions = [session["session"] for session in body["sessions"]]
                authority.calls += 1
                authority.asked += sessions
                invalid = [{"session": session} for session in sessions if session in authority.dead]
                answer = json.dumps({"invalid": invalid}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/validate"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
