"""X07, X10, X11, X19, X20: a flood delays, shuts out and fills up nobody else."""

import itertools

import pytest
from sqlalchemy import func, select

from tenant_portal.accounts.limited_acts import ACTS, Per
from tenant_portal.db import db
from tenant_portal.mail import outbox
from tenant_portal.messages.models import Message
from tenant_portal.models import Event, Mail, MailState, RateLimitCounter
from tests.support.portal_client import ANY_STATUS
from tests.support.steps import EMAIL, Lease, forget, log_in, sign_up, write_at_home, write_message

pytestmark = pytest.mark.security

RESETS = ACTS["reset"].limits
_ORIGINS = itertools.count(1)


def elsewhere(portal):
    """Return a browser at an origin of its own."""
    browser = portal.another_browser()
    browser.http.environ_base["REMOTE_ADDR"] = f"203.0.113.{next(_ORIGINS)}"
    return browser


def rows(app, table, *conditions):
    """Count rows."""
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(table).where(*conditions))


def recipients_in_turn(app):
    """Return the recipients in the order in which mails leave."""
    sent = []
    with app.app_context():
        while batch := outbox._claim(after=None):
            sent += [row.recipient for row in batch if row.state is MailState.WAITING]
    return sent


def test_x07_one_stranger_who_asks_for_every_reset_causes_few_mails_and_delays_nobody(
    app, portal, mailbox, an_account, a_contract
):
    victims = [an_account(email=f"locataire{number}@free.fr") for number in range(RESETS[Per.ORIGIN].uses + 4)]
    stranger, tenant, lease = elsewhere(portal), elsewhere(portal), a_contract()
    pages = {forget(stranger, victim.lease.reference).text for victim in victims}
    assert len(pages) == 1, "and the page is the same for each"
    assert rows(app, Mail, Mail.kind == "reset") == RESETS[Per.ORIGIN].uses
    sign_up(tenant, lease, email="pressee@free.fr")
    assert "pressee@free.fr" in recipients_in_turn(app)[:2], "the mail that is waited for leaves before the flood"


def test_x07_flooded_tenant_gets_his_own_link_all_the_same(portal, mailbox, an_account):
    tenants = [an_account(email=f"locataire{number}@free.fr") for number in range(RESETS[Per.ORIGIN].uses + 1)]
    stranger = elsewhere(portal)
    for tenant in tenants:
        forget(stranger, tenant.lease.reference)
    mailbox.read_all()
    known, last = tenants[-1].browser, tenants[-1]
    known.http.environ_base["REMOTE_ADDR"] = stranger.http.environ_base["REMOTE_ADDR"]
    forget(known, last.lease.reference)
    assert mailbox.read(to=last.email).link, "his device is known, so his neighbour's flood does not count"
    forget(elsewhere(portal), tenants[-2].lease.reference)
    mailbox.read_all()


def test_x07_news_leave_after_what_somebody_waits_for(app, portal, mailbox, an_account, a_contract):
    tenant, lease = an_account(), a_contract()
    for number in range(4):
        write_message(elsewhere(portal), body=f"message {number}", email=f"autre{number}@free.fr")
    sign_up(portal, lease, email="pressee@free.fr")
    forget(elsewhere(portal), tenant.lease.reference)
    assert sorted(recipients_in_turn(app)[:2]) == [tenant.email, "pressee@free.fr"]


def test_x10_three_clicks_send_one_mail_and_count_once(portal, mailbox, an_account, clock):
    tenant = an_account()
    for _ in range(3):
        forget(portal, tenant.lease.reference)
    mailbox.read()
    for _ in range(2):
        clock.move(minutes=3)
        forget(portal, tenant.lease.reference)
        mailbox.read()
    clock.move(minutes=3)
    forget(portal, tenant.lease.reference)
    assert mailbox.read_all() == [], "three an hour"


def test_x10_reference_with_zeros_before_it_counts_for_the_same_account(portal, mailbox, an_account, clock):
    tenant = an_account()
    for zeros in ("", "0", "00", "000"):
        forget(elsewhere(portal), zeros + tenant.lease.reference)
        clock.move(minutes=3)
    assert len(mailbox.read_all()) == 3


def test_x10_unknown_references_are_counted_alike(app, portal, clock):
    for zeros in ("", "", "0"):
        forget(portal, f"{zeros}31415926")
    assert rows(app, Mail) == 1, "for nobody, and once within two minutes"


