# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""The demo as the chat that people know: two of them in a real browser, one on a wire that is cut now and then."""

import asyncio
import json

import pytest
from playwright.async_api import expect

from cluster import Node
from pages import NAMES, page, said, say

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Wire:
    """What leads from a page to a node, and can be cut."""

    def __init__(self, node: Node):
        self.node, self.server, self.writers, self.is_cut = node, None, set(), False

    async def start(self):
        self.server = await asyncio.start_server(self.accepted, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def accepted(self, reader, writer):
        if self.is_cut:
            return writer.transport.abort()
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self.node.public)
        self.writers |= {writer, other_writer}
        await asyncio.gather(self.copy(reader, other_writer), self.copy(other_reader, writer))

    async def copy(self, reader, writer):
        try:
            while data := await reader.read(65_536):
                writer.write(data)
        except OSError:
            pass
        self.writers.discard(writer)
        writer.close()

    def cut(self):
        self.is_cut = True
        for writer in self.writers:
            writer.transport.abort()

    def mend(self):
        self.is_cut = False

    async def stop(self):
        self.cut()
        self.server.close()


async def chat(tabs, node: Node, user: str, transport: str = "websocket", wire: Wire | None = None, **window):
    """Somebody's tab, which may be joined to its node by a wire."""
    tab = await tabs.open("about:blank", **window)
    if wire:
        async def settings(route):
            answer = await route.fetch()
            facts = await answer.json() | {"public_address": f"http://127.0.0.1:{wire.port}"}
            await route.fulfill(response=answer, body=json.dumps(facts))
        await tab.route("**/settings.json", settings)
    await tab.goto(f"{page(node)}demo/?user={user}&transport={transport}")
    await expect(tab.locator("#state")).to_have_text(f"open over {NAMES[transport]}")
    return tab


def here(tab, user: str):
    return tab.locator("#people").get_by_text(user, exact=True)


async def texts(tab) -> list[str]:
    return await tab.locator("#messages .message p").all_inner_texts()


async def test_rooms_people_and_private_conversations(node, tabs):
    ada, bruno = await chat(tabs, node, "Ada"), await chat(tabs, node, "Bruno")
    for tab, name, other in [(ada, "Ada", "Bruno"), (bruno, "Bruno", "Ada")]:
        await expect(here(tab, f"{name} (you)")).to_have_count(1)
        await expect(here(tab, other)).to_have_count(1)
    await expect(ada.locator("#messages .event")).to_contain_text("Bruno came in")
    await say(ada, "Good morning! Who has the key to the workshop?")
    await say(bruno, "It hangs in the kitchen.")
    for tab in [ada, bruno]:
        await expect(said(tab, "It hangs in the kitchen.")).to_have_count(1)
    # In another room it is counted until it is read.
    await bruno.get_by_role("button", name="# kitchen").click()
    await say(bruno, "Here it is")
    await expect(ada.locator("#rooms .count")).to_have_text("1")
    await ada.get_by_role("button", name="# kitchen").click()
    await expect(said(ada, "Here it is")).to_have_count(1)
    await expect(ada.locator("#rooms .count")).to_have_count(0)
    # Typing a name opens a private conversation, which nobody else hears of.
    carmen = await chat(tabs, node, "Carmen")
    await ada.fill("#find", "Bruno")
    await ada.press("#find", "Enter")
    await expect(ada.locator("#talk-name")).to_have_text("Bruno")
    await say(ada, "Just for you")
    await expect(bruno.locator("#talks .count")).to_have_text("1")
    await bruno.locator("#talks").get_by_text("Ada", exact=True).click()
    await expect(said(bruno, "Just for you")).to_have_count(1)
    await say(bruno, "Nobody else knows")
    await expect(said(ada, "Nobody else knows")).to_have_count(1)
    await tabs.picture(ada, "chat-private")
    await expect(carmen.locator("#talks li")).to_have_count(0)
    # Not even by asking: the name of the channel keeps others out.
    refusal = await carmen.evaluate("""
        async ([url, channel]) => {
          const { Martlet } = await import("./martlet.js");
          const carmen = new Martlet({ address: url });
          carmen.subscribe(channel);
          carmen.connect();
          return new Promise((resolve) => {
            carmen.addEventListener("unsubscribed", ({ detail }) => { carmen.close(); resolve(detail.code); });
          });
        }""", [f"http://127.0.0.1:{node.public}", "dm:chat#Ada,Bruno"])
    assert refusal == 103
    # Who goes is gone from the list.
    await bruno.context.close()
    await ada.get_by_role("button", name="# lobby").click()
    await expect(here(ada, "Bruno")).to_have_count(0)
    await expect(ada.locator("#messages")).to_contain_text("Bruno left")


