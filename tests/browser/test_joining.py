"""H04 in a real browser: a free contract, and one that has an account; phone, desk, and no JavaScript."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.support.people import Tenant
from tests.support.post import Mailbox
from tests.support.steps import NEW_PASSWORD, PASSWORD, Lease

from ..support.browser_steps import fill_join, identify, press
from .conftest import OpenPage
from .test_twelve_steps import scrolls_sideways

SIZES = pytest.mark.parametrize(("width", "has_script"), [(360, True), (1280, True), (360, False)])


def heading(page: Page) -> str:
    assert not scrolls_sideways(page)
    return page.get_by_role("heading", level=1).inner_text()


@SIZES
def test_h04_tenant_joins_his_garage_and_answers_its_question(
    site: str,
    open_page: OpenPage,
    mailbox: Mailbox,
    an_account: Callable[..., Tenant],
    a_contract: Callable[..., Lease],
    width: int,
    has_script: bool,
) -> None:
    tenant, garage = an_account(), a_contract(kind="Garage", street="3, impasse du Puits")
    page = open_page(site, width=width, java_script_enabled=has_script)
    page.goto("/connexion")
    identify(page, tenant.lease)
    press(page.get_by_role("link", name="Rattacher un autre contrat"))
    assert heading(page) == "Rattacher un autre contrat"
    fill_join(page, garage)
    assert heading(page) == "Mes choix"
    open_question = page.get_by_role("radiogroup", name=re.compile(garage.reference))
    expect(open_question.get_by_role("radio", checked=True)).to_have_count(0)
    page.get_by_role("link", name="ses avis par e-mail ou par courrier ?").click()
    expect(open_question).to_be_in_viewport()
    open_question.get_by_text("Oui", exact=True).click()
    press(page.get_by_role("button", name=re.compile("enregistre mes choix")))
    expect(page.get_by_role("status")).to_contain_text(f"contrat {garage.reference}")
    page.goto("/espace")
    expect(page.get_by_role("heading", level=2, name=re.compile("Garage, 3, impasse du Puits"))).to_be_visible()
    assert not scrolls_sideways(page)
    press(page.get_by_role("button", name="Je me déconnecte"))
    identify(page, garage)
    expect(page).to_have_url(f"{site}/espace")
    mailbox.read_all()


@SIZES
def test_h04_tenant_with_two_accounts_makes_one_of_them(
    site: str,
    open_page: OpenPage,
    mailbox: Mailbox,
    an_account: Callable[..., Tenant],
    width: int,
    has_script: bool,
) -> None:
    tenant, other = an_account(), an_account(email="elodie@laposte.net", password=NEW_PASSWORD)
    page = open_page(site, width=width, java_script_enabled=has_script)
    page.goto("/espace/contrats/ajout")
    identify(page, tenant.lease)
    fill_join(page, other.lease)
    assert heading(page) == "Ce contrat a déjà un compte"
    page.goto(mailbox.read(to="elodie@laposte.net").link)
    assert heading(page) == "Transférer un contrat vers un autre compte"
    expect(page).to_have_url(f"{site}/rattachement")
    for typed in (PASSWORD, NEW_PASSWORD):
        page.get_by_label(re.compile("^Mon mot de passe")).fill(typed)
        press(page.get_by_role("button", name="Je transfère ce contrat"))
    assert heading(page) == "Mes choix"
    expect(page.get_by_role("status")).to_contain_text("le contrat est dans votre compte")
    mailbox.read_all()


def test_f20_each_tab_hands_over_its_own_contract(
    app: Flask, site: str, open_page: OpenPage, mailbox: Mailbox, an_account: Callable[..., Tenant]
) -> None:
    tenant, others = an_account(), [an_account(email="elodie@laposte.net") for _ in range(2)]
    page = open_page(site)
    page.goto("/espace/contrats/ajout")
    identify(page, tenant.lease)
    links = []
    for other in others:
        page.goto("/espace/contrats/ajout")
        fill_join(page, other.lease)
        links.append(mailbox.read(to="elodie@laposte.net").link)
    elsewhere = open_page(site)
    tabs = [elsewhere, elsewhere.context.new_page()]
    for tab, link in zip(tabs, links, strict=True):
        tab.goto(link)
    for tab, other in zip(tabs, others, strict=True):
        expect(tab.locator("main form")).to_contain_text(f"se termine par {other.lease.reference[-3:]}")
        tab.get_by_label(re.compile("^Mon mot de passe")).fill(PASSWORD)
        press(tab.get_by_role("button", name="Je transfère ce contrat"))
        page.goto("/espace")
        expect(page.locator("main")).to_contain_text(f"Contrat {other.lease.reference}")
    mailbox.read_all()
