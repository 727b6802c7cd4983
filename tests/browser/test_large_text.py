"""H12: large text and narrow screens, measured in a real browser."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from tests.support.people import Tenant, must_run
from tests.support.post import Mailbox
from tests.support.steps import Lease, write_at_home
from tests.support.url_map import pages

from ..support import browser_steps
from ..support.browser_steps import fill_join, identify
from .conftest import Launch

#: Width in CSS pixels, and the default font of the browser in pixels.
SCREENS = ((360, 32), (320, 16))

#: What is wrong on a page: words on two lines, boxes over boxes, a page wider than its screen.
FAULTS = """() => {
  const faults = [];
  const isClipped = one => one && (getComputedStyle(one).clipPath !== "none" || isClipped(one.parentElement));
  const shown = one => !isClipped(one) && one.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode()); ) {
    const parent = node.parentElement;
    if (!shown(parent) || parent.closest("script, style, svg, .portal-address, .portal-skip")) continue;
    for (const { 0: word, index } of node.data.matchAll(/[\\p{L}\\p{N}]+['’]?/gu)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const lines = new Set([...range.getClientRects()].filter(r => r.width > 1).map(r => Math.round(r.top / 4)));
      if (lines.size > 1) faults.push(`« ${word} » stands on two lines: ${parent.textContent.trim().slice(0, 60)}`);
      const box = range.getBoundingClientRect();
      if (box.right > document.documentElement.clientWidth + 1) faults.push(`« ${word} » leaves the screen`);
    }
  }
  const kinds = "a, button, input:not([type=hidden]), label, .portal-alert, summary, h1, h2, h3";
  const boxes = [...document.querySelectorAll(kinds)]
    .filter(shown).filter(e => !e.closest(".portal-skip, svg")).map(e => [e, e.getBoundingClientRect()]);
  for (const [one, a] of boxes) for (const [other, b] of boxes) {
    if (one === other || one.contains(other) || other.contains(one)) continue;
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    const is_field_of_label = one.control === other || other.control === one;
    const is_reveal = one.matches(".portal-reveal") || other.matches(".portal-reveal");
    if (wide > 2 && high > 2 && !is_field_of_label && !is_reveal) {
      faults.push(`${one.outerHTML.slice(0, 80)} lies on ${other.outerHTML.slice(0, 80)}`);
    }
  }
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth) faults.push("scrolls sideways");
  return [...new Set(faults)];
}"""


@pytest.fixture(scope="module", params=SCREENS, ids=lambda screen: f"{screen[0]} px wide, font {screen[1]} px")
def browser(request: pytest.FixtureRequest, launch: Launch) -> Iterator[Browser]:
    with launch(f"--blink-settings=defaultFontSize={request.param[1]}") as opened:
        yield opened


@pytest.fixture
def page(browser: Browser, site: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, font = request.node.callspec.params["browser"]
    with browser.new_context(base_url=site, viewport={"width": width, "height": 740}, locale="fr-FR") as context:
        context.set_default_timeout(15_000)
        tab = context.new_page()
        yield tab
        assert tab.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= font


def check(page: Page, *, may_break: bool = False) -> None:
    """Look for faults; a long word may stand on two lines if that is said."""
    faults = [fault for fault in page.evaluate(FAULTS) if not (may_break and "on two lines" in fault)]
    assert not faults, "\n".join([page.url, *faults])


def test_h12_nothing_breaks_overlaps_or_scrolls_sideways_before_the_account(
    page: Page, mailbox: Mailbox, a_contract: Callable[..., Lease]
) -> None:
    lease = a_contract()
    for path in ("/connexion", "/inscription", "/aide", "/mot-de-passe-oublie", "/message"):
        page.goto(path)
        check(page)
    page.goto("/inscription")
    browser_steps.press(page.get_by_role("button", name="Je valide la création de mon compte"))
    check(page)
    browser_steps.sign_up(page, lease)
    check(page)
    page.goto(mailbox.read().link)
    check(page)


def test_h12_nothing_breaks_overlaps_or_scrolls_sideways_at_home(
    app: Flask, page: Page, mailbox: Mailbox, an_account: Callable[..., Tenant], a_contract: Callable[..., Lease]
) -> None:
    tenant = an_account()
    page.goto("/espace/contrats/ajout")
    identify(page, tenant.lease)
    fill_join(page, a_contract(kind="Stationnement", street="131 bis, avenue de la République"))
    check(page)
    page.goto("/espace/messages/nouveau")
    page.get_by_text("Mon logement ou une réparation").check()
    page.get_by_role("textbox").first.fill("La porte ferme mal.")
    browser_steps.press(page.get_by_role("button", name="J’envoie mon message"))
    mailbox.read_all()
    for path in (*(path for path in pages(app) if path.startswith("/espace")), page.url):
        page.goto(path)
        check(page)


def test_h12_nothing_breaks_overlaps_or_scrolls_sideways_at_the_desk(
    app: Flask, page: Page, mailbox: Mailbox, an_account: Callable[..., Tenant], request: pytest.FixtureRequest
) -> None:
    """La gestion is for a desk: on a phone with letters twice as large nothing is hidden, but long words break."""
    is_large = request.node.callspec.params["browser"] == SCREENS[0]
    tenant = an_account(e_notice="Oui")
    tenant.log_in(tenant.browser)
    thread = write_at_home(tenant.browser, topic="Autre chose", body="La porte ferme mal.").path
    mailbox.read_all()
    must_run(app, "contracts", "freeze", tenant.lease.reference)
    mailbox.read_all()
    app.extensions["portal"].options["staff"] = lambda: ("Mme Moreau", "owner")
    for path in ("", "/contrat/1", "/contrat/1/deblocage", "/contrat/1/demande-acces", "/messages", "/journal"):
        page.goto(f"/gestion{path}")
        check(page, may_break=is_large)
    page.goto(f"/gestion/messages/{thread.rpartition('/')[2]}")
    browser_steps.press(page.get_by_role("button", name="Marquer comme répondu"))
    check(page, may_break=is_large)
    an_account()
    page.locator("#recherche").fill("martin")
    browser_steps.press(page.locator("[role=search] button"))
    check(page, may_break=is_large)
    page.goto("/gestion/contrat/2/adresse")
    browser_steps.press(page.get_by_role("button", name="Noter une autre adresse mail"))
    check(page, may_break=is_large)


@pytest.mark.parametrize("has_script", [True, False], ids=["with script", "without script"])
def test_h12_label_of_the_field_that_an_error_links_to_is_in_view(
    browser: Browser, site: str, has_script: bool, request: pytest.FixtureRequest
) -> None:
    width, font = request.node.callspec.params["browser"]
    with browser.new_context(
        base_url=site, viewport={"width": width, "height": 740}, locale="fr-FR", java_script_enabled=has_script
    ) as context:
        tab = context.new_page()
        tab.goto("/inscription")
        browser_steps.press(tab.get_by_role("button", name="Je valide la création de mon compte"))
        errors = tab.locator(".portal-alert--error li a")
        for error in errors.all():
            error.click()
            field = tab.locator(error.get_attribute("href") or "")
            label = field.locator(
                "xpath=ancestor::fieldset//legend | ancestor::div[contains(@class, 'portal-field')]//label"
            )
            box = label.first.bounding_box()
            assert box is not None and 0 <= box["y"] < 740 - font, error.inner_text()
        assert errors.count() == 8
