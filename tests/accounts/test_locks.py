"""X15: two decide about one account at once; the second decides on what stands then."""

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from tenant_portal.db import db
from tenant_portal.models import Account, Consent, Contract, Login
from tests.support.people import Tenant, choose_password, must_run
from tests.support.portal_client import ANY_STATUS, Portal
from tests.support.steps import (
    NEW_PASSWORD,
    PASSWORD,
    fill_login,
    fill_new_password,
    fill_not_me,
    fill_sign_up,
    finish,
    forget,
    sign_up,
)

from .test_take_over import OWNERS, THIEFS, stolen

pytestmark = [pytest.mark.security, pytest.mark.databases("postgresql")]  # where two can write at once

#: By then the second has finished, or waits for a lock.
HELD_SECONDS = 1.0
WRITES_ACCOUNT = r"^(UPDATE|DELETE FROM) portal_accounts\b"


@contextmanager
def held_at(app: Flask, pattern: str) -> Iterator[tuple[threading.Event, threading.Event, list[int]]]:
    """Hold the named thread at its first such statement; gives when it stands there, and releases it."""
    stands, go, whom = threading.Event(), threading.Event(), list[int]()

    def hold(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if threading.get_ident() in whom and re.search(pattern, statement) and not stands.is_set():
            stands.set()
            assert go.wait(30)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", hold)
    try:
        yield stands, go, whom
    finally:
        event.remove(engine, "before_cursor_execute", hold)


def race(app: Flask, first: Callable[[], Any], second: Callable[[], Any], *, at: str = WRITES_ACCOUNT) -> None:
    """Hold the first before it writes, let the second go as far as it can, then both."""
    with held_at(app, at) as (stands, go, whom), ThreadPoolExecutor(2) as pool:

        def held() -> Any:
            whom.append(threading.get_ident())
            return first()

        one: Future[Any] = pool.submit(held)
        assert stands.wait(30) or one.done(), "the first one never came to write"
        assert not one.done(), one.result()
        other = pool.submit(second)
        threading.Event().wait(HELD_SECONDS)
        go.set()
        for answer in (one.result(60), other.result(60)):  # a page, or what a command said
            assert getattr(answer, "status", 200) in {200, 410}, f"{answer!r}: they waited for each other"


def account(app: Flask) -> Account:
    """Return the only account."""
    with app.app_context():
        found = db.session.scalars(select(Account).join(Contract)).one()
        db.session.expunge_all()
        return found


def pending(portal: Portal, mailbox: Any, lease: Any) -> str:
    """Sign up; return the mailed link."""
    sign_up(portal, lease, email=OWNERS)
    return str(mailbox.read(to=OWNERS).link)


@pytest.mark.parametrize("who_first", ["sign-up", "login"])
def test_x15_sign_up_meets_the_first_login(app, portal, mailbox, a_contract, who_first):
    lease = a_contract()
    link = pending(portal, mailbox, lease)
    stranger = portal.another_browser()
    form = fill_sign_up(stranger, lease, email=THIEFS, password=NEW_PASSWORD)
    sign_up_again = lambda: form.click("Je valide la création de mon compte", status=ANY_STATUS)  # noqa: E731 (two acts)
    login = lambda: finish(portal, link, lease.reference, PASSWORD, status=ANY_STATUS)  # noqa: E731 (two acts)
    acts = (sign_up_again, login) if who_first == "sign-up" else (login, sign_up_again)
    race(app, *acts)
    mailbox.read_all()
    found = account(app)
    if found.completed_at is not None:
        assert found.email == OWNERS, "a finished account is never overwritten"
        assert portal.get("/espace").path == "/espace"
    else:
        assert found.email == THIEFS and found.activated_at is None, "a newer sign-up waits for its own mail"
        assert portal.get("/espace").path == "/connexion"


@pytest.mark.parametrize("who_first", ["sign-up", "elsewhere"])
def test_x15_activate_elsewhere_meets_a_newer_sign_up(app, portal, mailbox, a_contract, who_first):
    lease = a_contract()
    link = pending(portal, mailbox, lease)
    phone, stranger = portal.another_browser(), portal.another_browser()
    phone.get(link)
    form = fill_sign_up(stranger, lease, email=THIEFS, password=NEW_PASSWORD)
    acts = [
        lambda: form.click("Je valide la création de mon compte", status=ANY_STATUS),
        lambda: phone.click("Activer mon compte, je m'identifierai ailleurs", status=ANY_STATUS),
    ]
    race(app, *(acts if who_first == "sign-up" else reversed(acts)))
    mailbox.read_all()
    found = account(app)
    assert found.email == THIEFS and found.activated_at is None, "the link of the former sign-up activates no other"


@pytest.mark.parametrize("who_first", ["purge", "login"])
def test_x15_purge_of_unfinished_sign_ups_meets_the_first_login(app, portal, mailbox, a_contract, clock, who_first):
    lease = a_contract()
    link = pending(portal, mailbox, lease)
    portal.get(link).click("Activer mon compte, je m'identifierai ailleurs")
    clock.move(days=31)
    tenant, browser = Tenant(lease, OWNERS, PASSWORD, portal), portal.another_browser()
    acts = [
        lambda: must_run(app, "purge"),
        lambda: tenant.log_in(browser, status=ANY_STATUS),
    ]
    race(
        app, *(acts if who_first == "purge" else reversed(acts)), at=r"^(UPDATE|DELETE FROM) portal_(accounts|consents)"
    )
    mailbox.read_all()
    with app.app_context():
        finished = db.session.scalar(select(func.count()).select_from(Account))
        assert db.session.scalar(select(func.count()).select_from(Consent)) == 3 * finished, "all of it or nothing"
        assert db.session.scalar(select(func.count()).select_from(Login)) == finished
    assert browser.get("/espace").path == ("/espace" if finished else "/connexion")


@pytest.mark.parametrize("who_first", ["purge", "login"])
def test_x15_closing_of_idle_accounts_meets_a_login(app, portal, mailbox, an_account, clock, who_first):
    tenant = an_account()
    clock.move(days=731)
    browser = portal.another_browser()
    acts = [
        lambda: must_run(app, "purge"),
        lambda: tenant.log_in(browser, status=ANY_STATUS),
    ]
    race(
        app,
        *(acts if who_first == "purge" else reversed(acts)),
        at=r"^(UPDATE portal_accounts|INSERT INTO portal_logins)",
    )
    mailbox.read_all()
    is_closed = account(app).closed_at is not None
    assert browser.get("/espace").path == ("/connexion" if is_closed else "/espace")
    assert is_closed is (who_first == "purge"), "whoever comes back in time keeps his account"


@pytest.mark.parametrize("who_first", ["owner", "thief"])
@pytest.mark.parametrize("act", ["password", "closing", "reset", "address"])
def test_x15_not_me_meets_what_a_thief_does(app, portal, mailbox, an_account, act, who_first):
    tenant = an_account(email=OWNERS)
    thief = stolen(tenant, mailbox)
    link = next(mail.link_not_me for mail in mailbox._read[::-1] if mail.to == OWNERS)
    owner = portal.another_browser()
    second_question = fill_not_me(owner.get(link))
    forms = {
        "password": ("/espace/compte/mot-de-passe", "Enregistrer"),
        "closing": ("/espace/compte/fermeture", "Je ferme mon compte"),
        "address": ("/espace/compte/adresse", "Recevoir le lien"),
    }
    if act == "reset":
        forget(thief.another_browser(), tenant.lease.reference)
        form = fill_new_password(thief.another_browser().get(mailbox.read(to=THIEFS).link), NEW_PASSWORD)
    else:
        form = thief.get(forms[act][0]).form(forms[act][1])
        form.fill({"password": "Mon mot de passe actuel"}.get(act, "Mon mot de passe"), tenant.password)
        if act == "password":
            form.fill("Mon nouveau mot de passe", NEW_PASSWORD).fill(
                "Confirmez votre nouveau mot de passe", NEW_PASSWORD
            )
        elif act == "address":
            form.fill("Ma nouvelle adresse mail", "autre.voleur@orange.fr")
    acts = [
        lambda: second_question.click(status=ANY_STATUS),
        lambda: form.click(status=ANY_STATUS),
    ]
    at = r"^(UPDATE portal_accounts|INSERT INTO portal_email_changes)"
    race(app, *(acts if who_first == "owner" else reversed(acts)), at=at)
    mails = mailbox.read_all()
    assert account(app).email == OWNERS
    for password in (tenant.password, NEW_PASSWORD):
        browser = thief.another_browser()
        Tenant(tenant.lease, THIEFS, password, browser).log_in(browser, status=ANY_STATUS)
        assert browser.get("/espace").path == "/connexion"
    assert thief.get("/espace").path == "/connexion"
    for link in (link for mail in mails if mail.to != OWNERS for link in mail.links if "/adresse/" in link):
        assert thief.another_browser().get(link, status=ANY_STATUS).status == 410
    secret = "le secret de la vraie locataire"
    assert choose_password(owner, mailbox, tenant.lease, email=OWNERS, password=secret).path == "/connexion"


def test_x15_login_and_sign_up_that_want_each_others_rows_never_deadlock(app, portal, mailbox, a_contract):
    lease = a_contract()
    link = pending(portal, mailbox, lease)
    forms = []
    for number in range(12):
        browser = portal.another_browser()
        if number % 2:
            forms.append(fill_login(browser.get(link), lease.reference, "devinette de voleur"))
        else:
            forms.append(fill_sign_up(browser, lease, email=f"t{number}@free.fr", password=NEW_PASSWORD))
    with ThreadPoolExecutor(12) as pool:
        pages = list(pool.map(lambda form: form.click(status=ANY_STATUS), forms))
    assert {page.status for page in pages} <= {200, 410, 429}, [page.status for page in pages]
    mailbox.read_all()
