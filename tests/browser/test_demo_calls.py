"""The demo in a real browser: its banner, and its three callers from the telephone to the remedy."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page, expect

from tenant_portal import demo
from tenant_portal.demo import calls, people
from tests.support.live import serve_app
from tests.support.page_text import plain
from tests.support.services import free_port
from tests.support.steps import Lease

from ..support.browser_steps import identify, press
from .conftest import Launch, OpenPage
from .test_large_text import FAULTS

#: One row of what can be touched, in CSS pixels.
LINE = 48
#: More than any page has to reach.
TABS_MAX = 60
FOCUSED = (
    "() => { const e = document.activeElement; return (e.labels?.[0]?.textContent || e.textContent || '').trim(); }"
)


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
        page.evaluate("document.querySelector('main').remove()")  # the dates of la gestion want a desk
        assert not page.evaluate(FAULTS)


def reach(page: Page, name: str) -> None:
    """Go on with the Tab key until what begins with that name has the focus."""
    for _ in range(TABS_MAX):
        page.keyboard.press("Tab")
        if plain(page.evaluate(FOCUSED)).startswith(name):
            return
    raise AssertionError(f"the keyboard does not reach «{name}» on {page.url}")


def send(page: Page) -> None:
    """Press Enter and wait for the next page."""
    with page.expect_navigation():
        page.keyboard.press("Enter")


def find(page: Page, name: str) -> None:
    """Look for a caller by the field that each page has; one hit opens at once."""
    page.get_by_role("searchbox", name="Trouver un locataire").fill(name)
    press(page.get_by_role("button", name="Trouver", exact=True))


def expect_ticks(page: Page, *ticked: str) -> None:
    """Expect these callers, and no other, to be ticked on « À traiter »."""
    page.goto("/gestion")
    panel = page.locator(".portal-demo-panel")
    expect(panel.locator("summary", has_text="✓")).to_have_count(len(ticked))
    for caller in ticked:
        expect(panel.locator("summary", has_text=caller)).to_contain_text("✓")


def begin_anew(page: Page) -> None:
    page.goto("/connexion")
    page.locator(".portal-demo summary").first.click()
    press(page.get_by_role("button", name="Recommencer"))


def test_g14_who_is_locked_out_is_let_in_by_keyboard_alone(demo_site: str, open_page: OpenPage) -> None:
    page = open_page(demo_site)
    page.goto("/connexion")
    reach(page, "Côté bailleur")
    send(page)
    reach(page, "Trouver un locataire")
    page.keyboard.type("delmas")
    send(page)
    reach(page, "Lever le délai de connexion")
    send(page)
    reach(page, "au guichet")
    page.keyboard.press("ArrowDown")  # called back
    reach(page, "trop d'essais")
    page.keyboard.press("Space")
    reach(page, "Lever le délai de connexion")
    send(page)
    expect(page.get_by_role("status")).to_contain_text("le délai est levé")
    expect_ticks(page, "Delmas")
    page.goto("/connexion")
    identify(page, Lease(calls.LOCKED_OUT.reference, calls.LOCKED_OUT.module), people.PASSWORD)
    expect(page).to_have_url(f"{demo_site}/espace")
    page.goto("/espace/connexions")
    expect(page.get_by_role("main")).to_contain_text("délai")
    begin_anew(page)


def test_g14_whose_mail_came_back_gets_it_at_the_right_address(demo_site: str, open_page: OpenPage) -> None:
    page = open_page(demo_site)
    take_the_desk(page)
    press(page.get_by_role("link", name=re.compile("VASSEUR")))
    press(page.get_by_role("link", name="Renvoyer l’e-mail d’activation"))
    page.get_by_role("textbox", name=re.compile("adresse mail", re.I)).fill("chloe.vasseur@example.org")
    page.get_by_text("rappel au numéro connu").click()
    page.get_by_text("adresse mail mal tapée").click()
    press(page.get_by_role("button", name="Renvoyer l’e-mail d’activation"))
    expect(page.get_by_role("status")).to_contain_text("l’e-mail d’activation part")
    expect_ticks(page, "Vasseur")
    press(page.get_by_role("link", name=re.compile("^Courrier de démonstration")))
    letter = page.get_by_role("article").filter(has_text="chloe.vasseur@example.org")
    expect(letter).to_have_count(1)
    begin_anew(page)


def test_g14_whose_number_is_not_found_is_answered_without_javascript(demo_site: str, open_page: OpenPage) -> None:
    page = open_page(demo_site, java_script_enabled=False)
    take_the_desk(page)
    find(page, "santoro")
    expect(page.get_by_role("main")).to_contain_text("102325")
    page.goto("/gestion")
    press(page.get_by_role("link", name="giulia.santoro@example.net"))
    expect(page.get_by_role("main")).to_contain_text("102352")
    page.get_by_text("Par téléphone", exact=True).click()
    page.get_by_role("textbox", name=re.compile("^Ce que vous avez répondu")).fill(
        "Relisez votre avis : deux chiffres."
    )
    press(page.get_by_role("button", name="Marquer comme répondu"))
    expect(page.get_by_role("main")).to_contain_text("Répondu par téléphone")
    expect_ticks(page, "Santoro")
    begin_anew(page)
