"""Whoever reads a commercial or general mail gets out of it with one click, and out of nothing else."""

import pytest
from sqlalchemy import select

from tenant_portal.db import begin_write, db, utcnow
from tenant_portal.mail import outbox
from tenant_portal.models import Account, Consent
from tenant_portal.web import links
from tests.support.page_text import plain
from tests.support.people import must_run
from tests.support.portal_client import Portal
from tests.support.steps import EMAIL, close_account, log_in, sign_up

ONE_CLICK = "List-Unsubscribe=One-Click"
BUTTON = "Je me désabonne"


def send(app, purpose="commercial", email=EMAIL):
    """Write a mail of that purpose, as the landlord's news will be."""
    with app.test_request_context("/"):
        begin_write()
        account = db.session.scalars(select(Account).where(Account.email == email)).one()
        way_out = links.address(f"unsubscribe_{purpose}", account, None)
        content = {"digits": "201", "reopened_at": utcnow().isoformat(), "unsubscribe": way_out}
        outbox.put("account_reopened", account.email, account=account, contract=account.contracts[0], content=content)
        db.session.commit()


def way_out(app, mailbox, purpose="commercial", email=EMAIL):
    """Send a mail; return the address that mail programs find in it."""
    send(app, purpose, email)
    return mailbox.read(to=email).message["List-Unsubscribe"].strip("<>")


def answers(app):
    with app.app_context():
        rows = db.session.execute(select(Consent.account_id, Consent.purpose, Consent.answer, Consent.channel)).all()
        return [(number, str(purpose), answer, channel) for number, purpose, answer, channel in rows]


def one_click(app, address, **sent):
    """Send what a mail provider sends: no cookie, no page before, no token of a form."""
    sent = sent or {"data": ONE_CLICK, "content_type": "application/x-www-form-urlencoded"}
    return Portal(app).http.post(address, **sent)


@pytest.mark.every_home
def test_h03_tenant_reads_a_mail_and_is_out_with_one_button(app, an_account, mailbox):
    tenant = an_account(commercial="Oui", general="Oui", e_notice="Oui")
    send(app)
    letter = mailbox.read(to=EMAIL)
    link = letter.message["List-Unsubscribe"].strip("<>")
    assert letter.message["List-Unsubscribe-Post"] == ONE_CLICK
    for text in (letter.text, letter.html):
        assert "Vous ne voulez plus de ces e-mails" in plain(text) and link in text
    reader = Portal(app)
    page = reader.get(link)
    assert page.h1 == "Ne plus recevoir ces e-mails" and page.says("informations commerciales par e-mail")
    assert len(page.tree.cssselect("main button")) == 1 and len(answers(app)) == 3
    page = page.click(BUTTON)
    assert page.says("C'est fait : vous ne recevez plus nos informations commerciales par e-mail.")
    assert page.says("Vos autres choix restent les mêmes.")
    assert not any(answer.headers.getlist("Set-Cookie") for answer in reader.answers), "no cookie"
    assert [answer.status_code for answer in reader.answers] == [200, 200], "no redirect"
    page = tenant.browser.get("/espace/choix")
    assert [plain(cell.text_content()) for cell in page.tree.cssselect("tbody tr:first-child td")][0::2] == [
        "Non",
        "lien d'un e-mail",
    ]
    home = tenant.browser.get("/espace")
    assert home.says("commerciales par e-mail : Non") and home.says("générales par e-mail : Oui")
    assert home.says("Vos avis arrivent par e-mail.")


@pytest.mark.every_home
@pytest.mark.parametrize("kind", ["urlencoded", "multipart", "empty"])
def test_t26_mail_program_takes_the_tenant_out_with_one_click(app, an_account, mailbox, kind):
    an_account(commercial="Oui", general="Oui")
    link = way_out(app, mailbox, "general")
    body = '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
    sent = {
        "urlencoded": {},
        "multipart": {"data": body, "content_type": "multipart/form-data; boundary=x"},
        "empty": {"data": ""},
    }[kind]
    for _ in range(2):
        answer = one_click(app, link, **sent)
        assert answer.status_code == 200 and not answer.headers.getlist("Set-Cookie")
    assert [row[1:] for row in answers(app)[3:]] == [("general", False, "unsubscribe")]


