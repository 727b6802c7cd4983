"""Mails that are refused, slow, or wait for their server (T08, T09, T41)."""

import pytest

from tenant_portal.mail import outbox

from ..support.people import must_run
from ..support.steps import Lease, finish, forget, log_in, sign_up


@pytest.mark.every_home
def test_t09_address_is_refused_for_good_and_the_next_visit_says_so(portal, mailbox, post_office, a_contract):
    contract = a_contract()
    post_office.answers["parti@free.fr"] = "550 5.1.1 no such user"
    sign_up(portal, contract, email="parti@free.fr")
    assert mailbox.read_all() == []
    page = log_in(portal.another_browser(), contract.reference)
    assert page.says("Notre e-mail n'a pas pu être remis à parti@free.fr") and not page.says("Vous allez recevoir")
    form = page.form("Modifier mon adresse").fill("Votre adresse mail", "present@free.fr")
    page = form.click("Modifier mon adresse")
    assert not page.says("n'a pas pu être remis") and page.says("Vous allez recevoir")
    assert finish(portal, mailbox.read(to="present@free.fr").link, contract.reference).path == "/espace"
    mailbox.read(to="present@free.fr")


def test_t09_mail_comes_back_later_and_the_tenant_is_told_at_home(portal, app, mailbox, an_account):
    account = an_account(email="lea@free.fr")
    forget(portal, account.lease.reference)
    sent = mailbox.read(to="lea@free.fr")
    report = (
        "From: MAILER-DAEMON@free.fr\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; free.fr\r\n\r\n"
        "Final-Recipient: rfc822; lea@free.fr\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {sent.message['Message-ID']}\r\n\r\n--b--\r\n"
    )
    must_run(app, "mail", "bounce", stdin=report.encode())
    page = log_in(portal.another_browser(), account.lease.reference, account.password)
    assert page.says("notre e-mail n'a pas pu être remis à lea@free.fr")


@pytest.mark.every_home
def test_t41_mail_server_is_down_and_what_the_page_promised_is_still_sent(
    portal, app, mailbox, post_office, a_contract
):
    contract = a_contract()
    post_office.answers["*"] = "451 4.3.0 try again later"
    page = sign_up(portal, contract)
    assert page.h1 == "Consultez vos e-mails", "the page is the same whatever the mail server does"
    assert mailbox.read_all() == []
    with app.app_context():
        assert outbox.oldest_waiting_age() is not None
    post_office.answers.clear()
    assert finish(portal, mailbox.read().link, contract.reference).path == "/espace"
    mailbox.read()


def test_t41_staff_see_the_waiting_mail_and_what_to_do(portal, app, mailbox, post_office, a_contract):
    contract = a_contract()
    post_office.answers["*"] = "451 4.3.0 try again later"
    sign_up(portal, contract)
    assert mailbox.read_all() == []
    shown = must_run(app, "contracts", "show", f"L/{contract.reference}")
    assert "[>] 9." in shown
    assert "attend de partir" in shown
    post_office.answers.clear()
    mailbox.read()
    shown = must_run(app, "contracts", "show", contract.reference)
    assert "L'e-mail est parti" in shown


def test_staff_see_each_stage_of_a_tenant(portal, app, mailbox, a_contract):
    def shown() -> str:
        return must_run(app, "contracts", "show", contract.reference)

    contract = a_contract()
    assert "[>] 1." in shown()
    sign_up(portal, Lease(contract.reference, "99999999"))
    assert "[>] 3." in shown()
    sign_up(portal, contract, email="pas une adresse")
    assert "[>] 6." in shown()
    sign_up(portal, contract)
    link = mailbox.read().link
    assert "[>] 9." in shown()
    portal.another_browser().get(link).click("Activer mon compte, je m'identifierai ailleurs")
    assert "[>] 10." in shown()
    log_in(portal, contract.reference, "un mauvais secret")
    assert "[>] 11." in shown()
    log_in(portal, contract.reference)
    assert "[x] 12." in shown()
    mailbox.read()
    assert "Bienvenue".lower() in shown().lower()


def test_unfinished_sign_up_is_erased_after_thirty_days(portal, app, mailbox, a_contract, an_account, clock):
    account, contract = an_account(), a_contract()
    sign_up(portal, contract)
    mailbox.read()
    clock.move(days=29)
    must_run(app, "purge")
    assert log_in(portal.another_browser(), contract.reference).h1 == "Consultez vos e-mails"
    clock.move(days=2)
    must_run(app, "purge", "--dry-run")
    assert log_in(portal.another_browser(), contract.reference).h1 == "Consultez vos e-mails", (
        "a dry run erases nothing"
    )
    must_run(app, "purge")
    assert log_in(portal.another_browser(), contract.reference).says("ne correspond pas")
    assert log_in(portal.another_browser(), account.lease.reference, account.password).path == "/espace"
    assert sign_up(portal, contract).h1 == "Consultez vos e-mails"
    mailbox.read()
