# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""The pages of a node in a real browser: the demo, the console, and what pages of other origins may not do."""

import asyncio
import http.server
import json
import re
import threading

import pytest
from playwright.async_api import expect

from clients import until
from cluster import QUICK_DRAIN, Node
from pages import command, page, said, say

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_both_transports_receive_what_the_command_publishes(node, tabs):
    entrance = await tabs.open(f"{page(node)}demo/")
    await tabs.picture(entrance, "demo-entrance")
    await entrance.fill("#name", "Ada")
    await entrance.get_by_text("EventSource", exact=True).first.click()
    await entrance.get_by_role("button", name="Join").click()
    await expect(entrance.locator("#state")).to_have_text("open over EventSource")
    socket = await tabs.chat(node, "Bruno", "websocket")
    assert "room:lobby" in await command(node, "publish", "room:lobby", '{"text":"from the command"}')
    for tab in [entrance, socket]:
        await expect(said(tab, "from the command")).to_have_count(1)


async def test_users_chat_until_one_is_revoked_and_stays_out(node, tabs):
    chats = {
        "ada": await tabs.chat(node, "Ada", "websocket"), "ada-2": await tabs.chat(node, "Ada", "events"),
        "bruno": await tabs.chat(node, "Bruno", "events"), "carmen": await tabs.chat(node, "Carmen", "websocket")}
    for name, tab in chats.items():
        await say(tab, f"hello from {name}")
    for tab in chats.values():
        for name in chats:
            await expect(said(tab, f"hello from {name}")).to_have_count(1)
    await chats["ada"].get_by_role("button", name="# kitchen").click()
    await say(chats["ada"], "only in the kitchen")
    await expect(said(chats["ada"], "only in the kitchen")).to_have_count(1)
    await chats["carmen"].get_by_role("button", name="# kitchen").click()
    await expect(said(chats["carmen"], "only in the kitchen")).to_have_count(1)
    await expect(said(chats["bruno"], "only in the kitchen")).to_have_count(0)
    await tabs.picture(chats["carmen"], "demo-chat")
    await chats["carmen"].get_by_role("button", name="Revoke user Ada").click()
    for name in ["ada", "ada-2"]:
        await expect(chats[name].locator("#ended-code")).to_have_text("4501")
        await expect(chats[name].locator("#ended-reason")).to_have_text("user revoked")
        await expect(chats[name].locator("#send")).to_be_disabled()
        await tabs.picture(chats[name], f"demo-revoked-{name}")
    # Nobody else noticed.
    await say(chats["bruno"], "where is Ada?")
    await chats["carmen"].get_by_role("button", name="# lobby").click()
    await expect(said(chats["carmen"], "where is Ada?")).to_have_count(1)
    await expect(said(chats["ada"], "where is Ada?")).to_have_count(0)
    for name in ["bruno", "carmen"]:
        log = await chats[name].locator("#log").inner_text()
        assert "Ended" not in log, log
    # The same token is refused, a fresh one is not.
    await chats["ada"].click("#same-token")
    await expect(chats["ada"].locator("#ended-title")).to_have_text("The server does not take this token any more")
    await expect(chats["ada"].locator("#ended-code")).to_have_text("4501")
    await chats["ada-2"].click("#same-token")
    await expect(chats["ada-2"].locator("#ended-code")).to_have_text("401")
    await tabs.picture(chats["ada-2"], "demo-refused")
    await chats["ada"].click("#fresh-token")
    await expect(chats["ada"].locator("#state")).to_have_text("open over WebSocket")
    # A browser tells of a refused EventSource in its own words; of nothing else.
    refused = await until("both refusals told", lambda: refusals(tabs) if len(refusals(tabs)) >= 2 else None)
    assert len(refused) == 2, tabs.errors
    tabs.errors = [error for error in tabs.errors if error not in refused]


def refusals(tabs) -> list[str]:
    return [error for error in tabs.errors if "401" in error]


async def test_signing_in_again_at_once_is_not_caught_by_the_revocation(node, tabs):
    ada = await tabs.chat(node, "Greta", "websocket")
    await ada.get_by_role("button", name="Revoke user Greta").click()
    await ada.click("#fresh-token")
    await expect(ada.locator("#state")).to_have_text("open over WebSocket")
    await asyncio.sleep(1.5)
    await expect(ada.locator("#state")).to_have_text("open over WebSocket")