def test_h03_link_lives_as_long_as_the_account(app, an_account, mailbox, clock):
    tenant = an_account(commercial="Oui")
    link = way_out(app, mailbox)
    clock.move(days=500)
    log_in(Portal(app), tenant.lease.reference)
    clock.move(days=500)
    assert one_click(app, link).status_code == 200 and len(answers(app)) == 4
    log_in(tenant.browser, tenant.lease.reference)
    close_account(tenant.browser)
    mailbox.read_all()
    assert one_click(app, link).status_code == 200, "all is withdrawn already"
    clock.move(days=15)
    must_run(app, "purge")
    assert one_click(app, link).status_code == 404
    assert Portal(app).get(link, status=404).h1 == "Nous ne reconnaissons pas ce lien"


@pytest.mark.security
def test_h03_link_of_a_sign_up_that_was_replaced_is_nobodys(app, portal, a_contract, an_account, mailbox):
    lease = a_contract()
    sign_up(portal, lease, email="ancien@free.fr", commercial="Oui")
    mailbox.read(to="ancien@free.fr")
    link = way_out(app, mailbox, email="ancien@free.fr")
    an_account(lease, commercial="Oui")
    before = answers(app)
    assert one_click(app, link).status_code == 404 and answers(app) == before


@pytest.mark.security
@pytest.mark.settings(SECRET_KEY="the former key, of forty characters, yes")
def test_h03_link_outlives_a_change_of_key(app, make_app, an_account, mailbox):
    an_account(commercial="Oui")
    link = way_out(app, mailbox)
    new = "the present key, of forty characters, yes"
    changed = make_app(SECRET_KEY=new, SECRET_KEY_FALLBACKS=["the former key, of forty characters, yes"])
    assert one_click(changed, link).status_code == 200 and len(answers(app)) == 4


@pytest.mark.security
@pytest.mark.every_home
def test_f25_no_forged_link_changes_anything(app, an_account, mailbox):
    an_account(commercial="Oui")
    link = way_out(app, mailbox)
    home, _, token = link.rpartition("/")
    payload, moment, signature = token.split(".")
    with app.test_request_context("/"):
        account = db.session.scalars(select(Account)).one()
        reset = links.address("reset", account, account.contracts[0]).rpartition("/")[2]
    before = answers(app)
    forged = [
        f"{payload}.{moment}.{signature[::-1]}",
        f"{payload[:-2]}AA.{moment}.{signature}",
        f"{payload}.{moment}",
        reset,
        "1",
        "%00",
        "commercial",
    ]
    for fake in forged:
        assert one_click(app, f"{home}/{fake}").status_code == 404, fake
    assert answers(app) == before


@pytest.mark.security
def test_f25_looking_twenty_times_changes_nothing_and_clicking_twenty_times_changes_one_thing(app, an_account, mailbox):
    an_account(commercial="Oui")
    link = way_out(app, mailbox)
    before = answers(app)
    for _ in range(20):
        assert Portal(app).http.get(link).status_code == Portal(app).http.head(link).status_code == 200
    for method in ("put", "delete", "patch"):
        assert getattr(Portal(app).http, method)(link).status_code == 405
    assert answers(app) == before
    assert {one_click(app, link).status_code for _ in range(20)} == {200}
    assert len(answers(app)) == len(before) + 1


@pytest.mark.security
def test_f25_link_of_one_purpose_and_account_leaves_every_other_alone(app, an_account, mailbox):
    an_account(commercial="Oui", general="Oui", e_notice="Oui")
    other = an_account(email="voisin@free.fr", commercial="Oui", general="Oui", e_notice="Oui")
    link = way_out(app, mailbox)
    assert other.browser.http.post(link, data={"purpose": "general", "account": "2"}).status_code == 200
    assert [row[1:] for row in answers(app)[6:]] == [("commercial", False, "unsubscribe")]
    assert answers(app)[6][0] == answers(app)[0][0], "the account of the link, not the one that is logged in"


def test_mail_without_a_purpose_to_end_says_nothing_of_it(an_account, mailbox):
    tenant = an_account()
    close_account(tenant.browser)
    letter = mailbox.read(to=EMAIL)
    assert letter.message["List-Unsubscribe"] is None and "Un clic suffit" not in letter.text
