"""F20: two accounts, one mailbox, a tab for each in one browser: each form acts on its own account."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from tenant_portal.db import db
from tenant_portal.models import Contract
from tests.support import steps
from tests.support.page_text import plain
from tests.support.people import Tenant, run
from tests.support.portal_client import Portal
from tests.support.post import Mail, Mailbox
from tests.support.steps import EMAIL, NEW_PASSWORD, PASSWORD, Lease, forget

from ..support import browser_steps
from ..support.browser_steps import identify, sign_up
from .conftest import OpenPage

OTHER_EMAIL = "elodie@laposte.net"
ENDS_IN = "se termine par"
TOO_OLD = re.compile("restée ouverte trop longtemps|n’était plus à jour|a eu lieu dans une autre page")

#: Which tab sends first; both pages are open.
in_both_orders = pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["first tab first", "second tab first"])


@dataclass(frozen=True)
class Standing:
    """The state of a contract's account."""

    email: str
    is_activated: bool = True
    is_finished: bool = True
    is_closed: bool = False
    is_frozen: bool = False


@pytest.fixture
def tabs(site: str, open_page: OpenPage) -> list[Page]:
    """Open two tabs of one browser."""
    first = open_page(site)
    return [first, first.context.new_page()]


@pytest.fixture
def leases(a_contract: Callable[..., Lease]) -> list[Lease]:
    return [a_contract(), a_contract()]


@pytest.fixture
def tenants(leases: list[Lease], an_account: Callable[..., Tenant]) -> list[Tenant]:
    """Return two tenants with the same mailbox and password: a mix-up would go through."""
    return [an_account(lease, email=EMAIL) for lease in leases]


def standing(app: Flask, lease: Lease) -> Standing:
    with app.app_context():
        account = db.session.scalars(select(Contract).where(Contract.reference == lease.reference)).one().account
        assert account is not None
        states = account.is_activated, account.is_finished, account.is_closed, account.is_frozen
        return Standing(account.email, *states)


def is_let_in(app: Flask, lease: Lease, password: str) -> bool:
    return steps.log_in(Portal(app), lease.reference, password).path == "/espace"


def names(tab: Page, lease: Lease) -> None:
    """Check that a page names its contract."""
    expect(tab.locator("main")).to_contain_text(f"{ENDS_IN} {lease.reference[-3:]}")


def tells_of(mail: Mail, lease: Lease) -> None:
    """Check that a mail names its contract."""
    assert f"{ENDS_IN} {lease.reference[-3:]}" in plain(mail.text), mail


def press(tab: Page, button: str, **typed: str) -> None:
    """Fill fields by the beginnings of their labels, and press a button."""
    for label, text in typed.items():
        tab.get_by_label(re.compile(f"^{label.replace('_', ' ')}")).fill(text)
    browser_steps.press(tab.get_by_role("button", name=button, exact=True))


def send(tab: Page, lease: Lease, button: str, **typed: str) -> None:
    """Send a tab's form, twice if the other tab's login made it too old.

    Its address shows the same page again after a reload.
    """
    press(tab, button, **typed)
    if tab.get_by_text(TOO_OLD).count():
        names(tab, lease)
        tab.goto(tab.url)
        names(tab, lease)
        press(tab, button, **typed)


def in_turn(order: tuple[int, int]) -> Iterator[tuple[int, int | None]]:
    """Yield whose turn it is, and who is still to come."""
    yield order[0], order[1]
    yield order[1], None


@in_both_orders
def test_f20_each_tab_sends_the_mail_of_its_own_sign_up_again_and_puts_its_own_address_right(
    app: Flask, tabs: list[Page], leases: list[Lease], mailbox: Mailbox, order: tuple[int, int]
) -> None:
    for tab, lease in zip(tabs, leases, strict=True):
        sign_up(tab, lease, email=EMAIL)
        tells_of(mailbox.read(), lease)
    for number in order:
        names(tabs[number], leases[number])
        press(tabs[number], "Renvoyer l’e-mail")
        names(tabs[number], leases[number])
        tells_of(mailbox.read(to=EMAIL), leases[number])
    for number, waiting in in_turn(order):
        tabs[number].locator("summary", has_text="Modifier mon adresse").click()
        press(tabs[number], "Modifier mon adresse", Votre_adresse_mail=OTHER_EMAIL)
        names(tabs[number], leases[number])
        expect(tabs[number].locator("main")).to_contain_text(OTHER_EMAIL)
        tells_of(mailbox.read(to=OTHER_EMAIL), leases[number])
        assert standing(app, leases[number]).email == OTHER_EMAIL
        if waiting is not None:
            assert standing(app, leases[waiting]).email == EMAIL
            expect(tabs[waiting].locator("main")).to_contain_text(EMAIL)


