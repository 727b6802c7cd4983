"""F27: another address for a tenant who has lost password and mailbox, asked for by the office."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from tenant_portal.accounts import office_email_change
from tenant_portal.accounts.email_change import EmailChange
from tenant_portal.db import begin_write, db, utcnow
from tenant_portal.mail import new_addresses
from tenant_portal.models import Account, Contract
from tests.support.page_text import plain
from tests.support.people import choose_password, must_run

from ..support.steps import NEW_PASSWORD, ask_email_change, change_password, fill_not_me, forget, log_in

pytestmark = pytest.mark.security

OLD, NEW, THIRD = "lea@free.fr", "lea.martin@orange.fr", "lea@laposte.net"
CONFIRM = "Je confirme mon adresse"
CALL, COUNTER = "rappel au numéro connu", "au guichet"


def page_of(desk, app, tenant):
    """Open the remedy's page."""
    with app.app_context():
        number = db.session.scalars(select(Contract.id).where(Contract.reference == tenant.lease.reference)).one()
    return desk.get(f"/gestion/contrat/{number}/adresse")


def filled(page, email=NEW, how=CALL):
    form = page.form("Noter une autre adresse mail").fill("Nouvelle adresse mail", email)
    return form.choose("Comment savez-vous", how).choose("Pourquoi", "boîte mail perdue")


@pytest.fixture
def office(app, mailbox, staff):
    """Return a function by which the office asks for another address; it returns the links that prove and object."""

    def ask(tenant, email=NEW, *, at_counter=False):
        page = filled(page_of(staff, app, tenant), email, COUNTER if at_counter else CALL).click()
        assert page.says("un lien à confirmer part à la nouvelle adresse"), page.text
        link = mailbox.read(to=email).link
        return link, mailbox.read(to=tenant.email).link_not_me

    return ask


def a_day_later(app, clock, **more):
    """Let a day pass, and the round that carries the mails."""
    clock.move(days=1, **more)
    must_run(app, "mail", "send")


def address_of(app):
    with app.app_context():
        return db.session.scalars(select(Account)).one().email


@pytest.mark.every_home
def test_f27_g05_address_counts_a_day_later_and_the_tenant_gets_in(app, portal, mailbox, an_account, office, clock):
    tenant = an_account(email=OLD)
    to_prove, _ = office(tenant)
    page = portal.get(to_prove)
    assert page.path == "/nouvelle-adresse", "the token has left the address"
    assert page.says(NEW) and page.says(tenant.lease.reference[-3:]) and not page.says(tenant.lease.reference)
    page = page.click(CONFIRM)
    assert "Votre adresse mail est confirmée" in plain(page.h1) and page.says("mardi 24 novembre")
    clock.move(hours=23, minutes=50)
    must_run(app, "mail", "send")
    forget(portal.another_browser(), tenant.lease.reference)
    assert mailbox.read(to=OLD).link, "no link goes to the new address yet"
    clock.move(minutes=11)
    must_run(app, "mail", "send")
    told, former = mailbox.read(to=NEW), mailbox.read(to=OLD)
    assert plain(told.subject) == plain(former.subject) == "Votre adresse mail a été changée"
    assert told.link.endswith("/mot-de-passe-oublie") and former.link_not_me and NEW not in former.text
    choose_password(portal, mailbox, tenant.lease, email=NEW)
    assert mailbox.read(to=OLD).link_not_me, "the former address can object for seven days"
    assert log_in(portal, tenant.lease.reference, NEW_PASSWORD).path == "/espace"


def test_f27_address_on_file_is_told_before_anything_and_freezes(app, portal, mailbox, an_account, office, clock):
    tenant = an_account(email=OLD)
    to_prove, not_me = office(tenant)
    portal.get(to_prove).click(CONFIRM)
    owner = portal.another_browser()
    fill_not_me(owner.get(not_me)).click()
    mailbox.read_all()
    a_day_later(app, clock)
    assert address_of(app) == OLD and not mailbox.read_all()
    assert portal.get(to_prove, status=410).says("arrêtée ou remplacée")


def test_f27_former_address_takes_the_account_back_within_seven_days(app, portal, mailbox, an_account, office, clock):
    tenant = an_account(email=OLD)
    to_prove, _ = office(tenant)
    portal.get(to_prove).click(CONFIRM)
    a_day_later(app, clock)
    mailbox.read(to=NEW)
    not_me = mailbox.read(to=OLD).link_not_me
    choose_password(portal, mailbox, tenant.lease, email=NEW)
    mailbox.read(to=OLD)
    clock.move(days=6)
    fill_not_me(portal.another_browser().get(not_me)).click()
    assert address_of(app) == OLD
    mailbox.read_all()
    assert log_in(portal, tenant.lease.reference, NEW_PASSWORD).says("bloqué")


