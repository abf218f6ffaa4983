# This source file is part of the Martlet project.
# SPDX-License-Identifier: Apache-2.0
"""Tabs of a real browser, and the pages of a node in them."""

import asyncio
import os
import pathlib
import subprocess

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect

from cluster import DEBUG, QUICK_DRAIN, Node

# A browser has most to do of all, where a machine has little.
expect.set_options(timeout=30_000)
# Where pictures of the pages go, for people to look at.
PICTURES = os.environ.get("CLUSTER_PICTURES")


class Tabs:
    """Tabs of one browser, and every error that their consoles and scripts tell."""

    def __init__(self, browser, directory: pathlib.Path):
        self.browser, self.directory = browser, directory
        self.contexts = []
        self.errors: list[str] = []
        # A page that is refused tells so in its console, at any time.
        self.expects_errors = False

    async def open(self, url: str, width: int = 1200, height: int = 800, color_scheme: str = "light"):
        # Each in a window of its own, because a tab behind another is drawn once a second.
        context = await self.browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=color_scheme)
        context.set_default_timeout(30_000)
        self.contexts.append(context)
        tab = await context.new_page()
        tab.on("console", lambda message: self.note(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: self.note(str(error)))
        await tab.goto(url)
        return tab

    def note(self, text: str):
        self.errors.append(text)

    async def chat(self, node: Node, user: str, transport: str):
        tab = await self.open(f"{page(node)}demo/?user={user}&transport={transport}")
        await expect(tab.locator("#state")).to_have_text(f"open over {NAMES[transport]}")
        return tab

    async def picture(self, tab, name: str):
        await tab.screenshot(path=self.directory / f"{name}.png", full_page=True, animations="disabled")


NAMES = {"websocket": "WebSocket", "events": "EventSource"}


def page(node: Node) -> str:
    return f"http://127.0.0.1:{node.internal}/"


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return pathlib.Path(PICTURES) if PICTURES else tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    node = Node(tmp_path_factory.mktemp("node"), QUICK_DRAIN)
    yield node.start()
    node.process.stop(10)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser():
    async with async_playwright() as playwright:
        # Names under `test` lead here, as a name of an attacker's may (DNS rebinding).
        arguments = ["--no-sandbox", "--host-resolver-rules=MAP *.test 127.0.0.1"]
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def tabs(browser, directory):
    tabs = Tabs(browser, directory)
    yield tabs
    for context in tabs.contexts:
        await context.close()
    assert tabs.errors == [] or tabs.expects_errors


async def command(node: Node, *arguments: str) -> str:
    """What the real command says, as a child process."""
    child = await asyncio.create_subprocess_exec(
        DEBUG / "martlet", *arguments, "--server", page(node).rstrip("/"),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = (await asyncio.wait_for(child.communicate(), 60))[0].decode()
    assert child.returncode == 0, output
    return output


def said(tab, text: str):
    return tab.locator("#messages").get_by_text(text, exact=True)


async def say(tab, text: str):
    await tab.fill("#text", text)
    await tab.click("#send")
