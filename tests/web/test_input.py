"""What is typed stays text in pages, database, mails and journal."""

import logging

import pytest
from sqlalchemy import select

from tenant_portal.db import db
from tenant_portal.models import Account, Contract, Event
from tests.support.page_text import plain
from tests.support.portal_client import ANY_STATUS, Portal
from tests.support.steps import PASSWORD, Lease, fill_login, fill_sign_up, finish, forget, log_in, sign_up

pytestmark = pytest.mark.security

MARKUP = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}"
ODD = (
    MARKUP,
    "' OR 1=1--",
    "1; DROP TABLE portal_accounts",
    "١٢٣٤٥٦",
    "１２３４５６",
    "123456\n",
    "12345六",
    "1" * 500,
    "-1",
    "1e5",
    "0x10",
    "null",
    "\x00",
    "a\r\nBcc: voleur@evil.example",
    "=1+1",
    "../../etc/passwd",
    "%00%0a",
    "é" * 300,
)
FORMS = ("/connexion", "/inscription", "/mot-de-passe-oublie", "/message")


def typed_into(browser, address, text):
    """Type a text into every field of a page and send it."""
    page = browser.get(address)
    form = page.form()
    fields = dict(form.node.form_values())
    for control in form.controls:
        fields[control.get("name")] = text
    fields["csrf_token"] = dict(form.node.form_values())["csrf_token"]
    return browser.http.post(address, data=fields, follow_redirects=True)


@pytest.mark.parametrize("address", FORMS)
def test_whatever_is_typed_comes_back_as_text(portal, mailbox, address):
    for text in ODD:
        browser = portal.another_browser()
        answer = typed_into(browser, address, text)
        assert answer.status_code in {200, 429}, text
        assert "<script>alert" not in answer.text and "<img src=x" not in answer.text and "49</" not in answer.text
    mailbox.read_all()


def test_statement_as_a_reference_or_password_opens_nothing(app, portal, an_account):
    tenant = an_account()
    for reference, password in (
        ("' OR 1=1--", PASSWORD),
        (tenant.lease.reference, "' OR '1'='1"),
        (f"{tenant.lease.reference}'--", tenant.password),
    ):
        browser = portal.another_browser()
        log_in(browser, reference, password, status=ANY_STATUS)
        assert browser.get("/espace").path == "/connexion"
    with app.app_context():
        assert len(db.session.scalars(select(Account)).all()) == 1


@pytest.mark.parametrize(
    "address", ["lea@free.fr\r\nBcc: voleur@evil.example", "lea@free.fr,voleur@evil.example", "lea"]
)
def test_address_that_is_none_gets_no_mail(portal, mailbox, a_contract, address):
    lease = a_contract()
    page = sign_up(portal, lease, email=address)
    assert page.path == "/inscription" and page.faults
    assert mailbox.read_all() == []


def test_only_ascii_digits_are_a_number(portal, a_contract):
    lease = a_contract()
    for typed in ("١٢٣٤", "１２３４", "1" * 500, "12a4", "¹²³", "1.5e3"):
        for reference, module in ((typed, lease.module), (lease.reference, typed)):
            page = sign_up(portal, Lease(reference, module))
            assert page.path == "/inscription" and len(page.faults) == 1, typed


def test_fields_that_a_form_does_not_have_change_nothing(app, portal, mailbox, an_account, a_contract):
    tenant, lease = an_account(), a_contract()
    form = fill_sign_up(portal, lease)
    more = {"id": "1", "account_id": "1", "activated_at": "2026-01-01", "completed_at": "2026-01-01", "is_admin": "1"}
    more |= {"contract": "1", "contract_id": "1", "password_hash": "x", "email_failed_at": "", "next": "/gestion"}
    portal.http.post("/inscription", data={**dict(form.node.form_values()), **more})
    mail = mailbox.read()
    with app.app_context():
        account = db.session.scalars(select(Contract).where(Contract.reference == lease.reference)).one().account
        assert account.activated_at is None and account.completed_at is None
        assert account.password_hash.startswith("$argon2id$")
        assert account.id != 1
    assert tenant.browser.get("/espace").path == "/espace"
    assert finish(portal, mail.link, lease.reference).path == "/espace"
    mailbox.read()