async def test_history_on_joining(node, tabs):
    ada = await chat(tabs, node, "Ada")
    await ada.get_by_role("button", name="# workshop").click()
    for number in range(5):
        await say(ada, f"before {number}")
    await expect(said(ada, "before 4")).to_have_count(1)
    await ada.fill("#find", "Dmitri")
    await ada.press("#find", "Enter")
    await say(ada, "for when you come")
    await expect(said(ada, "for when you come")).to_have_count(1)
    for transport in NAMES:
        late = await chat(tabs, node, "Dmitri", transport)
        await late.get_by_role("button", name="# workshop").click()
        await expect(said(late, "before 4")).to_have_count(1)
        assert await texts(late) == [f"before {number}" for number in range(5)]
    # Over WebSocket what was said in private is there as well, before anybody is asked.
    socket = await chat(tabs, node, "Dmitri")
    await socket.locator("#talks").get_by_text("Ada", exact=True).click()
    await expect(said(socket, "for when you come")).to_have_count(1)


@pytest.mark.parametrize("transport", list(NAMES))
async def test_what_was_missed_comes_after_a_cut(node, tabs, transport):
    wire = await Wire(node).start()
    ada, bruno = await chat(tabs, node, "Ada"), await chat(tabs, node, "Bruno", transport, wire)
    await say(ada, f"before the cut, {transport}")
    await expect(said(bruno, f"before the cut, {transport}")).to_have_count(1)
    wire.cut()
    await expect(bruno.locator("#state")).to_have_text("waiting")
    missed = [f"missed {number}, {transport}" for number in range(4)]
    for text in missed:
        await say(ada, text)
    await ada.get_by_role("button", name="# kitchen").click()
    await say(ada, f"missed in the kitchen, {transport}")
    await expect(said(ada, f"missed in the kitchen, {transport}")).to_have_count(1)
    wire.mend()
    await expect(bruno.locator("#state")).to_have_text(f"open over {NAMES[transport]}", timeout=60_000)
    await expect(said(bruno, missed[-1])).to_have_count(1)
    await expect(bruno.locator("#messages .divider")).to_have_text("While you were away")
    await expect(bruno.locator("#rooms .count")).to_have_text("1")
    await tabs.picture(bruno, f"chat-missed-{transport}")
    await ada.get_by_role("button", name="# lobby").click()
    await say(ada, f"after the cut, {transport}")
    await expect(said(bruno, f"after the cut, {transport}")).to_have_count(1)
    said_here = [text for text in await texts(bruno) if text.endswith(transport)]
    assert said_here == [f"before the cut, {transport}", *missed, f"after the cut, {transport}"]
    await wire.stop()
    # A page whose connection is refused says so in its console.
    tabs.expects_errors = True


async def test_more_than_the_history_keeps_is_a_gap(node, tabs):
    wire = await Wire(node).start()
    bruno = await chat(tabs, node, "Bruno", wire=wire)
    await bruno.get_by_role("button", name="# workshop").click()
    body = {"channel": "room:workshop", "data": {"text": "just before the cut", "user": "Ada"}}
    assert "error" not in await asyncio.to_thread(node.api, "publish", body)
    # So that it has a place in the room, from which it misses what follows.
    await expect(said(bruno, "just before the cut")).to_have_count(1)
    wire.cut()
    await expect(bruno.locator("#state")).to_have_text("waiting")
    for number in range(110):
        body = {"channel": "room:workshop", "data": {"text": f"too many {number}", "user": "Ada"}}
        assert "error" not in await asyncio.to_thread(node.api, "publish", body)
    wire.mend()
    await expect(bruno.locator("#state")).to_have_text("open over WebSocket", timeout=60_000)
    await expect(bruno.locator("#messages .divider")).to_have_text("Some messages from while you were away are lost")
    # What is left of them is shown, in order.
    await expect(said(bruno, "too many 109")).to_have_count(1)
    assert (await texts(bruno))[-50:] == [f"too many {number}" for number in range(60, 110)]
    await wire.stop()
    tabs.expects_errors = True


async def test_pictures_for_people_to_look_at(node, tabs):
    ada = await chat(tabs, node, "Edith")
    phone = await chat(tabs, node, "Farid", width=390, height=780)
    dark = await chat(tabs, node, "Greta", color_scheme="dark")
    for tab, text in [(ada, "Who brings the cake?"), (dark, "I do."), (phone, "And I the plates, if somebody tells me how many.")]:
        await say(tab, text)
        await expect(said(ada, text)).to_have_count(1)
    await ada.get_by_role("button", name="# kitchen").click()
    await say(ada, "unread elsewhere")
    await phone.fill("#find", "Greta")
    await phone.press("#find", "Enter")
    await say(phone, "Chocolate, please")
    await expect(dark.locator("#talks .count")).to_have_text("1")
    await tabs.picture(phone, "chat-phone-private")
    await phone.get_by_role("button", name="# lobby").click()
    await tabs.picture(ada, "chat")
    await tabs.picture(dark, "chat-dark")
    await tabs.picture(phone, "chat-phone")
    await phone.locator("#people-box summary").click()
    await expect(phone.locator("#people")).to_be_visible()
    await tabs.picture(phone, "chat-phone-people")
    # Nothing is wider than the phone.
    assert await phone.evaluate("document.documentElement.scrollWidth") == 390
