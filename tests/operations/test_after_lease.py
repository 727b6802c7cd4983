"""After the lease: documents stay until a day that is shown, two mails tell of it, then all is erased (H08, T34)."""

import io
import zipfile

import pytest
from sqlalchemy import func, select

from tenant_portal import signals
from tenant_portal.contracts.sought import SearchWord
from tenant_portal.db import db
from tenant_portal.models import Account, Consent, Contract, Document, Login, Mail, MailState
from tests.support.page_text import plain
from tests.support.people import must_run, second_contract
from tests.support.rent_notices import files, pdf
from tests.support.steps import EMAIL, QUESTIONS, forget, hand_over, join, log_in

#: The day of the tests is 23 November 2026.
ENDED = "20/11/2026"
DUE = "20 novembre 2029"
#: From the day of the tests to the last day of the documents.
DAYS = 1093
WARNED, ERASED = "dont le locataire est prévenu de l'effacement : ", "avec leurs documents : "


@pytest.fixture
def purge(app):
    """Return a function that runs the nightly command; it returns how many were warned, and how many leases erased."""

    def run_purge(*options):
        said = must_run(app, "purge", *options)
        return tuple(int(said.split(words)[1].split()[0]) for words in (WARNED, ERASED))

    return run_purge


@pytest.fixture
def leave(roster):
    """Return a function that ends a lease by the roster."""

    def end_lease(lease, ends_on=ENDED, **columns):
        roster.add(reference=lease.reference, module=lease.module, ends_on=ends_on, **columns)

    return end_lease


@pytest.fixture
def gone(an_account, landlord, leave):
    """Return a tenant whose lease has ended, with two documents."""
    tenant = an_account(e_notice="Oui")
    leave(tenant.lease)
    landlord({f"{tenant.lease.reference}_{month}.pdf": pdf(month) for month in ("2026-10", "2026-11")})
    return tenant


def count(app, table):
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(table))


def answers_of(app, email):
    """Return purpose, answer and reference of each answer of an account."""
    rows = select(Consent.purpose, Consent.answer, Contract.reference).join(
        Contract, Contract.id == Consent.contract_id
    )
    rows = rows.join(Account, Account.id == Consent.account_id).where(Account.email == email).order_by(Consent.id)
    with app.app_context():
        return [(str(purpose), answer, reference) for purpose, answer, reference in db.session.execute(rows)]


@pytest.mark.every_home
def test_h08_t34_t28_tenant_whose_lease_ended_logs_in_reads_until_when_and_takes_all_with_him(gone, portal):
    page = gone.log_in(portal)
    said = (
        "Information : Votre bail est terminé depuis le vendredi 20 novembre 2026."
        f" Vos documents restent ici jusqu'au mardi {DUE}. Ensuite, ils sont effacés."
    )
    assert page.path == "/espace" and page.says(said)
    assert not page.says("Vos avis arrivent") and not page.tree.cssselect(".portal-short")
    page = page.click_link("Mes avis")
    assert page.says(said) and page.says("Avis de novembre 2026")
    answer = portal.http.get(page.link("Tout télécharger (ZIP)"), buffered=True)
    assert len(zipfile.ZipFile(io.BytesIO(answer.data)).namelist()) == 2


def test_h08_choices_of_an_ended_lease_are_not_asked(gone, app, a_contract):
    page = gone.browser.get("/espace/choix")
    assert not page.says(QUESTIONS[0]) or QUESTIONS[0] not in page.form("J'enregistre").node.text_content()
    form = page.form("J'enregistre mes choix")
    assert [question for question in QUESTIONS if question in plain(form.node.text_content())] == list(QUESTIONS[1:])
    second_contract(app, gone.lease, a_contract())
    form = gone.browser.get("/espace/choix").form("J'enregistre mes choix")
    assert plain(form.node.text_content()).count(QUESTIONS[0]) == 1