def test_f27_at_the_counter_it_counts_once_it_is_proved(app, portal, mailbox, an_account, office):
    tenant = an_account(email=OLD)
    to_prove, _ = office(tenant, at_counter=True)
    assert address_of(app) == OLD
    forms = [portal.another_browser().get(to_prove) for _ in range(2)]
    assert forms[0].click(CONFIRM).says("compte dès maintenant")
    assert forms[1].click(CONFIRM).says("compte dès maintenant"), "two clicks"
    assert address_of(app) == NEW
    assert [mail.to for mail in mailbox.read_all()] == [NEW, OLD]
    assert portal.get(to_prove, status=410).says("déjà confirmée")
    choose_password(portal, mailbox, tenant.lease, email=NEW)
    mailbox.read(to=OLD)


def test_f22_links_that_are_only_opened_change_nothing(portal, mailbox, an_account, office, database_dump):
    tenant = an_account(email=OLD)
    links = office(tenant)
    before = database_dump()
    for link in links:
        portal.another_browser().http.head(link)
        portal.another_browser().get(link)
    assert database_dump() == before


def test_f27_unproved_address_never_counts(app, portal, mailbox, an_account, office, clock):
    tenant = an_account(email=OLD)
    to_prove, _ = office(tenant)
    page = portal.get(to_prove)
    a_day_later(app, clock)
    assert address_of(app) == OLD
    clock.move(hours=49)
    assert portal.another_browser().get(to_prove, status=410).says("ne sert plus")
    page.click(CONFIRM, status=410)
    assert address_of(app) == OLD


def test_f27_address_proved_late_counts_at_once(app, portal, mailbox, an_account, office, clock):
    tenant = an_account(email=OLD)
    to_prove, _ = office(tenant)
    a_day_later(app, clock)
    assert portal.get(to_prove).click(CONFIRM).says("compte dès maintenant")
    assert address_of(app) == NEW
    assert {mail.to for mail in mailbox.read_all()} == {OLD, NEW}


def test_g05_tenant_at_home_sees_it_and_stops_it(app, portal, mailbox, an_account, office, clock):
    tenant = an_account(email=OLD)
    to_prove, _ = office(tenant)
    portal.get(to_prove).click(CONFIRM)
    page = tenant.browser.get("/espace/compte")
    assert page.says("Notre bureau change votre adresse mail") and page.says(NEW)
    assert not page.click("Annuler ce changement").says(NEW)
    a_day_later(app, clock)
    assert address_of(app) == OLD
    portal.get(to_prove, status=410)


@pytest.mark.parametrize("act", ["another office's change", "his own change", "a new password", "closing"])
def test_g05_what_comes_later_replaces_it(app, portal, mailbox, an_account, office, clock, act):
    tenant = an_account(email=OLD)
    to_prove, _ = office(tenant)
    portal.get(to_prove).click(CONFIRM)
    if act == "another office's change":
        office(tenant, THIRD)
    elif act == "his own change":
        ask_email_change(tenant.browser, THIRD)
    elif act == "a new password":
        change_password(tenant.browser)
    else:
        form = tenant.browser.get("/espace/compte/fermeture").form("Je ferme mon compte")
        form.fill("Mon mot de passe", tenant.password).click()
    mailbox.read_all()
    a_day_later(app, clock)
    assert address_of(app) == OLD and not mailbox.read_all()
    assert portal.get(to_prove, status=410).says("ne sert plus")


def test_f27_first_address_of_a_change_is_told_as_well(app, portal, mailbox, an_account, office):
    """A thief has put his address in; the owner comes to the counter."""
    tenant = an_account(email=OLD)
    ask_email_change(tenant.browser, THIRD)
    mailbox.read(to=OLD)
    tenant.browser.get(mailbox.read(to=THIRD).link).click(CONFIRM)
    mailbox.read_all()
    tenant.email = THIRD
    office(tenant)
    assert mailbox.read(to=OLD).link_not_me


def test_f27_forgotten_password_finds_the_address_that_counts_now(portal, mailbox, an_account, office, clock):
    """No round has come by: the link must not go to the mailbox that is lost."""
    tenant = an_account(email=OLD)
    to_prove, _ = office(tenant)
    portal.get(to_prove).click(CONFIRM)
    clock.move(days=1)
    forget(portal.another_browser(), tenant.lease.reference)
    assert sorted(mail.to for mail in mailbox.read_all()) == [NEW, NEW, OLD]


