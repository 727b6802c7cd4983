"""The tenant's way in a real browser: on a phone, at a desk, and without JavaScript."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.post import Mailbox
from tests.support.steps import PASSWORD, Lease

from ..support.browser_steps import fill_sign_up, identify, press, sign_up
from .conftest import OpenPage

ALL_PAGES = (
    "/connexion",
    "/inscription",
    "/mot-de-passe-oublie",
    "/mot-de-passe-oublie/envoye",
    "/message",
    "/aide",
    "/mentions-legales",
    "/donnees-personnelles",
    "/accessibilite",
    "/plan-du-site",
    "/nulle-part",
)


def scrolls_sideways(page: Page) -> bool:
    seen, whole = (page.evaluate(f"document.documentElement.{side}Width") for side in ("client", "scroll"))
    return bool(whole > seen)


@pytest.mark.parametrize(("width", "has_script"), [(360, True), (1280, True), (360, False)])
def test_tenant_takes_the_twelve_steps(
    site: str, open_page: OpenPage, mailbox: Mailbox, a_contract: Callable[..., Lease], width: int, has_script: bool
) -> None:
    lease = a_contract()
    page = open_page(site, width=width, java_script_enabled=has_script)
    sign_up(page, lease)
    expect(page.locator("main")).to_contain_text("elodie.martin@orange.fr")
    assert not scrolls_sideways(page)

    page.goto(mailbox.read().link)
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Identifiez-vous pour terminer la création de votre compte"
    )
    expect(page).to_have_url(f"{site}/activation")
    assert not scrolls_sideways(page)
    identify(page, lease)

    expect(page).to_have_url(f"{site}/espace")
    expect(page.locator("main")).to_contain_text(lease.reference)
    assert not scrolls_sideways(page)
    mailbox.read()

    press(page.get_by_role("button", name="Je me déconnecte"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Identifiez-vous")
    page.go_back()
    expect(page.locator("main")).not_to_contain_text(lease.reference)


@pytest.mark.parametrize("has_script", [True, False])
def test_tenant_opens_and_closes_an_explanation_with_the_keyboard(
    site: str, open_page: OpenPage, has_script: bool
) -> None:
    page = open_page(site, width=360, java_script_enabled=has_script)
    page.goto("/inscription")
    button = page.get_by_role("button", name=re.compile("^Information.*référence contrat"))
    bubble = page.locator(f"#{button.get_attribute('popovertarget')}")
    expect(bubble).to_be_hidden()
    button.focus()
    page.keyboard.press("Enter")
    expect(bubble).to_be_visible()
    if has_script:
        expect(button).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(bubble).to_be_hidden()
    expect(button).to_be_focused()
    if has_script:
        expect(button).to_have_attribute("aria-expanded", "false")


def test_t20_tenant_shows_his_password_and_hides_it_again(site: str, open_page: OpenPage) -> None:
    page = open_page(site, width=360)
    page.goto("/connexion")
    field = page.get_by_label(re.compile("^Mon mot de passe"))
    field.fill(PASSWORD)
    page.get_by_role("button", name="Afficher le mot de passe").click()
    expect(field).to_have_attribute("type", "text")
    page.get_by_role("button", name="Masquer le mot de passe").click()
    expect(field).to_have_attribute("type", "password")


def test_tenant_who_sends_a_form_with_faults_reads_them_first(site: str, open_page: OpenPage) -> None:
    page = open_page(site, width=360)
    page.goto("/inscription")
    press(page.get_by_role("button", name="Je valide la création de mon compte"))
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(page).to_have_title(re.compile("^Erreur"))
    summary.get_by_role("link", name=re.compile("module")).click()
    expect(page.get_by_role("textbox", name=re.compile("^Votre numéro de module"))).to_be_focused()
    summary.get_by_role("link", name=re.compile("commerciales")).click()
    expect(page.get_by_role("radiogroup", name=re.compile("commerciales")).get_by_role("radio").first).to_be_focused()


def test_t06_tenant_takes_the_proposed_address_with_one_click(
    site: str, open_page: OpenPage, mailbox: Mailbox, a_contract: Callable[..., Lease]
) -> None:
    page = open_page(site, width=360)
    fill_sign_up(page, a_contract(), email="")
    field = page.get_by_role("textbox", name=re.compile("^Votre adresse mail"))
    field.press_sequentially("elodie@gmial.com")
    page.get_by_role("button", name="elodie@gmail.com").click()
    expect(field).to_have_value("elodie@gmail.com")
    press(page.get_by_role("button", name="Je valide la création de mon compte"))
    expect(page.locator("main")).to_contain_text("elodie@gmail.com")
    mailbox.read(to="elodie@gmail.com")


@pytest.mark.parametrize("path", ALL_PAGES)
def test_no_page_asks_a_small_phone_to_scroll_sideways(site: str, open_page: OpenPage, path: str) -> None:
    page = open_page(site, width=320, height=568)
    page.goto(path)
    assert not scrolls_sideways(page)


def test_tenant_prints_the_guide_on_two_sheets_and_opens_it_at_the_step_where_he_is_stuck(
    site: str, open_page: OpenPage
) -> None:
    page = open_page(site, width=360)
    page.goto("/aide#etape-6")
    assert 0 <= page.locator("#etape-6").bounding_box()["y"] < 100  # type: ignore[index]
    for number in range(1, 13):
        expect(page.locator(f"#etape-{number}")).to_have_count(1)
    for with_colours in (False, True):
        printed = page.pdf(format="A4", print_background=with_colours)
        assert 1 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 2
