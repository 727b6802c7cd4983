"""The login page on a phone: what a real Chromium fetches at the first visit and at the second."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, sync_playwright

from . import portal
from .server import serving
from .table import Row

CHROMIUM = "/usr/bin/chromium"
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 3, "is_mobile": True, "has_touch": True}


def rows() -> Iterator[Row]:
    """Measure two visits."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        portal.prepare(folder, **portal.CHEAPEST, contracts=10, tenants=0)
        with serving(folder, "wsgi:app", **portal.CHEAPEST) as server:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            context = browser.new_context(**PHONE)  # type: ignore[arg-type]
            first, second = (_visit(context, f"http://127.0.0.1:{server.port}/") for _ in range(2))
            browser.close()
    yield Row(
        "login page on a phone, first visit",
        "–",
        "at most 4 requests and 35 kB transferred, compressed",
        f"**{len(first)}** requests, **{sum(first) / 1000:.1f}** kB with the headers",
    )
    yield Row(
        "the same, second visit",
        "–",
        "none but the page",
        f"**{len(second)}** request, {sum(second) / 1000:.1f} kB",
    )


def _visit(context: BrowserContext, address: str) -> list[int]:
    """Return the bytes of each answer that came over the network."""
    page = context.new_page()
    session, sizes, from_cache = context.new_cdp_session(page), dict[str, int](), set[str]()

    def finished(event: dict[str, Any]) -> None:
        sizes[event["requestId"]] = int(event["encodedDataLength"])

    session.on("Network.requestServedFromCache", lambda event: from_cache.add(event["requestId"]))
    session.on("Network.loadingFinished", finished)
    session.send("Network.enable")
    page.goto(address, wait_until="networkidle")
    page.close()
    return [size for key, size in sizes.items() if key not in from_cache and size > 0]