@pytest.fixture
def activations(app: Flask, tabs: list[Page], leases: list[Lease], mailbox: Mailbox) -> None:
    """Sign up twice elsewhere, and open both activation links here."""
    for tab, lease in zip(tabs, leases, strict=True):
        steps.sign_up(Portal(app), lease, email=EMAIL)
        tab.goto(mailbox.read().link)
    for tab, lease in zip(tabs, leases, strict=True):
        names(tab, lease)


@pytest.mark.usefixtures("activations")
@in_both_orders
def test_f20_each_tab_finishes_its_own_account(
    app: Flask, tabs: list[Page], leases: list[Lease], mailbox: Mailbox, order: tuple[int, int]
) -> None:
    first, second = order
    identify(tabs[first], leases[first])
    expect(tabs[first].locator("main")).to_contain_text(leases[first].reference)
    mailbox.read()
    untouched = Standing(EMAIL, is_activated=False, is_finished=False)
    assert [standing(app, leases[n]) for n in order] == [Standing(EMAIL), untouched]

    identify(tabs[second], leases[second])  # the other tab's login ended its token
    expect(tabs[second].get_by_role("alert")).to_contain_text(TOO_OLD)
    expect(tabs[second]).to_have_title(re.compile("^Erreur"))
    names(tabs[second], leases[second])
    typed = tabs[second].get_by_role("textbox", name=re.compile("^Ma référence contrat"))
    expect(typed).to_have_value(leases[second].reference)
    expect(tabs[second].get_by_label(re.compile("^Mon mot de passe"))).to_have_value("")
    assert standing(app, leases[second]) == untouched

    press(tabs[second], "Je me connecte", Mon_mot_de_passe=PASSWORD)
    expect(tabs[second].locator("main")).to_contain_text(leases[second].reference)
    mailbox.read()
    assert [standing(app, lease) for lease in leases] == [Standing(EMAIL)] * 2


@pytest.mark.usefixtures("activations")
@in_both_orders
def test_f20_numbers_of_the_other_account_are_refused_on_the_page_of_a_link(
    app: Flask, tabs: list[Page], leases: list[Lease], mailbox: Mailbox, order: tuple[int, int]
) -> None:
    for number in order:
        identify(tabs[number], leases[1 - number])
        expect(tabs[number].get_by_role("alert")).to_contain_text(
            "Erreur : cette référence n’est pas celle du compte à activer."
        )
        names(tabs[number], leases[number])
    untouched = Standing(EMAIL, is_activated=False, is_finished=False)
    assert [standing(app, lease) for lease in leases] == [untouched] * 2
    identify(tabs[order[0]], leases[order[0]])
    expect(tabs[order[0]].locator("main")).to_contain_text(leases[order[0]].reference)
    assert [standing(app, leases[n]).is_finished for n in order] == [True, False]
    mailbox.read()


@pytest.mark.usefixtures("activations")
@pytest.mark.parametrize("has_logged_in", [False, True], ids=["nobody logged in", "other tab logged in"])
@in_both_orders
def test_f20_each_tab_activates_its_own_account_for_another_device(
    app: Flask, tabs: list[Page], leases: list[Lease], mailbox: Mailbox, order: tuple[int, int], has_logged_in: bool
) -> None:
    first, second = order
    button = "Activer mon compte, je m’identifierai ailleurs"
    if has_logged_in:
        identify(tabs[first], leases[first])
        expect(tabs[first].locator("main")).to_contain_text(leases[first].reference)
        mailbox.read()
    else:
        send(tabs[first], leases[first], button)
        expect(tabs[first].get_by_role("status").first).to_contain_text("Votre compte est activé")
    assert [standing(app, leases[n]).is_activated for n in order] == [True, False]
    assert "Étape à faire : 9 sur 12" in run(app, "contracts", "show", leases[second].reference)[1]
    send(tabs[second], leases[second], button)
    assert [standing(app, leases[n]).is_activated for n in order] == [True, True]
    assert [standing(app, leases[n]).is_finished for n in order] == [has_logged_in, False]
    assert "Étape à faire : 10 sur 12" in run(app, "contracts", "show", leases[second].reference)[1]