@pytest.mark.every_home
def test_h08_t34_two_mails_each_once_then_all_is_erased(gone, app, purge, clock, mailbox, portal):
    clock.move(days=DAYS - 61)
    assert purge() == (0, 0)
    clock.move(days=1)
    assert purge("--dry-run") == (1, 0) and not mailbox.unread()
    assert purge() == (1, 0)
    letter = mailbox.read(to=EMAIL)
    assert plain(letter.subject) == f"Téléchargez vos documents avant le mardi {DUE}"
    text = plain(letter.text)
    assert f"dont la référence se termine par {gone.lease.reference[-3:]}, est terminé depuis le vendredi 20" in text
    assert f"jusqu'au mardi {DUE}. Ensuite, ils sont effacés. Votre compte est effacé avec eux." in text
    assert gone.lease.reference not in letter.raw.decode()
    page = portal.get(letter.link).form("Je me connecte").fill("Ma référence contrat", gone.lease.reference)
    page = page.fill("Mon mot de passe", gone.password).click()
    assert page.path == "/espace/avis" and page.link("Tout télécharger (ZIP)")
    mailbox.read_all()  # perhaps of a new device
    assert purge() == (0, 0)
    clock.move(days=44)
    assert purge() == (0, 0)
    clock.move(days=1)
    assert purge() == (1, 0)
    assert DUE in plain(mailbox.read(to=EMAIL).text)
    clock.move(days=15)
    assert purge() == (0, 0)
    assert gone.log_in(portal).path == "/espace"
    clock.move(days=1)
    assert purge("--dry-run") == (0, 1) and len(files(app)) == 2
    heard = []
    with signals.account_closed.connected_to(lambda _sender, **what: heard.append(what["reference"]), sender=app):
        assert purge() == (0, 1)
    assert heard == [gone.lease.reference]
    assert not files(app)
    for table in (Account, Contract, Consent, Document, Login, SearchWord):
        assert count(app, table) == 0, table
    assert gone.log_in(portal).path == "/connexion"
    assert purge() == (0, 0) and not mailbox.unread()


def test_h08_a_timer_that_missed_days_catches_up_and_nobody_loses_the_days_he_was_told(gone, purge, clock, mailbox):
    clock.move(days=DAYS + 30)
    assert purge() == (1, 0)
    text = plain(mailbox.read(to=EMAIL).text)
    assert "jusqu'au lundi 18 février 2030" in text, "sixty days from today"
    assert gone.log_in(gone.browser).says("jusqu'au lundi 18 février 2030")
    clock.move(days=44)
    assert purge() == (0, 0)
    clock.move(days=8)
    assert purge() == (1, 0)
    assert "jusqu'au lundi 25 février 2030" in plain(mailbox.read(to=EMAIL).text), "fifteen days from today"
    clock.move(days=15)
    assert purge() == (0, 0)
    clock.move(days=1)
    assert purge() == (0, 1)


def test_x07_a_night_of_many_ended_leases_delays_no_awaited_mail(gone, app, purge, clock, mailbox):
    clock.move(days=DAYS - 60)
    assert purge() == (1, 0)
    forget(gone.browser, gone.lease.reference)
    with app.app_context():
        waiting = select(Mail.kind).where(Mail.state == MailState.WAITING).order_by(Mail.turn, Mail.id)
        assert db.session.scalars(waiting).all() == ["reset", "documents_ending"]
    mailbox.read_all()


def test_h08_nothing_is_erased_while_its_mails_cannot_leave(gone, purge, clock, mailbox, post_office):
    clock.move(days=DAYS)
    assert purge() == (1, 0)
    clock.move(days=200)
    assert purge() == (0, 0), "the mail still waits"
    post_office.answers[EMAIL] = "550 5.7.1 message rejected: your quota is used up"
    assert not mailbox.unread()
    post_office.answers.clear()
    mailbox.read_all()
    clock.move(days=1)
    purge()
    clock.move(days=30)
    assert purge() != (0, 1), "days count from when it left"
    mailbox.read_all()


def test_h08_an_address_that_refuses_for_good_was_tried(gone, app, purge, clock, mailbox, post_office):
    post_office.answers[EMAIL] = "550 5.1.1 no such user"
    clock.move(days=DAYS - 60)
    assert purge() == (1, 0)
    assert not mailbox.unread()
    clock.move(days=45)
    assert purge() == (1, 0)
    assert not mailbox.unread()
    clock.move(days=16)
    assert purge() == (0, 1)
    assert count(app, Contract) == 0


def test_h07_h08_nothing_happens_to_the_lease_of_a_frozen_account_and_its_tenant_is_told_anew(
    gone, app, purge, clock, mailbox
):
    clock.move(days=DAYS - 60)
    assert purge() == (1, 0)
    mailbox.read_all()
    must_run(app, "contracts", "freeze", gone.lease.reference)
    mailbox.read_all()
    for days in (45, 20, 1000):
        clock.move(days=days)
        assert purge("--dry-run") == purge() == (0, 0)
    assert not mailbox.unread() and len(files(app)) == 2
    must_run(app, "contracts", "thaw", gone.lease.reference)
    mailbox.read_all()
    assert purge() == (1, 0), "what went to a disputed address told nobody"
    assert "Téléchargez vos documents" in mailbox.read(to=EMAIL).subject
    clock.move(days=45)
    assert purge() == (1, 0)
    mailbox.read_all()


