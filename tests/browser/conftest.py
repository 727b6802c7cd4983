"""A real Chromium, the portal behind a threaded server, mails over real SMTP."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.support.live import serve_app
from tests.support.services import free_port, missing

#: Nothing leaves the machine; containers have a small /dev/shm.
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)

OpenPage = Callable[..., Page]
Launch = Callable[..., Browser]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark these tests and keep them in one worker: two browsers would fight for the machine."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def launch() -> Iterator[Launch]:
    """Return a function that starts a browser, with more flags if given."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        missing("Chromium (Debian's package chromium)")
    with sync_playwright() as playwright:
        yield lambda *flags: playwright.chromium.launch(
            executable_path=program, args=[*FLAGS, *flags], chromium_sandbox=os.geteuid() != 0
        )


@pytest.fixture(scope="session")
def chromium(launch: Launch) -> Iterator[Browser]:
    with launch() as browser:
        yield browser


@pytest.fixture
def address() -> str:
    """Return where tenants reach the portal."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def app(make_app: Callable[..., Flask], address: str) -> Flask:
    """Return the portal, with mails that link to this test's server."""
    return make_app(PORTAL_PUBLIC_URL=address)


@pytest.fixture
def site(app: Flask, address: str) -> Iterator[str]:
    yield from serve_app(app, address)


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Return a function: `open_page(site, width=360, java_script_enabled=False)`.

    A request to elsewhere, or a complaint of a script or the content policy, fails the test.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource"):
            complaints.append(message.text)

    def listen(tab: Page) -> None:
        tab.on("console", note)
        tab.on("pageerror", lambda error: complaints.append(str(error)))

    def open_(site: str, *, width: int = 1280, height: int = 800, **options: Any) -> Page:
        context = chromium.new_context(
            base_url=site,
            viewport={"width": width, "height": height},
            locale="fr-FR",
            reduced_motion="reduce",
            **options,
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        context.on("request", lambda r: r.url.startswith((site, "data:")) or complaints.append(f"asked {r.url}"))
        context.on("page", listen)
        return context.new_page()

    yield open_
    for context in contexts:
        context.close()
    assert not complaints, complaints
