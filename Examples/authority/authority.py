# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Which sessions have ended? python3 authority.py 9800, then: curl -X DELETE localhost:9800/sessions/ID"""

import http.server
import json
import sys

ended = set()


class Authority(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_DELETE(self):
        ended.add(self.path.removeprefix("/sessions/"))
        self.answer({})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["sessions"]
        self.answer({"invalid": [{"session": one["session"]} for one in asked if one["session"] in ended]})

    def answer(self, body):
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Authority).serve_forever()
