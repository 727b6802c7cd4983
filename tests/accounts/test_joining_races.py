"""H04, X15: two decide about one contract at once; it is in one account, and nobody is half shut out."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from tenant_portal.db import db
from tenant_portal.models import Account, Contract, Event
from tests.support.people import must_run, run
from tests.support.portal_client import ANY_STATUS, Portal
from tests.support.post import Mailbox
from tests.support.steps import (
    Form,
    close_account,
    fill_join,
    fill_login,
    fill_sign_up,
    hand_over,
    join,
    log_in,
    sign_up,
)

from .test_joining import OTHERS, OWN, THEIRS, AContract, AnAccount, asked, holders, owner
from .test_locks import race

pytestmark = [pytest.mark.security]

on_postgresql = pytest.mark.databases("postgresql")  # where two can write at once
Act = Callable[[], Any]


def clicks(*forms: Form) -> list[Act]:
    return [lambda form=form: form.click(status=ANY_STATUS) for form in forms]  # type: ignore[misc]


def in_order(acts: Sequence[Act], who_first: str, first: str) -> Sequence[Act]:
    return acts if who_first == first else acts[::-1]


def count(app: Flask, name: str) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(Event).where(Event.name == name)) or 0


def fill_hand_over(browser: Portal, link: str) -> Form:
    return browser.get(link).form("Je transfère ce contrat").fill("Mon mot de passe", THEIRS)


@pytest.mark.databases("sqlite", "postgresql")
def test_f13_six_clicks_at_once_join_once(
    app: Flask, mailbox: Mailbox, an_account: AnAccount, a_contract: AContract
) -> None:
    tenant, other = an_account(), a_contract()
    form = fill_join(tenant.browser, other)
    with ThreadPoolExecutor(6) as pool:
        pages = list(pool.map(lambda form: form.click(status=ANY_STATUS), [form] * 6))
    assert {page.status for page in pages} == {200} and {page.path for page in pages} == {"/espace/choix"}
    assert len(mailbox.read_all()) == 1 and count(app, "contract_joined") == 1


@pytest.mark.databases("sqlite", "postgresql")
def test_f13_two_accounts_ask_for_one_free_contract_and_one_gets_it(
    app: Flask, mailbox: Mailbox, an_account: AnAccount, a_contract: AContract
) -> None:
    tenants, other = [an_account(email=f"t{n}@free.fr") for n in range(4)], a_contract()
    forms = [fill_join(tenant.browser, other) for tenant in tenants]
    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(lambda form: form.click(status=ANY_STATUS), forms))
    paths = sorted(page.path for page in pages)
    assert paths == ["/espace/choix", *["/espace/contrats/ajout/demande"] * 3] or paths.count("/espace/choix") == 1
    assert count(app, "contract_joined") == 1
    mailbox.read_all()


@on_postgresql
@pytest.mark.parametrize("who_first", ["sign-up", "joining"])
def test_x15_sign_up_meets_a_joining(
    app: Flask, portal: Portal, mailbox: Mailbox, an_account: AnAccount, a_contract: AContract, who_first: str
) -> None:
    tenant, other = an_account(), a_contract()
    forms = fill_sign_up(portal, other, email=OTHERS, password=THEIRS), fill_join(tenant.browser, other)
    race(
        app,
        *in_order(clicks(*forms), who_first, "sign-up"),
        at=r"^(UPDATE portal_contracts|INSERT INTO portal_accounts)",
    )
    assert holders(app)[other.reference] == OWN, "an unfinished sign-up blocks nobody, and a finished account stands"
    assert log_in(portal, other.reference, THEIRS).says("ne correspond pas")
    mailbox.read_all()


@on_postgresql
@pytest.mark.parametrize("who_first", ["login", "joining"])
def test_x15_first_login_of_an_unfinished_sign_up_meets_a_joining(
    app: Flask, portal: Portal, mailbox: Mailbox, an_account: AnAccount, a_contract: AContract, who_first: str
) -> None:
    tenant, other = an_account(), a_contract()
    sign_up(portal, other, email=OTHERS, password=THEIRS)
    forms = (
        fill_login(portal.get(mailbox.read(to=OTHERS).link), other.reference, THEIRS),
        fill_join(tenant.browser, other),
    )
    race(app, *in_order(clicks(*forms), who_first, "login"), at=r"^UPDATE portal_(accounts|contracts)")
    winner = holders(app)[other.reference]
    assert winner == (OTHERS if who_first == "login" else OWN)
    assert portal.get("/espace").path == ("/espace" if who_first == "login" else "/connexion")
    mailbox.read_all()


@on_postgresql
@pytest.mark.parametrize("who_first", ["closing", "handover"])
def test_x15_owner_who_closes_his_account_meets_his_link(
    app: Flask, portal: Portal, mailbox: Mailbox, an_account: AnAccount, who_first: str
) -> None:
    tenant, other = an_account(), owner(an_account)
    handing = fill_hand_over(portal, asked(tenant, other.lease, mailbox))
    closing = other.browser.get("/espace/compte/fermeture").form("Je ferme mon compte")
    closing.fill("Mon mot de passe", THEIRS)
    race(app, *in_order(clicks(closing, handing), who_first, "closing"), at=r"^UPDATE portal_(accounts|contracts)")
    assert holders(app)[other.lease.reference] == (OTHERS if who_first == "closing" else OWN)
    assert other.browser.get("/espace").path == "/connexion"
    path = log_in(portal, other.lease.reference, THEIRS).path
    assert path == ("/reouverture" if who_first == "closing" else "/connexion")
    mailbox.read_all()


@on_postgresql
@pytest.mark.parametrize("who_first", ["closing", "handover"])
def test_x15_asking_account_that_closes_meets_the_owners_link(
    app: Flask, portal: Portal, mailbox: Mailbox, an_account: AnAccount, who_first: str
) -> None:
    tenant, other = an_account(), owner(an_account)
    handing = fill_hand_over(portal, asked(tenant, other.lease, mailbox))
    closing = tenant.browser.get("/espace/compte/fermeture").form("Je ferme mon compte")
    closing.fill("Mon mot de passe", tenant.password)
    race(app, *in_order(clicks(closing, handing), who_first, "closing"), at=r"^UPDATE portal_(accounts|contracts)")
    assert holders(app)[other.lease.reference] == (OTHERS if who_first == "closing" else OWN)
    mailbox.read_all()


@on_postgresql
@pytest.mark.parametrize("who_first", ["purge", "handover"])
def test_x15_purge_of_a_closed_account_meets_its_link(
    app: Flask, portal: Portal, mailbox: Mailbox, an_account: AnAccount, clock: Any, who_first: str
) -> None:
    tenant, other = an_account(), owner(an_account)
    close_account(other.browser, THEIRS)
    mailbox.read(to=OTHERS)
    clock.move(days=13, hours=23)
    tenant.log_in(tenant.browser)
    handing = fill_hand_over(portal, asked(tenant, other.lease, mailbox))
    clock.move(hours=2 if who_first == "purge" else 0)
    acts = [lambda: must_run(app, "purge"), *clicks(handing)]
    if who_first == "purge":
        acts[1]()  # past its fourteen days an account hands nothing over
        acts[0]()
    else:
        race(app, acts[1], acts[0], at=r"^UPDATE portal_(accounts|contracts)")
    assert holders(app)[other.lease.reference] == ("" if who_first == "purge" else OWN)
    with app.app_context():
        lost = select(func.count()).select_from(Contract).where(Contract.account_id.not_in(select(Account.id)))
        assert db.session.scalar(lost) == 0
    mailbox.read_all()


@on_postgresql
@pytest.mark.parametrize("who_first", ["purge", "joining"])
def test_x15_purge_of_an_unfinished_sign_up_meets_a_joining(
    app: Flask,
    portal: Portal,
    mailbox: Mailbox,
    an_account: AnAccount,
    a_contract: AContract,
    clock: Any,
    who_first: str,
) -> None:
    other = a_contract()
    sign_up(portal, other, email=OTHERS, password=THEIRS)
    mailbox.read(to=OTHERS)
    clock.move(days=31)
    tenant = an_account()
    acts = [lambda: must_run(app, "purge"), *clicks(fill_join(tenant.browser, other))]
    race(
        app,
        *in_order(acts, who_first, "purge"),
        at=r"^(UPDATE portal_contracts|DELETE FROM portal_accounts|UPDATE portal_accounts)",
    )
    mailbox.read_all()
    must_run(app, "purge")
    assert holders(app)[other.reference] == OWN


@on_postgresql
def test_x15_two_links_of_one_contract_used_at_once_move_it_once(
    app: Flask, portal: Portal, mailbox: Mailbox, an_account: AnAccount
) -> None:
    other = owner(an_account)
    tenants = [an_account(email=f"t{n}@free.fr") for n in range(2)]
    links = [asked(tenant, other.lease, mailbox) for tenant in tenants]
    forms = [fill_hand_over(portal.another_browser(), link) for link in links]
    race(app, *clicks(*forms), at=r"^UPDATE portal_(accounts|contracts)")
    assert holders(app)[other.lease.reference] == "t0@free.fr" and count(app, "contract_handed_over") == 1
    mailbox.read_all()


@on_postgresql
def test_x15_two_accounts_that_ask_each_other_never_deadlock_and_keep_both_contracts(
    app: Flask, portal: Portal, mailbox: Mailbox, an_account: AnAccount
) -> None:
    one, two = an_account(email=OWN, password=THEIRS), an_account(email=OTHERS, password=THEIRS)
    links = []
    for asking, asked_ in ((one, two), (two, one)):
        join(asking.browser, asked_.lease, password=THEIRS)
        links.append(mailbox.read(to=asked_.email).link)
    forms = [fill_hand_over(portal.another_browser(), link) for link in links]
    race(app, *clicks(*forms), at=r"^UPDATE portal_(accounts|contracts)")
    assert len(set(holders(app).values())) == 1, "both in one account, the other is closed"
    mailbox.read_all()


@on_postgresql
def test_x15_page_of_an_account_that_loses_its_only_contract_meanwhile_is_no_fault(
    app: Flask, portal: Portal, mailbox: Mailbox, an_account: AnAccount
) -> None:
    """Its password was being hashed when the contract left."""
    tenant, other = an_account(), owner(an_account)
    link = asked(tenant, other.lease, mailbox)
    form = other.browser.get("/espace/compte/adresse").form("Recevoir le lien")
    form.fill("Ma nouvelle adresse mail", "paul@sfr.fr").fill("Mon mot de passe", THEIRS)
    race(
        app,
        lambda: form.click(status=ANY_STATUS),
        lambda: hand_over(portal, link, THEIRS, status=ANY_STATUS),
        at=r"FOR NO KEY UPDATE",
    )
    assert holders(app)[other.lease.reference] in {OWN, OTHERS}
    mailbox.read_all()


@on_postgresql
@pytest.mark.parametrize(
    "path", ["/espace/choix", "/espace/compte", "/espace/compte/mot-de-passe", "/espace/connexions"]
)
def test_x15_page_that_is_opened_while_the_only_contract_leaves_leads_to_the_login(
    app: Flask, portal: Portal, mailbox: Mailbox, an_account: AnAccount, path: str
) -> None:
    """The session was read before, the account after."""
    tenant, other = an_account(), owner(an_account)
    form, done = fill_hand_over(portal, asked(tenant, other.lease, mailbox)), list[Any]()

    def move(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "portal_contracts" in statement and not done:
            done.append(True)
            with ThreadPoolExecutor(1) as other_thread:
                other_thread.submit(form.click).result()

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", move)
    try:
        page = other.browser.get(path)
    finally:
        event.remove(engine, "before_cursor_execute", move)
    assert done and page.path == "/connexion" and holders(app)[other.lease.reference] == OWN
    mailbox.read_all()


@on_postgresql
@pytest.mark.parametrize("who_first", ["handover", "release"])
def test_x15_contract_that_is_released_while_its_owner_hands_it_over_ends_in_no_account(
    app: Flask, portal: Portal, mailbox: Mailbox, an_account: AnAccount, who_first: str
) -> None:
    tenant, other = an_account(), owner(an_account)
    form = fill_hand_over(portal, asked(tenant, other.lease, mailbox))
    acts = [*clicks(form), lambda: run(app, "contracts", "release", other.lease.reference)]
    race(app, *in_order(acts, who_first, "handover"), at=r"^UPDATE portal_(accounts|contracts)")
    assert holders(app)[other.lease.reference] == "" and count(app, "contract_released") == 1
    assert count(app, "contract_handed_over") == (who_first == "handover"), "a dead link hands nothing over"
    mailbox.read_all()
