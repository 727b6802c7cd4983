"""F13: several at once; the database decides, and nobody loses anything."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from tenant_portal.db import db
from tenant_portal.models import Account, Contract, Event, RateLimitCounter

from ..support.portal_client import ANY_STATUS
from ..support.steps import fill_login, fill_new_password, fill_sign_up, finish, forget, log_in, sign_up

pytestmark = [pytest.mark.security, pytest.mark.databases("sqlite", "postgresql")]


def at_once(forms):
    """Send all forms at once."""
    forms = list(forms)
    with ThreadPoolExecutor(20) as pool:
        return list(pool.map(lambda form: form.click(status=ANY_STATUS), forms))


@pytest.mark.every_home
def test_f13_twenty_claims_of_one_contract_at_once_make_one_account(app, portal, mailbox, a_contract):
    contract = a_contract()
    pages = at_once(
        fill_sign_up(portal.another_browser(), contract, email=f"tenant{n}@free.fr", password=f"un secret long {n}")
        for n in range(20)
    )
    assert {page.status for page in pages} <= {200, 429}, (
        "six sign-ups an hour for one contract, the rest are asked to wait"
    )
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Account)) == 1
        winner = db.session.scalars(select(Contract)).one().account.email
    mails = {mail.to: mail for mail in mailbox.read_all()}
    number = winner.removeprefix("tenant").split("@")[0]
    page = finish(portal.another_browser(), mails[winner].link, contract.reference, f"un secret long {number}")
    assert page.path == "/espace"
    mailbox.read(to=winner)
    for address, mail in mails.items():
        if address != winner:
            portal.another_browser().get(mail.link, status=410)


def test_t38_one_sign_up_sent_eight_times_at_once_is_taken_once(portal, mailbox, a_contract):
    contract = a_contract()
    pages = at_once([fill_sign_up(portal, contract)] * 8)
    assert {page.status for page in pages} == {200}
    (mail,) = mailbox.read_all()
    assert finish(portal.another_browser(), mail.link, contract.reference).path == "/espace"
    mailbox.read()


def test_f13_fifty_wrong_passwords_at_once_are_counted_one_by_one(app, portal, mailbox, an_account):
    account = an_account()
    pages = at_once(
        fill_login(portal.another_browser().get("/connexion"), account.lease.reference, "devinette de voleur")
        for _ in range(50)
    )
    assert {page.status for page in pages} <= {200, 429}
    with app.app_context():
        counted = db.session.scalar(select(RateLimitCounter.count).where(RateLimitCounter.key.like("login:account:%")))
        noted = db.session.scalar(select(func.count()).select_from(Event).where(Event.name == "login_refused"))
    assert 5 <= counted <= 50, "each that was computed is counted, the others waited"
    assert noted == 1, "and a refusal is written down once an hour"
    mailbox.read()
    log_in(portal, account.lease.reference, account.password, status=429)


def test_f13_one_activation_link_used_at_once_finishes_one_account(portal, mailbox, a_contract):
    contract = a_contract()
    sign_up(portal, contract)
    link = mailbox.read().link
    pages = at_once(fill_login(portal.another_browser().get(link), contract.reference) for _ in range(4))
    assert sorted(page.status for page in pages)[0] == 200
    assert {page.status for page in pages} <= {200, 410}
    mailbox.read()
    assert mailbox.read_all() == [], "one welcome mail"


def test_f13_one_reset_link_used_at_once_is_used_once(portal, mailbox, an_account):
    account = an_account()
    forget(portal, account.lease.reference)
    link = mailbox.read().link
    passwords = [f"un nouveau secret {number}" for number in range(4)]
    pages = at_once(fill_new_password(portal.another_browser().get(link), password) for password in passwords)
    assert sorted(page.status for page in pages) == [200, 410, 410, 410]
    mailbox.read()
    led_to = [log_in(portal.another_browser(), account.lease.reference, password).path for password in passwords]
    assert led_to.count("/espace") == 1


def test_t38_what_is_written_eight_times_at_once_stands_once(portal, mailbox, an_account):
    browser = an_account().browser
    form = browser.get("/espace/messages/nouveau").form("J'envoie mon message")
    form.choose("De quoi s'agit-il", "Autre chose").fill("Votre message", "La porte ferme mal.")
    (path,) = {page.path for page in at_once([form] * 8)}
    form = browser.get(path).form("J'envoie mon message").fill("Votre message", "Elle ferme encore mal.")
    at_once([form] * 8)
    assert browser.get(path).text.count("ferme encore mal") == 1
    assert len(mailbox.read_all()) == 4, "two receipts, two letters to the landlord"


def test_t37_text_that_is_kept_eight_times_at_once_is_kept(portal, an_account, clock):
    tenant = an_account()
    form = tenant.browser.get("/espace/messages/nouveau").form("J'envoie mon message")
    form.choose("De quoi s'agit-il", "Autre chose").fill("Votre message", "La porte ferme mal.")
    clock.move(minutes=31)
    assert {page.status for page in at_once([form] * 8)} == {200}
    log_in(tenant.browser, tenant.lease.reference)
    assert (
        tenant.browser.get("/espace/messages/nouveau").form("J'envoie").value("Votre message") == "La porte ferme mal."
    )
