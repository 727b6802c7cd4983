"""What mail servers, relays and mailboxes really do, each the first of its kind."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tenant_portal import create_app
from tenant_portal.db import db
from tenant_portal.models import Account, Mail, MailState

from ..conftest import SETTINGS, Clock, MakeApp
from ..support.page_text import plain
from ..support.paths import DATA
from ..support.people import Tenant, must_run, run
from ..support.portal_client import Portal
from ..support.post import Mailbox, PostOffice
from ..support.services import free_port
from ..support.steps import NEW_PASSWORD, Lease, finish, forget, log_in, reset_password, sign_up, write_message

CASES = DATA / "cases"
ANSWERS = dict(line.split(maxsplit=3)[::3] for line in (CASES / "R01_smtp_answers.txt").read_text().splitlines())
#: The Message-IDs of the cases' mails.
THEIRS = re.compile(r"<b\d\d@bailleur\.example>")


def report(name: str, sent: Any) -> bytes:
    """Return the report of a case, about that mail of ours."""
    return THEIRS.sub(sent.message["Message-ID"], (CASES / name).read_text()).encode()


def is_blamed(app: Flask, address: str) -> bool:
    with app.app_context():
        return db.session.scalars(select(Account).where(Account.email == address)).one().email_failed_at is not None


def state_of(app: Flask, sent: Any) -> tuple[MailState, str]:
    with app.app_context():
        row = db.session.scalars(select(Mail).where(Mail.message_id == sent.message["Message-ID"])).one()
        return row.state, row.error


@pytest.fixture
def asked(portal: Portal, mailbox: Mailbox, an_account: Callable[..., Tenant]) -> tuple[Tenant, Any]:
    """Return a tenant who has asked for a new password, and the mail that left."""
    tenant = an_account(email="lea@free.fr")
    forget(portal, tenant.lease.reference)
    return tenant, mailbox.read(to="lea@free.fr")


def carry(app: Flask, clock: Clock, minutes: int, *, every: int = 1) -> None:
    """Let the portal carry its mails for so long, as the service does."""
    for _ in range(0, minutes, every):
        run(app, "mail", "send")
        clock.move(minutes=every)


@pytest.mark.parametrize(("away", "after"), [(7, 10), (30, 5), (50, 15), (5 * 60, 5 * 60), (2 * 24 * 60, 12 * 60)])
def test_late_mail_arrives_soon_after_the_server_is_back_with_a_link_that_lives(
    portal: Portal,
    app: Flask,
    mailbox: Mailbox,
    post_office: PostOffice,
    an_account: Callable[..., Tenant],
    clock: Clock,
    away: int,
    after: int,
) -> None:
    tenant = an_account()
    post_office.answers["*"] = "451 4.3.0 try again later"
    forget(portal, tenant.lease.reference)
    carry(app, clock, away, every=max(1, away // 60))
    post_office.answers.clear()
    known = len(post_office.mails)
    for _ in range(after):
        if len(post_office.mails) == known:
            carry(app, clock, 1)
    mail = mailbox.read(to=tenant.email)
    assert mail.subject == "Choisissez un nouveau mot de passe"
    reset_password(Portal(app), mail.link)
    mailbox.read(to=tenant.email)
    assert log_in(Portal(app), tenant.lease.reference, NEW_PASSWORD).path == "/espace"


def test_mails_that_met_no_server_leave_once_another_got_through(
    make_app: MakeApp, post_office: PostOffice, a_contract: Callable[..., Lease], app: Flask, clock: Clock
) -> None:
    away = make_app(MAIL_PORT=free_port())
    sign_up(Portal(app), a_contract(), email="premier@free.fr")
    for minutes in (2, 6, 11, 16, 31):
        assert run(away, "mail", "send")[0] == 1
        clock.move(minutes=minutes)
    assert run(away, "mail", "send")[0] == 1
    sign_up(Portal(app), a_contract(), email="second@free.fr")
    must_run(app, "mail", "send")
    assert [mail.to for mail in post_office.mails] == ["second@free.fr"]
    must_run(app, "mail", "send")
    assert [mail.to for mail in post_office.mails] == ["second@free.fr", "premier@free.fr"]


def test_link_of_somebody_who_has_gone_on_meanwhile_is_not_made_anew(
    portal: Portal,
    app: Flask,
    mailbox: Mailbox,
    post_office: PostOffice,
    a_contract: Callable[..., Lease],
    clock: Clock,
) -> None:
    contract = a_contract()
    post_office.answers["*"] = "451 4.3.0 try again later"
    sign_up(portal, contract)
    run(app, "mail", "send")
    post_office.answers.clear()
    sign_up(portal, contract, email="autre@free.fr")
    clock.move(hours=80)
    assert finish(portal, mailbox.read(to="autre@free.fr").link, contract.reference).path == "/espace"
    mailbox.read(to="autre@free.fr")


@pytest.mark.parametrize("after_data", [False, True])
@pytest.mark.parametrize(
    "said",
    [
        *ANSWERS.values(),
        "550 5.7.1 Message rejected as spam by Content Filtering",
        "550 rejected for policy reasons",
        "550-5.7.26 This mail is unauthenticated, SPF did not pass",
        "550 Sender verify failed",
        "554 Message rejected: Email address is not verified. The following identities failed the check",
        "550 5.7.1 Service refuse. Veuillez essayer plus tard. service refused, please try later. LPN105_510",
    ],
)
def test_r01_provider_that_speaks_of_us_blames_no_address_and_the_landlord_is_told(
    app: Flask,
    mailbox: Mailbox,
    post_office: PostOffice,
    a_contract: Callable[..., Lease],
    clock: Clock,
    said: str,
    after_data: bool,
) -> None:
    (post_office.answers_to_data if after_data else post_office.answers)["*"] = f"{said[:3]} {said[4:]}"  # one line
    contracts = [a_contract() for _ in range(6)]
    for number, contract in enumerate(contracts):
        sign_up(Portal(app), contract, email=f"tenant{number}@free.fr")
    code, told = run(app, "mail", "send")
    assert code == 1 and "ne prend pas nos e-mails" in told, told
    assert "À réessayer : 3." in told and "En attente : 6." in told, "after three equal answers the round ends"
    assert not any(is_blamed(app, f"tenant{number}@free.fr") for number in range(6))
    code, told = run(app, "doctor")
    assert "E-mails qui attendent : 3." in plain(told)
    post_office.empty()
    carry(app, clock, 20)
    assert len(mailbox.read_all()) == 6


def test_mail_refused_because_of_us_for_five_days_is_given_up_and_told_and_nobody_blamed(
    portal: Portal, app: Flask, post_office: PostOffice, a_contract: Callable[..., Lease], clock: Clock
) -> None:
    post_office.answers["*"] = "550 5.7.1 blocked using zen.spamhaus.org"
    sign_up(portal, a_contract(), email="lea@free.fr")
    carry(app, clock, 6 * 24 * 60, every=60)
    assert not is_blamed(app, "lea@free.fr")
    told = plain(run(app, "doctor")[1])
    assert "liste noire" in told and "E-mails qui attendent : 0. Abandonnés ou revenus : 1." in told


@pytest.mark.parametrize("name", ["R07_postfix.eml", "R13_exim.eml", "R14_global_status.eml"])
@pytest.mark.parametrize("dress", ["as it is", "crlf", "mbox", "lower case"])
def test_report_in_any_dress_is_noted(app: Flask, asked: tuple[Tenant, Any], name: str, dress: str) -> None:
    raw = report(name, asked[1])
    raw = {
        "as it is": raw,
        "crlf": raw.replace(b"\n", b"\r\n"),
        "mbox": b"From MAILER-DAEMON Mon Nov 30 07:05:00 2026\n" + raw,
        "lower case": raw.replace(b"Message-ID", b"message-id"),
    }[dress]
    assert plain(must_run(app, "mail", "bounce", stdin=raw)).startswith("1 e-mail noté comme non remis")
    assert must_run(app, "mail", "bounce", stdin=raw) == ""
    assert state_of(app, asked[1])[0] is MailState.BOUNCED
    assert is_blamed(app, "lea@free.fr") is (name != "R07_postfix.eml"), "a time that ran out blames no mailbox"


def test_r16_report_of_a_relay_that_gives_mails_its_own_names_is_found_by_our_header(
    app: Flask, asked: tuple[Tenant, Any]
) -> None:
    mark = asked[1].message["X-Portal-Mail"]
    assert mark in asked[1].message["Message-ID"]
    raw = (CASES / "R16.eml").read_text().replace("Auto-Submitted: auto-generated", f"X-Portal-Mail: {mark}")
    must_run(app, "mail", "bounce", stdin=raw.encode())
    assert state_of(app, asked[1])[0] is MailState.BOUNCED


def test_report_that_quotes_nothing_is_found_by_the_envelope_sender(
    make_app: MakeApp, mailbox: Mailbox, app: Flask, an_account: Callable[..., Tenant]
) -> None:
    tenant = an_account(email="lea@free.fr")
    verp = make_app(PORTAL_BOUNCE_ADDRESS="retours@habitat-du-val.example")
    forget(Portal(verp), tenant.lease.reference)
    must_run(verp, "mail", "send")
    mail = mailbox.read(to="lea@free.fr")
    mark = mail.message["X-Portal-Mail"]
    assert mail.sender == f"retours+{mark}@habitat-du-val.example"
    assert "contact@habitat-du-val.example" in mail.message["From"], "what people see and answer to stays"
    raw = f"From: postmaster@free.fr\nTo: {mail.sender}\nSubject: Mail delivery failed\n\n550 5.1.1 user unknown\n"
    must_run(app, "mail", "bounce", stdin=raw.encode())
    assert state_of(app, mail)[0] is MailState.BOUNCED and is_blamed(app, "lea@free.fr")


@pytest.mark.parametrize(
    "diagnosis",
    [
        "smtp; 550 5.7.1 blocked using zen.spamhaus.org",
        "smtp; 552 5.2.2 mailbox full",
        "smtp; 550-5.4.5 Daily user sending limit exceeded",
    ],
)
def test_report_that_does_not_speak_of_the_mailbox_blames_nobody(
    app: Flask, asked: tuple[Tenant, Any], diagnosis: str
) -> None:
    raw = report("R14_global_status.eml", asked[1]).decode().replace("smtp; 550 5.1.1 user unknown", diagnosis)
    must_run(app, "mail", "bounce", stdin=raw.replace("5.0.0", diagnosis.split()[2]).encode())
    assert state_of(app, asked[1])[0] is MailState.BOUNCED and not is_blamed(app, "lea@free.fr")


@pytest.mark.parametrize("raw", ["R12_out_of_office.eml", "", "no mail at all", "Subject: Bonjour\n\nMerci !\n"])
def test_r12_pipe_of_what_is_no_report_of_ours_ends_well_and_says_nothing(
    app: Flask, asked: tuple[Tenant, Any], raw: str
) -> None:
    content = report(raw, asked[1]) if raw.endswith(".eml") else raw.encode()
    assert run(app, "mail", "bounce", stdin=content) == (0, "")
    assert state_of(app, asked[1])[0] is MailState.SENT


def test_pipe_of_a_report_that_comes_twice_ends_well_both_times(app: Flask, asked: tuple[Tenant, Any]) -> None:
    raw = report("R12_forwarded_report.eml", asked[1])
    assert [run(app, "mail", "bounce", stdin=raw)[0] for _ in range(2)] == [0, 0]


def test_pipe_is_told_to_come_again_while_the_database_is_away(asked: tuple[Tenant, Any]) -> None:
    address = f"postgresql+psycopg://portal@127.0.0.1:{free_port()}/portal"
    away = create_app({**SETTINGS, "SQLALCHEMY_DATABASE_URI": address})
    code, said = run(away, "mail", "bounce", stdin=report("R07_postfix.eml", asked[1]))
    assert code == 75 and "base de données" in said


def test_what_a_person_wrote_is_no_automatic_mail_and_an_automatic_one_says_so(
    portal: Portal, mailbox: Mailbox, asked: tuple[Tenant, Any]
) -> None:
    write_message(portal)
    copy = mailbox.read(to="contact@habitat-du-val.example")
    assert copy.message["Auto-Submitted"] is None and copy.message["X-Auto-Response-Suppress"] is None
    assert copy.message["Reply-To"]
    for mail in (asked[1], mailbox.read()):
        assert mail.message["Auto-Submitted"] == "auto-generated"
        assert mail.message["X-Auto-Response-Suppress"] == "All"


def test_each_link_that_was_asked_for_is_seen_among_folded_mails(
    portal: Portal, mailbox: Mailbox, clock: Clock, asked: tuple[Tenant, Any]
) -> None:
    clock.move(minutes=12)
    forget(portal, asked[0].lease.reference)
    again = mailbox.read(to="lea@free.fr")
    assert asked[1].subject == "Choisissez un nouveau mot de passe"
    assert plain(again.subject) == "Choisissez un nouveau mot de passe (9 h 42)"
    assert asked[1].message["X-Entity-Ref-ID"] != again.message["X-Entity-Ref-ID"]