@pytest.mark.parametrize("address", FORMS)
def test_body_of_another_kind_is_no_form(portal, address):
    for body in ("[1, 2]", '{"reference": ["1"]}', '{"reference": {"a": 1}}', '"x"', "null", "{", "12"):
        answer = portal.http.post(address, data=body, content_type="application/json")
        assert answer.status_code == 400, body


def test_field_sent_twice_is_read_once(portal, an_account):
    tenant = an_account()
    form = fill_login(portal.get("/connexion"), tenant.lease.reference, tenant.password)
    fields = [*form.node.form_values(), ("reference", "999"), ("password", "autre"), ("csrf_token", "x")]
    data = {name: [value for key, value in fields if key == name] for name, _ in fields}
    assert portal.http.post("/connexion", data=data).location == "/espace", "the first of each counts, for every check"


def test_name_of_the_roster_is_kept_raw_and_escaped_once(app, portal, an_account, roster, a_contract):
    lease = a_contract(last_name="Martin <b>", first_name="Zoé & Léo")
    with app.app_context():
        contract = db.session.scalars(select(Contract).where(Contract.reference == lease.reference)).one()
        assert contract.last_name == "Martin <b>"
    page = an_account(lease).browser.get("/espace")
    assert plain("Martin <b>") in plain(page.text) and "&amp;amp;" not in page.response.text


def test_line_break_in_what_is_typed_makes_no_second_line_in_the_log(portal, caplog):
    caplog.set_level(logging.DEBUG)
    forged = "123456\r\n2026-11-27 logged_in account=1"
    for address in FORMS:
        typed_into(portal.another_browser(), address, forged)
        portal.http.get(f"{address}/{forged}", headers={"User-Agent": forged.replace("\r\n", "\t")})
    assert caplog.messages and not [message for message in caplog.messages if "\n" in message or "logged_in" in message]


def test_no_secret_reaches_the_log(app, portal, mailbox, a_contract, caplog):
    caplog.set_level(logging.WARNING, logger="sqlalchemy")
    caplog.set_level(logging.DEBUG)
    lease = a_contract()
    caplog.clear()
    sign_up(portal, lease, email="lea.martin@orange.fr")
    link = mailbox.read().link
    log_in(Portal(app), lease.reference, "une devinette de voleur")
    finish(portal, link, lease.reference)
    log_in(Portal(app), lease.reference, PASSWORD, remember=True)
    forget(Portal(app), lease.reference)
    reset = [mail.link for mail in mailbox.read_all() if "/mot-de-passe/" in mail.link][0]
    Portal(app).get(reset)
    Portal(app).get(reset[:-3] + "abc", status=404)
    told = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("tenant_portal"))
    secrets = [
        PASSWORD,
        "devinette",
        link.rsplit("/", 1)[1],
        reset.rsplit("/", 1)[1],
        "lea.martin@orange.fr",
        "$argon2",
    ]
    secrets += [lease.reference, lease.module, portal.cookie("portal_session"), portal.cookie("portal_device")]
    assert told and not [secret for secret in secrets if secret in told]


def test_each_step_of_an_account_leaves_its_line_in_the_journal(app, portal, mailbox, a_contract):
    lease = a_contract()
    sign_up(portal, Lease(lease.reference, "99"))
    sign_up(portal, lease)
    log_in(Portal(app), lease.reference, "faux")
    finish(portal, mailbox.read().link, lease.reference)
    portal.get("/espace").click("Je me déconnecte")
    mailbox.read()
    with app.app_context():
        events = db.session.scalars(select(Event).order_by(Event.id)).all()
        assert [event.name for event in events] == [
            "signup_mismatch",
            "signed_up",
            "login_refused",
            "activated",
            "finished",
            "logged_in",
            "logged_out",
        ]
        for event in events:
            assert event.created_at.utcoffset().total_seconds() == 0
            assert event.contract_id or event.account_id
            assert event.actor == "tenant"