def test_h08_a_lease_that_comes_back_to_life_keeps_everything(gone, app, purge, clock, mailbox, leave):
    clock.move(days=DAYS - 60)
    assert purge() == (1, 0)
    mailbox.read_all()
    leave(gone.lease, ends_on="")
    assert not gone.log_in(gone.browser).says("Votre bail est terminé")
    clock.move(days=100)
    assert purge() == (0, 0) and len(files(app)) == 2
    leave(gone.lease, ends_on="01/12/2029")
    assert purge() == (0, 0)
    clock.move(days=1010)
    assert purge() == (1, 0), "told anew of the new end"
    mailbox.read_all()


def test_h08_the_other_lease_of_an_account_and_its_answers_stay(
    app, an_account, a_contract, leave, landlord, purge, clock, mailbox, portal
):
    tenant = an_account(commercial="Oui")
    other = a_contract()
    second_contract(app, tenant.lease, other)
    leave(tenant.lease)
    landlord({f"{lease.reference}_2026-11.pdf": pdf("les mêmes") for lease in (tenant.lease, other)})
    clock.move(days=DAYS - 60)
    purge()
    assert "Votre compte est effacé" not in mailbox.read(to=EMAIL).text
    clock.move(days=45)
    purge()
    mailbox.read(to=EMAIL)
    clock.move(days=16)
    assert purge() == (0, 1)
    assert count(app, Document) == 1 and len(files(app)) == 1, "the file that the other lease has too"
    page = log_in(portal, other.reference)
    assert page.path == "/espace" and not page.says(tenant.lease.reference)
    page = portal.get("/espace/choix")
    assert page.form("J'enregistre mes choix").value(QUESTIONS[1]) == "Oui"
    assert log_in(portal.another_browser(), tenant.lease.reference).path == "/connexion"


def test_l05_h08_answers_of_an_account_that_handed_the_lease_over_before_stay_with_its_other_contract(
    app, an_account, a_contract, leave, purge, clock, mailbox
):
    former = an_account(email="paul.durand@free.fr", commercial="Oui", general="Non", e_notice="Oui")
    other = a_contract()
    join(former.browser, other)
    present = an_account()
    mailbox.read_all()
    join(present.browser, former.lease)
    hand_over(former.browser, mailbox.read(to=former.email).link, former.password)
    mailbox.read_all()
    before = answers_of(app, former.email)
    assert {(purpose, yes) for purpose, yes, _reference in before} >= {("commercial", True), ("general", False)}
    leave(former.lease)
    for days in (DAYS - 60, 45, 16):
        clock.move(days=days)
        for tenant in (former, present) if days == DAYS - 60 else ():
            log_in(tenant.browser, (other if tenant is former else present.lease).reference, tenant.password)
        done = purge()
        mailbox.read_all()
    assert done == (0, 1)
    kept = [(purpose, yes, other.reference) for purpose, yes, _reference in before if purpose != "e_notice"]
    assert answers_of(app, former.email) == kept, "but those about notices of the lease that is erased"


def test_h08_a_lease_without_account_ends_in_silence_and_a_roster_that_still_has_it_brings_back_nothing(
    app, roster, leave, landlord, purge, clock, mailbox
):
    lease = roster.add(last_name="LECŒUR")
    leave(lease, last_name="LECŒUR")
    landlord({f"{lease.reference}_2026-11.pdf": pdf()})
    clock.move(days=DAYS)
    assert purge() == (0, 0)
    clock.move(days=1)
    assert purge() == (0, 1) and not files(app) and count(app, SearchWord) == 0
    leave(lease, last_name="LECŒUR")
    assert count(app, Document) == 0
    assert purge() == (0, 1) and not mailbox.unread()


def test_h08_a_lease_that_the_complete_roster_lacks_ended_on_that_day(
    app, an_account, a_contract, roster, purge, clock
):
    tenant, other = an_account(), a_contract()
    roster.take([{"reference": other.reference, "module": other.module}], "--complete", "--force")
    assert tenant.browser.get("/espace").says("Votre bail est terminé depuis le lundi 23 novembre 2026.")
    assert tenant.browser.get("/espace").says("jusqu'au vendredi 23 novembre 2029")


@pytest.mark.settings(PORTAL_AFTER_LEASE_MONTHS=1)
def test_h08_the_landlord_sets_the_months(an_account, leave):
    tenant = an_account()
    leave(tenant.lease, "31/10/2026")
    assert tenant.browser.get("/espace").says("jusqu'au lundi 30 novembre 2026")


def test_h08_who_left_and_does_not_come_is_not_closed_before_that_day(gone, purge, app, clock, mailbox):
    clock.move(days=800)
    assert "depuis deux ans, qui se ferment : 0" in must_run(app, "purge")
    assert not mailbox.unread() and gone.log_in(gone.browser).path == "/espace"
