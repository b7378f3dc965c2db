"""A browser, where there is one: each test gets a window of its own, cut off from every network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@dataclass
class Window:
    """A page in the browser, with what it asked for, said and threw."""

    page: Page
    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def open(self, url: str) -> Page:
        """Open it and wait until it can be used."""
        self.page.goto(url)
        self.page.wait_for_selector("html[data-ready]", timeout=30_000)
        return self.page


OpenWindow = Callable[..., Window]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium. Where there is none the tests are skipped, unless RUNNER_TESTS_NEED_ALL is set."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and os.environ.get("RUNNER_TESTS_NEED_ALL"):
        pytest.fail(
            "there is no chromium here, and RUNNER_TESTS_NEED_ALL is set: apt-get install chromium"
        )
    if found is None:
        pytest.skip("there is no chromium here: apt-get install chromium")
    with sync_playwright() as started:
        running = started.chromium.launch(executable_path=found, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def window(browser: Browser) -> Iterator[OpenWindow]:
    """Opens windows: `window(width=390, color_scheme="dark")`. At the end none of them may have complained."""
    with ExitStack() as open_things:
        opened: list[Window] = []

        def open_window(*, width: int = 1280, height: int = 900, **more: Any) -> Window:
            context = browser.new_context(viewport={"width": width, "height": height}, **more)
            open_things.callback(context.close)
            own = Window(context.new_page())
            own.page.on("request", lambda request: own.requests.append(request.url))
            own.page.on(
                "console", lambda message: own.said.append(f"{message.type}: {message.text}")
            )
            own.page.on("pageerror", lambda error: own.said.append(f"error: {error}"))
            own.page.on("dialog", lambda dialog: own.said.append(f"a dialog: {dialog.message}"))
            opened.append(own)
            return own

        yield open_window
        for own in opened:
            assert own.said == []