@in_both_orders
def test_f20_each_tab_sets_the_password_of_its_own_account(
    app: Flask, tabs: list[Page], tenants: list[Tenant], mailbox: Mailbox, order: tuple[int, int]
) -> None:
    for tab, tenant in zip(tabs, tenants, strict=True):
        forget(Portal(app), tenant.lease.reference)
        tab.goto(mailbox.read().link)
    for number, waiting in in_turn(order):
        lease, new = tenants[number].lease, f"{NEW_PASSWORD} {number}"
        names(tabs[number], lease)
        typed = {"Créez_un_mot_de_passe": new, "Confirmez_votre_mot_de_passe": new}
        send(tabs[number], lease, "Enregistrer mon mot de passe", **typed)
        expect(tabs[number].get_by_role("heading", level=1)).to_have_text("Identifiez-vous")
        tells_of(mailbox.read(), lease)
        assert is_let_in(app, lease, new) and not is_let_in(app, lease, PASSWORD)
        if waiting is not None:
            assert is_let_in(app, tenants[waiting].lease, PASSWORD), "the other account keeps its password"


def ask_for_another_address(site: str, tenant: Tenant) -> None:
    form = tenant.browser.get(f"{site}/espace/compte/adresse").form("Recevoir le lien")
    form.fill("Ma nouvelle adresse mail", OTHER_EMAIL).fill("Mon mot de passe", tenant.password).click()


@in_both_orders
def test_f20_each_tab_confirms_the_address_of_its_own_account(
    app: Flask, site: str, tabs: list[Page], tenants: list[Tenant], mailbox: Mailbox, order: tuple[int, int]
) -> None:
    for tab, tenant in zip(tabs, tenants, strict=True):
        ask_for_another_address(site, tenant)
        mailbox.read(to=EMAIL)
        tab.goto(mailbox.read(to=OTHER_EMAIL).link)
    for number, waiting in in_turn(order):
        lease = tenants[number].lease
        names(tabs[number], lease)
        send(tabs[number], lease, "Je confirme mon adresse", Mon_mot_de_passe=PASSWORD)
        expect(tabs[number].get_by_role("status").first).to_contain_text("votre adresse mail est changée")
        for address in (EMAIL, OTHER_EMAIL):
            tells_of(mailbox.read(to=address), lease)
        assert standing(app, lease).email == OTHER_EMAIL
        if waiting is not None:
            assert standing(app, tenants[waiting].lease).email == EMAIL


@in_both_orders
def test_f20_each_tab_says_not_me_for_its_own_account(
    app: Flask, site: str, tabs: list[Page], tenants: list[Tenant], mailbox: Mailbox, order: tuple[int, int]
) -> None:
    for tab, tenant in zip(tabs, tenants, strict=True):
        ask_for_another_address(site, tenant)
        tenant.browser.get(mailbox.read(to=OTHER_EMAIL).link).click("Je confirme mon adresse")
        mailbox.read(to=OTHER_EMAIL), mailbox.read(to=EMAIL)
        tab.goto(mailbox.read(to=EMAIL).link_not_me)
    for number, waiting in in_turn(order):
        lease = tenants[number].lease
        names(tabs[number], lease)
        send(tabs[number], lease, "Ce n’est pas moi")
        press(tabs[number], "Oui, je bloque le compte")
        expect(tabs[number].get_by_role("status").first).to_contain_text("le compte est bloqué")
        assert standing(app, lease).email == EMAIL and standing(app, lease).is_frozen
        mailbox.read_all()
        assert not is_let_in(app, lease, PASSWORD)
        if waiting is not None:
            assert standing(app, tenants[waiting].lease).email == OTHER_EMAIL
            assert is_let_in(app, tenants[waiting].lease, PASSWORD)


@in_both_orders
def test_f20_each_tab_opens_its_own_closed_account_again(
    app: Flask, site: str, tabs: list[Page], tenants: list[Tenant], mailbox: Mailbox, order: tuple[int, int]
) -> None:
    for tab, tenant in zip(tabs, tenants, strict=True):
        form = tenant.browser.get(f"{site}/espace/compte/fermeture").form("Je ferme mon compte")
        form.fill("Mon mot de passe", PASSWORD).click()
        mailbox.read()
        tab.goto("/connexion")
        identify(tab, tenant.lease)
    for number, waiting in in_turn(order):
        lease = tenants[number].lease
        names(tabs[number], lease)
        send(tabs[number], lease, "Je rouvre mon compte")
        expect(tabs[number]).to_have_url(re.compile("/espace$"))
        expect(tabs[number].locator("main")).to_contain_text(lease.reference)
        tells_of(mailbox.read(), lease)
        assert not standing(app, lease).is_closed
        if waiting is not None:
            assert standing(app, tenants[waiting].lease).is_closed
