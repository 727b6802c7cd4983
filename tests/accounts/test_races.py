"""Several at once: the database decides, and nobody loses anything (F13)."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from tenant_portal.db import db
from tenant_portal.models import Account, Contract, Event, RateLimitCounter

from ..support.journey_steps import fill_sign_up, finish, log_in

pytestmark = pytest.mark.every_home


def test_twenty_tenants_claim_one_contract_at_once_and_one_account_stands(app, portal, mailbox, a_contract):
    contract = a_contract()
    forms = []
    for number in range(20):
        browser = portal.another_browser()
        forms.append(
            fill_sign_up(
                browser,
                contract.reference,
                contract.module,
                email=f"tenant{number}@free.fr",
                password=f"un secret long {number}",
            )
        )
    with ThreadPoolExecutor(20) as pool:
        pages = list(pool.map(lambda form: form.click("Je valide la création de mon compte", status=0), forms))
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
    form = fill_sign_up(portal, contract.reference, contract.module)
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda _: form.click("Je valide la création de mon compte", status=0), range(8)))
    assert {page.status for page in pages} == {200}
    (mail,) = mailbox.read_all()
    assert finish(portal.another_browser(), mail.link, contract.reference).path == "/espace"
    mailbox.read()


def test_fifty_wrong_passwords_at_once_are_counted_one_by_one(app, portal, mailbox, an_account):
    account = an_account()
    forms = []
    for _ in range(50):
        page = portal.another_browser().get("/connexion")
        form = page.form("Je me connecte").fill("Ma référence contrat", account.lease.reference)
        forms.append(form.fill("Mon mot de passe", "devinette de voleur"))
    with ThreadPoolExecutor(16) as pool:
        pages = list(pool.map(lambda form: form.click("Je me connecte", status=0), forms))
    assert {page.status for page in pages} <= {200, 429}
    with app.app_context():
        counted = db.session.scalar(select(RateLimitCounter.count).where(RateLimitCounter.key.like("login:account:%")))
        noted = db.session.scalar(select(func.count()).select_from(Event).where(Event.name == "login_refused"))
    assert 5 <= counted <= 50, "each that was computed is counted, the others waited"
    assert noted == 1, "and a refusal is written down once an hour"
    mailbox.read()
    log_in(portal, account.lease.reference, account.password, status=429)


def test_one_activation_link_used_twice_at_once_finishes_one_account(portal, mailbox, a_contract):
    contract = a_contract()
    fill_sign_up(portal, contract.reference, contract.module).click("Je valide la création de mon compte")
    link = mailbox.read().link
    forms = []
    for _ in range(4):
        form = portal.another_browser().get(link).form("Je me connecte")
        form.fill("Ma référence contrat", contract.reference)
        forms.append(form.fill("Mon mot de passe", "quatre chats dorment dehors"))
    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(lambda form: form.click("Je me connecte", status=0), forms))
    assert sorted(page.status for page in pages)[0] == 200
    assert {page.status for page in pages} <= {200, 410}
    mailbox.read()
    assert mailbox.read_all() == [], "one welcome mail"


def test_one_reset_link_used_twice_at_once_is_used_once(portal, mailbox, an_account):
    account = an_account()
    portal.get("/mot-de-passe-oublie").form("mot de passe").fill(
        "Ma référence contrat", account.lease.reference
    ).click()
    link = mailbox.read().link
    forms = []
    for number in range(4):
        form = portal.another_browser().get(link).form("mot de passe")
        form.fill("Créez un mot de passe", f"un nouveau secret {number}")
        forms.append(form.fill("Confirmez votre mot de passe", f"un nouveau secret {number}"))
    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(lambda form: form.click(status=0), forms))
    assert sorted(page.status for page in pages) == [200, 410, 410, 410]
    mailbox.read()
    passwords = [
        log_in(portal.another_browser(), account.lease.reference, f"un nouveau secret {n}").path for n in range(4)
    ]
    assert passwords.count("/espace") == 1