@pytest.mark.databases("sqlite", "postgresql")
def test_f13_f27_rounds_the_tenant_and_a_second_request_at_once_lose_nothing(
    app, portal, mailbox, an_account, office, clock
):
    tenant = an_account(email=OLD)
    to_prove, _ = office(tenant)
    portal.get(to_prove).click(CONFIRM)
    stop = tenant.browser.get("/espace/compte").form("Annuler ce changement")
    clock.move(days=1)

    def settle():
        with app.app_context():
            new_addresses.settle_due()

    with ThreadPoolExecutor(5) as pool:
        waits = [pool.submit(settle) for _ in range(4)] + [pool.submit(stop.click)]
        [done.result() for done in waits]
    told = [mail.to for mail in mailbox.read_all()]
    with app.app_context():
        change = db.session.scalars(select(EmailChange)).one()
        assert (change.confirmed_at is None) is (change.ended_at is not None), "stopped or done, never both"
        assert told == ([NEW, OLD] if change.confirmed_at else [])
    assert address_of(app) == (NEW if told else OLD)


def test_g05_the_round_comes_back_when_an_address_may_count(app, an_account, office):
    tenant = an_account(email=OLD)
    office(tenant)
    with app.app_context():
        change = db.session.scalars(select(EmailChange)).one()
        assert office_email_change.next_at() == change.counts_at


def test_f27_old_address_is_told_in_the_mail_of_the_act_and_never_reads_the_new_one(app, mailbox, an_account, staff):
    tenant = an_account(email=OLD)
    page = page_of(staff, app, tenant)
    assert page.says("Ce qui va se passer") and page.says("prévenue tout de suite") and page.says(OLD)
    assert "aucune vérification" not in page.text, "somebody must be recognised"
    assert filled(page, OLD).click().says("déjà celle du compte")
    filled(page).fill("Le locataire peut lire cette phrase", "Vous nous avez appelés.").click()
    mailbox.read(to=NEW)
    told = mailbox.read(to=OLD)
    text = plain(told.text)
    assert "À votre demande, notre bureau a noté une nouvelle adresse mail (à confirmer) pour votre compte" in text
    assert "ne compte pas avant le mardi 24 novembre" in text and "Vous nous avez appelés." in text
    assert told.link_not_me and NEW not in text
    page = tenant.browser.get("/espace/compte").click_link("Mes connexions")
    assert page.says("notre bureau a noté une nouvelle adresse mail") and page.says("Vous nous avez appelés.")
    assert page.says("boîte mail perdue ou fermée") and page.says("lundi 23 novembre 2026")
    assert "Moreau" not in page.text, "no clerk's name"
    assert page.click_link("Dites-le-nous").path == "/espace/messages/nouveau"


def test_g05_second_click_and_second_clerk_write_no_second_mail(app, mailbox, an_account, a_clerk):
    tenant = an_account(email=OLD)
    desk = a_clerk("Mme Moreau")
    page = page_of(desk, app, tenant)
    form = filled(page)
    form.click()
    assert {mail.to for mail in mailbox.read_all()} == {NEW, OLD}
    assert filled(page).click().says("Rien n'est fait une seconde fois")
    filled(page_of(desk, app, tenant)).click()
    assert {mail.to for mail in mailbox.read_all()} == {NEW, OLD}, "who reads it again and confirms means it"
    other = a_clerk("M. Petit")
    assert filled(page, THIRD).click().says("Mme Moreau l'a déjà fait")
    assert not mailbox.read_all()
    page = page_of(other, app, tenant)
    assert page.says("qui attend encore, est remplacé")
    page = page.click_link("Revenir au contrat")
    assert page.says("Autre adresse mail, en attente") and page.says(NEW) and page.says("pas encore confirmée")
    assert page.says("compte au plus tôt le mardi 24 novembre")


def test_f27_no_link_for_a_password_goes_to_a_young_address_but_at_the_counter(
    app, portal, mailbox, an_account, office, staff, clock
):
    tenant = an_account(email=OLD)
    to_prove, _ = office(tenant, at_counter=True)
    portal.get(to_prove).click(CONFIRM)
    mailbox.read_all()
    reset = page_of(staff, app, tenant).path.replace("adresse", "mot-de-passe")
    page = staff.get(reset)
    assert page.says("moins de 24 heures") and "rappel au numéro" not in page.text
    form = page.form("Envoyer un lien").choose("Comment savez-vous", COUNTER).choose("Pourquoi", "mot de passe oublié")
    form.click()
    assert mailbox.read(to=NEW).link
    clock.move(days=1)
    assert "rappel au numéro" in staff.get(reset).text


@pytest.mark.parametrize(
    ("state", "told"), [("closed_at", "Le compte est fermé"), ("frozen_at", "Le compte est bloqué"), ("", "pas finie")]
)
def test_g05_what_is_frozen_closed_or_unfinished_is_settled_before(app, portal, an_account, staff, state, told):
    tenant = an_account(email=OLD)
    with app.app_context():
        begin_write()
        facts = {state: utcnow(), "frozen_by": "tenant"} if state else {"completed_at": None}
        db.session.execute(update(Account).values(**facts))
        db.session.commit()
    assert page_of(staff, app, tenant).says(told)