async def test_a_tab_changes_its_transport(node, tabs):
    tab = await tabs.chat(node, "Farid", "websocket")
    await tab.locator("#switch").get_by_text("EventSource").click()
    await expect(tab.locator("#state")).to_have_text("open over EventSource")
    await say(tab, "over HTTP now")
    await expect(said(tab, "over HTTP now")).to_have_count(1)


async def test_the_console_shows_live_numbers_and_its_forms_work(node, tabs):
    console = await tabs.open(page(node))
    await expect(console.locator("#state")).to_have_text("ready")
    await expect(console.locator("#open")).to_have_text("0")
    await expect(console.locator("#transports-empty")).to_be_visible()
    received = await number(console, "#publications-note")
    socket = await tabs.chat(node, "Ada", "websocket")
    events = await tabs.chat(node, "Bruno", "events")
    await expect(console.locator("#open")).to_have_text("2")
    await expect(console.locator("#transports")).to_contain_text("Event stream")
    await expect(console.locator("#channels")).to_contain_text("room:lobby")
    await console.fill("#publish-channel", "room:lobby")
    await console.fill("#publish-data", '{"text": "from the console"}')
    await console.get_by_role("button", name="Publish").click()
    await expect(console.locator("#publish-result")).to_contain_text("Published to room:lobby at offset ")
    for tab in [socket, events]:
        await expect(said(tab, "from the console")).to_have_count(1)
    for count in range(10):
        await say(socket, f"line {count}")
    await until("the console's messages", lambda: more(console, "#publications-note", received + 10))
    await until("the console's deliveries", lambda: more(console, "#deliveries-note", 2 * 10))
    await console.fill("#publish-data", "{not JSON")
    await console.get_by_role("button", name="Publish").click()
    await expect(console.locator("#publish-result")).to_contain_text("This is not JSON")
    await console.select_option("#revoke-kind", "user")
    await console.fill("#revoke-value", "Bruno")
    await console.get_by_role("button", name="Revoke").click()
    await expect(console.locator("#revoke-result")).to_contain_text("Revoked, event ")
    await expect(events.locator("#ended-code")).to_have_text("4501")
    await expect(console.locator("#open")).to_have_text("1")
    await expect(console.locator("#revoked-note")).to_contain_text("remembered, closed in")
    await expect(socket.locator("#state")).to_have_text("open over WebSocket")
    await tabs.picture(console, "console")
    await console.set_viewport_size({"width": 420, "height": 900})
    await tabs.picture(console, "console-narrow")
    await socket.set_viewport_size({"width": 420, "height": 900})
    await tabs.picture(socket, "demo-narrow")
    await console.set_viewport_size({"width": 1200, "height": 800})
    await console.emulate_media(color_scheme="dark")
    await tabs.picture(console, "console-dark")


async def number(tab, selector: str) -> int:
    """The first number of a text; zero before there is one."""
    found = re.search(r"[\d,]+", await tab.locator(selector).inner_text())
    return int(found[0].replace(",", "")) if found else 0


async def more(tab, selector: str, than: int) -> bool:
    return await number(tab, selector) >= than


# What a page of another origin may try with a developer's node: each answers what came of it.
ATTACKS = """
async ({edge, control}) => {
  const outcome = {};
  outcome.socket = await new Promise((resolve) => {
    const socket = new WebSocket(edge.replace("http", "ws") + "/ws");
    socket.onopen = () => resolve("open");
    socket.onclose = ({ code }) => resolve(`closed ${code}`);
  });
  outcome.events = await new Promise((resolve) => {
    const source = new EventSource(edge + "/events?channel=room:lobby");
    source.onopen = () => resolve("open");
    source.onerror = () => resolve(source.readyState === EventSource.CLOSED ? "closed" : "reconnecting");
  });
  const tried = async (what, url, options) => {
    try {
      const answer = await fetch(url, options);
      outcome[what] = answer.type === "opaque" ? "opaque" : answer.status;
    } catch (error) {
      outcome[what] = error.name;
    }
  };
  const body = JSON.stringify({ channel: "room:lobby", data: { text: "from another origin" } });
  const json = { "Content-Type": "application/json" };
  await tried("overview", control + "/api/overview");
  await tried("metrics", control + "/metrics");
  await tried("publish", control + "/api/publish", { method: "POST", headers: json, body });
  await tried("blind", control + "/api/publish", { method: "POST", mode: "no-cors", body });
  const who = JSON.stringify({ user: "a", session: "b" });
  await tried("token", control + "/api/demo_token", { method: "POST", headers: json, body: who });
  return outcome;
}
"""