def test_x11_origin_without_messages_left_shuts_out_no_address(portal, mailbox, app):
    stranger = elsewhere(portal)
    for turn in range(ACTS["message"].limits[Per.ORIGIN].uses):
        write_message(stranger, body=f"message {turn}", email=f"autre{turn}@free.fr")
    for turn in range(10):
        write_message(stranger, body=f"de trop {turn}", email=EMAIL, status=429)
    mailbox.read_all()
    assert write_message(elsewhere(portal), email=EMAIL).path == "/message/envoye"
    assert mailbox.read(to=EMAIL)
    mailbox.read_all()


def test_x11_flooded_address_gets_no_more_receipts_but_its_message_is_taken(portal, mailbox, app):
    receipts = ACTS["message"].limits[Per.RECIPIENT].uses
    for turn in range(receipts):
        write_message(elsewhere(portal), body=f"message {turn}", email=EMAIL)
    mailbox.read_all()
    page = write_message(elsewhere(portal), body="le vrai", email=EMAIL)
    assert page.path == "/message/envoye" and not page.says("accusé de réception") and page.says("Notez ce numéro")
    assert [mail.to for mail in mailbox.read_all()] == ["contact@habitat-du-val.example"]
    assert rows(app, Message) == receipts + 1


def test_x11_tenant_at_home_is_counted_by_his_account(portal, mailbox, an_account):
    tenant, stranger = an_account(), elsewhere(portal)
    for turn in range(ACTS["message"].limits[Per.ORIGIN].uses + 1):
        write_message(stranger, body=f"message {turn}", email=f"autre{turn}@free.fr", status=ANY_STATUS)
    tenant.browser.http.environ_base["REMOTE_ADDR"] = stranger.http.environ_base["REMOTE_ADDR"]
    page = write_at_home(tenant.browser, topic="Autre chose", body="de la même adresse")
    assert page.says("Votre message est parti")
    mailbox.read_all()


def test_x19_nobody_learns_by_asking_which_references_exist(portal, mailbox, roster, an_account, a_contract):
    tenant, lease = an_account(), a_contract()
    waiting = "Mon bail est récent : prévenez-moi"
    for reference in (tenant.lease.reference, lease.reference, "765432"):
        form = portal.get("/message?sujet=attente").form("J'envoie mon message")
        assert form.value("Quel est votre problème").startswith(waiting)
        form.fill("Votre référence contrat", reference).fill("Votre adresse mail", "victime@free.fr").click()
    mailbox.read_all()
    roster.add()
    assert mailbox.read_all() == [], "contracts that stood there before are none of his business"
    roster.add(reference="765432")
    (mail,) = mailbox.read_all()
    assert mail.to == "victime@free.fr" and mail.link.endswith("/inscription")
    roster.add()
    assert mailbox.read_all() == [], "told once"


@pytest.mark.parametrize("act", ["login", "pair", "form", "reset", "message"])
def test_x20_refusals_fill_no_journal(app, portal, mailbox, a_contract, an_account, act):
    lease, stranger = a_contract(), elsewhere(portal)
    acts = {
        "login": lambda: log_in(stranger, lease.reference, "devinette de voleur", status=ANY_STATUS),
        "pair": lambda: sign_up(stranger, Lease(lease.reference, "1"), status=ANY_STATUS),
        "form": lambda: sign_up(stranger, Lease(lease.reference, "1"), confirmation="une autre", status=ANY_STATUS),
        "reset": lambda: forget(stranger, lease.reference),
        "message": lambda: write_message(stranger, body="encore", email="pas une adresse", status=ANY_STATUS),
    }
    for _ in range(40):
        acts[act]()
    assert rows(app, Event) <= 2, "one for the refusal, one for the wait"
    assert rows(app, RateLimitCounter) <= 3 and rows(app, Mail) <= 2


def test_x20_journal_of_all_is_bounded_by_the_hour(app, portal, monkeypatch, clock):
    quotas = {**ACTS["refusal"].limits, Per.EVERYBODY: ACTS["refusal"].limits[Per.EVERYBODY]._replace(uses=5)}
    monkeypatch.setitem(ACTS, "refusal", ACTS["refusal"]._replace(limits=quotas))
    for number in range(9):
        log_in(elsewhere(portal), f"9000{number}", "devinette de voleur", status=ANY_STATUS)
    assert rows(app, Event) == 5
    clock.move(hours=1, minutes=1)
    log_in(elsewhere(portal), "90010", "devinette de voleur", status=ANY_STATUS)
    assert rows(app, Event) == 6
