# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""A small OpenID provider: it signs tokens, publishes its keys, serves an application's page, and tells the world when
a session has ended, by back-channel logout and by security events."""

import http.server
import json
import secrets
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from joserfc import jwk, jwt

from cluster import ROOT

AUDIENCE = "the-app"
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
SESSION_REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"

# Connects with the token in its address, and says how that ended.
PAGE = """<!doctype html><title>Application</title>
<p id="state"></p><p id="code"></p><p id="why"></p>
<script type="module">
import { Martlet } from "/martlet.js";
const query = new URLSearchParams(location.search);
const martlet = new Martlet({ address: query.get("edge"), token: async () => query.get("token") });
martlet.addEventListener("state", ({ detail }) => {
  document.querySelector("#state").textContent = detail.state;
  document.querySelector("#code").textContent = detail.code ?? "";
  document.querySelector("#why").textContent = detail.reason ?? "";
});
martlet.subscribe("news");
martlet.connect();
</script>"""


def key(identifier: str) -> jwk.ECKey:
    return jwk.ECKey.generate_key("P-256", {"kid": identifier, "use": "sig", "alg": "ES256"}, auto_kid=False)


class Provider:
    def __init__(self):
        self.keys = [key("first")]
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path = urllib.parse.urlsplit(self.path).path
                answers = {
                    "/jwks": lambda: ("application/json", json.dumps(provider.key_set()).encode()),
                    "/app": lambda: ("text/html; charset=utf-8", PAGE.encode()),
                    "/martlet.js": lambda: ("text/javascript", SCRIPT.read_bytes()),
                    "/favicon.ico": lambda: ("image/x-icon", b""),
                }
                kind, body = answers.get(path, lambda: ("text/plain", b""))()
                self.send_response(200 if path in answers else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()

    def key_set(self) -> dict:
        return {"keys": [key.as_dict(private=False) for key in self.keys]}

    def rotate(self):
        """Signs with another key from now on; the old one is gone."""
        self.keys = [key(secrets.token_hex(4))]

    def sign(self, typ: str, claims: dict, with_key: jwk.ECKey | None = None) -> str:
        signer = with_key or self.keys[0]
        return jwt.encode({"alg": "ES256", "typ": typ, "kid": signer.kid}, claims, signer)

    def claims(self, **more) -> dict:
        return {"iss": self.issuer, "aud": AUDIENCE, "iat": int(time.time()), "jti": secrets.token_hex(8)} | more

    def access_token(self, user: str, session: str) -> str:
        now = int(time.time())
        # A second ago, so that a logout in the same second counts as later.
        return self.sign("at+jwt", self.claims(sub=user, sid=session, iat=now - 1, exp=now + 3600))

    def logout_token(self, with_key: jwk.ECKey | None = None, **subject) -> str:
        claims = self.claims(exp=int(time.time()) + 120, events={LOGOUT: {}})
        return self.sign("logout+jwt", claims | subject, with_key)

    def security_event(self, event: str = SESSION_REVOKED, with_key: jwk.ECKey | None = None, **more) -> str:
        body = {"initiating_entity": "admin", "event_timestamp": int(time.time())}
        return self.sign("secevent+jwt", self.claims(events={event: body}) | more, with_key)


SCRIPT = ROOT / "Sources" / "MartletControl" / "Resources" / "martlet.js"


def post(url: str, body: bytes, kind: str, **headers) -> tuple[int, dict, str]:
    """Status, headers and body of the answer."""
    request = urllib.request.Request(url, body, {"Content-Type": kind} | headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def log_out(url: str, token: str) -> tuple[int, dict, str]:
    """As an OpenID provider tells a relying party."""
    form = urllib.parse.urlencode({"logout_token": token}).encode()
    return post(f"{url}/backchannel-logout", form, "application/x-www-form-urlencoded")


def push(url: str, token: str, **headers) -> tuple[int, dict, str]:
    """As a transmitter delivers a security event (RFC 8935)."""
    return post(f"{url}/security-events", token.encode(), "application/secevent+jwt", **headers)
