"""The demo in a real browser: its banner, and its three callers from the telephone to the remedy."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page, expect

from tenant_portal import demo
from tests.support.live import serve_app
from tests.support.services import free_port

from ..support.browser_steps import press
from .conftest import Launch, OpenPage
from .test_large_text import FAULTS

#: One row of what can be touched, in CSS pixels.
LINE = 48


@pytest.fixture(scope="module")
def demo_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    address, folder = f"http://127.0.0.1:{free_port()}", tmp_path_factory.mktemp("demo") / "portal"
    app: Flask = demo.application(folder, public_url=address)
    demo.furnish(app, folder)
    yield from serve_app(app, address)


def take_the_desk(page: Page) -> None:
    page.goto("/connexion")
    press(page.get_by_role("button", name="Côté bailleur"))
    expect(page.get_by_role("heading", level=1)).to_have_text("À traiter")


def banner_height(page: Page) -> float:
    box = page.locator(".portal-demo").bounding_box()
    assert box is not None
    return box["height"]


def test_g14_the_banner_takes_one_line_on_a_phone_and_unfolds_above_the_page(
    demo_site: str, open_page: OpenPage
) -> None:
    page = open_page(demo_site, width=360, bypass_csp=True)
    page.goto("/connexion")
    for side in ("tenant", "landlord", "search"):
        if side == "landlord":
            take_the_desk(page)
        if side == "search":
            page.goto("/gestion/chercher")
        assert banner_height(page) <= LINE, side
        page.locator(".portal-demo summary").first.click()
        header, banner = page.locator("body header").bounding_box(), page.locator(".portal-demo").bounding_box()
        assert header is not None and banner is not None
        assert banner["height"] > LINE and header["y"] >= banner["y"] + banner["height"], "it covers nothing"
        assert not page.evaluate(FAULTS), side
        if side != "search":
            page.emulate_media(color_scheme="dark" if side == "tenant" else "light")
            results = Axe().run(page)
            assert results.violations_count == 0, results.generate_report()


def test_g14_the_banner_can_be_read_with_letters_twice_as_large(demo_site: str, launch: Launch) -> None:
    with launch("--blink-settings=defaultFontSize=32") as browser:
        page = browser.new_page(base_url=demo_site, viewport={"width": 360, "height": 800}, locale="fr-FR")
        take_the_desk(page)
        page.locator(".portal-demo summary").first.click()
        assert not page.evaluate(FAULTS)