@pytest.fixture
def elsewhere():
    """A small site of somebody else."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            found = self.path == "/"
            self.send_response(200 if found else 204)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            if found:
                self.wfile.write(b"<!doctype html><title>elsewhere</title>")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


def counted(node: Node) -> tuple[float, float]:
    samples = node.metrics()
    return samples["martlet_publications_total"], samples['martlet_connections_refused_total{reason="origin"}']


async def test_a_page_of_another_origin_can_do_nothing(node, tabs, elsewhere):
    publications, refused = counted(node)
    evil = await tabs.open(f"http://evil.test:{elsewhere}/")
    ports = {"edge": f"http://127.0.0.1:{node.public}", "control": f"http://127.0.0.1:{node.internal}"}
    outcome = await evil.evaluate(ATTACKS, ports)
    assert outcome == {
        "socket": "closed 1006", "events": "closed", "overview": "TypeError", "metrics": "TypeError",
        "publish": "TypeError", "blind": "opaque", "token": "TypeError"}
    # It was the node that refused, not the browser alone, and nothing came of what the page could send blindly.
    await until("two refusals counted", lambda: counted(node) == (publications, refused + 2))
    tabs.expects_errors = True


async def test_a_name_that_leads_here_is_no_way_in(node, tabs):
    publications, refused = counted(node)
    rebound = await tabs.open(f"http://rebound.test:{node.internal}/")
    assert "loopback hosts only" in await rebound.content()
    ports = {"edge": f"http://rebound.test:{node.public}", "control": f"http://rebound.test:{node.internal}"}
    outcome = await rebound.evaluate(ATTACKS, ports)
    assert outcome == {
        "socket": "closed 1006", "events": "closed", "overview": 403, "metrics": 403, "publish": 403, "blind": 403,
        "token": 403}
    await until("two refusals counted", lambda: counted(node) == (publications, refused + 2))
    tabs.expects_errors = True


async def test_a_page_of_loopback_may(node, tabs, elsewhere):
    friend = await tabs.open(f"http://localhost:{elsewhere}/")
    ports = {"edge": f"http://127.0.0.1:{node.public}", "control": f"http://127.0.0.1:{node.internal}"}
    outcome = await friend.evaluate(ATTACKS, ports)
    assert (outcome["socket"], outcome["events"]) == ("open", "open")
    # The control port answers no page but its own, by the rules of browsers.
    assert outcome["overview"] == outcome["publish"] == outcome["token"] == "TypeError"
    tabs.expects_errors = True


async def test_an_event_source_told_to_come_later_comes_back_by_itself(tabs, tmp_path):
    node = Node(tmp_path, QUICK_DRAIN | {"MARTLET_LIMITS_CONNECTIONS_MAX": "1"}).start()
    try:
        tab = await tabs.open(f"{page(node)}demo/")
        await tab.evaluate("""
            (url) => {
              window.states = { first: [], second: [] };
              window.sources = {};
              window.start = (name) => {
                const source = new EventSource(url);
                const told = (text) => states[name].push(text);
                source.onopen = () => told("open");
                source.onmessage = ({ data }) => told(JSON.parse(data).data.text);
                source.onerror = () => told(source.readyState === EventSource.CLOSED ? "closed" : "later");
                sources[name] = source;
              };
              start("first");
            }""", f"http://127.0.0.1:{node.public}/events?channel=news")
        await until("the first stream", lambda: tab.evaluate('states.first.includes("open")'))
        await tab.evaluate('start("second")')
        await until("the second told to come later", lambda: tab.evaluate('states.second.includes("later")'))
        await command(node, "publish", "news", '{"text":"one"}')
        await until("the first's message", lambda: tab.evaluate('states.first.includes("one")'))
        await until("one is counted", lambda: int(node.metrics()["martlet_open_connections"]) == 1)
        await tab.evaluate("sources.first.close()")
        await until("the second has come back", lambda: returned(node, tab), 60)
        states = json.loads(await tab.evaluate("JSON.stringify(states.second)"))
        assert "closed" not in states and "one" not in states, states
    finally:
        node.process.stop(10)


async def returned(node: Node, tab) -> bool:
    """Whether what is published now reaches the second stream."""
    await command(node, "publish", "news", '{"text":"two"}')
    return await tab.evaluate('states.second.includes("two")')
