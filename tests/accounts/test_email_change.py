"""« Changer mon adresse mail »: asked for with the password, confirmed at the new address, objected to at the old."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from tenant_portal.accounts.email_change import EmailChange
from tenant_portal.db import begin_write, db
from tenant_portal.models import Account
from tests.support.page_text import plain
from tests.support.people import choose_password, must_run

from ..support.steps import (
    NEW_PASSWORD,
    ask_email_change,
    change_password,
    close_account,
    fill_not_me,
    forget,
    log_in,
    sign_up,
)

OLD, NEW, THIRD = "lea@free.fr", "lea.martin@orange.fr", "lea@laposte.net"
FRESH = "un secret tout neuf et long"
WRONG = "ce mot de passe n'est pas celui de votre compte"


def asked(tenant, mailbox, email=NEW):
    """Ask for another address; return the links that confirm and object."""
    present = tenant.email
    assert ask_email_change(tenant.browser, email, tenant.password).path == "/espace/compte"
    return mailbox.read(to=email).link, mailbox.read(to=present).link_not_me


def changed(tenant, mailbox, email=NEW):
    """Change the address; return the link that objects."""
    link, _ = asked(tenant, mailbox, email)
    tenant.browser.get(link).click("Je confirme mon adresse")
    mailbox.read(to=email)
    objection = mailbox.read(to=tenant.email).link_not_me
    tenant.email = email
    return objection


@pytest.mark.every_home
def test_f03_tenant_changes_his_address_and_both_are_told(mailbox, an_account):
    tenant = an_account(email=OLD)
    page = tenant.browser.get("/espace").click_link("Mon compte").click_link("Changer mon adresse mail")
    form = page.form("Recevoir le lien").fill("Ma nouvelle adresse mail", NEW)
    page = form.fill("Mon mot de passe", tenant.password).click()
    assert page.path == "/espace/compte"
    assert page.says("Une nouvelle adresse attend d'être confirmée") and page.says(NEW) and page.says(OLD)
    to_confirm = mailbox.read(to=NEW)
    assert to_confirm.subject == "Confirmez votre nouvelle adresse mail"
    assert "avant le mardi 24 novembre à 9" in plain(to_confirm.text)
    told = mailbox.read(to=OLD)
    assert plain(told.subject) == "Un changement d'adresse mail est demandé"
    assert NEW not in told.text, "T31: the former letter box may be another's"
    page = tenant.browser.get(to_confirm.link)
    assert page.path == "/adresse", "the token has left the address"
    page = page.click("Je confirme mon adresse")
    assert page.path == "/espace/compte"
    assert page.says(NEW) and not page.says(OLD) and not page.says("attend d'être confirmée")
    for address in (NEW, OLD):
        told = mailbox.read(to=address)
        assert plain(told.subject) == "Votre adresse mail a été changée"
        assert told.link_not_me
    assert page.click_link("déconnecter vos autres appareils").path == "/espace/connexions"
    page = tenant.browser.get(to_confirm.link, status=410)
    assert page.says("déjà confirmée")


def test_f02_links_of_a_change_that_are_only_opened_change_nothing(portal, mailbox, an_account, database_dump):
    tenant = an_account(email=OLD)
    links = asked(tenant, mailbox)
    before = database_dump()
    for link in links:
        for browser in (tenant.browser, portal.another_browser()):
            browser.http.head(link)
            browser.get(link)
            browser.reload()
    assert database_dump() == before


def test_f04_reset_link_mailed_before_the_address_changed_is_dead(portal, mailbox, an_account, clock):
    tenant = an_account(email=OLD)
    forget(portal, tenant.lease.reference)
    reset_link = mailbox.read(to=OLD).link
    changed(tenant, mailbox)
    assert portal.get(reset_link, status=410).says("a changé")
    clock.move(minutes=3)
    forget(portal, tenant.lease.reference)
    mailbox.read(to=NEW)


def test_neither_a_session_left_open_nor_a_remembered_device_is_enough(portal, mailbox, an_account, clock):
    tenant = an_account(email=OLD)
    tenant.log_in(portal, remember=True)
    clock.move(days=1)
    assert ask_email_change(portal, NEW, "").faults == ["Saisissez votre mot de passe."]
    page = ask_email_change(portal, NEW, "un autre mot de passe")
    assert page.says(WRONG) and page.says("Rien n'a changé")
    assert page.form("Recevoir le lien").value("Ma nouvelle adresse mail") == NEW, "what was typed is kept"
    assert ask_email_change(portal, "pas une adresse").faults == [
        "Vérifiez le format de l'adresse mail. Exemple : nom@domaine.fr"
    ]
    assert ask_email_change(portal, OLD.upper()).faults[0].startswith("Cette adresse est déjà celle")
    assert mailbox.read_all() == []
    assert ask_email_change(portal, NEW).path == "/espace/compte"
    mailbox.read(to=NEW), mailbox.read(to=OLD)


@pytest.mark.every_home
def test_who_opens_the_link_elsewhere_types_the_password(portal, mailbox, an_account):
    tenant, other = an_account(email=OLD), an_account(email="marc@free.fr")
    link, _ = asked(tenant, mailbox)
    for browser in (portal, other.browser):
        page = browser.get(link)
        assert page.says(NEW) and not page.says(OLD), "a stranger to whom a slip sent it learns nothing"
        assert page.form("Je confirme").fill("Mon mot de passe", "devinette de voleur").click().says(WRONG)
        assert browser.page.form("Je confirme").click().faults == ["Saisissez votre mot de passe."]
    page = portal.page.portal.get(link).form("Je confirme").fill("Mon mot de passe", tenant.password).click()
    assert page.path == "/connexion" and page.says("votre adresse mail est changée")
    mailbox.read(to=NEW), mailbox.read(to=OLD)
    assert tenant.browser.get("/espace").says(NEW)
    assert other.browser.get("/espace").says("marc@free.fr")


@pytest.mark.every_home
def test_link_dies_with_its_time_a_newer_wish_and_the_tenants_own_stop(portal, mailbox, an_account, clock):
    tenant = an_account(email=OLD)
    first, _ = asked(tenant, mailbox)
    second, _ = asked(tenant, mailbox, THIRD)
    assert portal.get(first, status=410).says("remplacé")
    page = tenant.browser.get("/espace/compte").click("Annuler ce changement")
    assert page.says("le changement d'adresse est annulé") and not page.says(THIRD)
    portal.get(second, status=410)
    link, _ = asked(tenant, mailbox)
    clock.move(hours=24, minutes=1)
    page = portal.get(link, status=410)
    assert page.says("n'est plus valable depuis le mardi 24 novembre")
    assert page.click_link("Aller à mon compte").path == "/connexion"
    tenant.log_in(tenant.browser)
    assert not tenant.browser.get("/espace/compte").says("attend d'être confirmée")
    link, _ = asked(tenant, mailbox)
    change_password(tenant.browser)
    mailbox.read(to=OLD)
    assert tenant.browser.get(link, status=410).says("remplacé")


def test_tenant_whose_address_is_in_doubt_reads_why_and_has_another_link_sent(mailbox, an_account, clock):
    tenant = an_account(email=OLD)
    changed(tenant, mailbox)
    change_password(tenant.browser)
    mailbox.read_all()
    page = tenant.browser.get("/espace/compte")
    assert page.says("Confirmez votre adresse mail") and page.says("aucun lien de mot de passe ne part à cette adresse")
    assert not page.says("Annuler ce changement"), "nothing is to be changed"
    clock.move(minutes=3)
    page = page.click_link("Recevoir un nouveau lien")
    assert page.says("Pour y recevoir un lien, tapez-la à nouveau")
    form = page.form("Recevoir le lien").fill("Ma nouvelle adresse mail", NEW)
    form.fill("Mon mot de passe", NEW_PASSWORD).click()
    page = tenant.browser.get(mailbox.read(to=NEW).link).click("Je confirme mon adresse")
    assert page.path == "/espace/compte" and not page.says("Confirmez votre adresse mail")
    mailbox.read_all()


def test_button_pressed_twice_is_one_wish_and_three_an_hour_are_enough(mailbox, an_account, clock):
    tenant = an_account(email=OLD)
    asked(tenant, mailbox)
    assert ask_email_change(tenant.browser, NEW).path == "/espace/compte"
    assert mailbox.read_all() == []
    for _ in range(2):
        clock.move(minutes=3)
        asked(tenant, mailbox)
    clock.move(minutes=3)
    ask_email_change(tenant.browser, NEW, status=429)
    assert mailbox.read_all() == []
    clock.move(hours=1)
    tenant.log_in(tenant.browser)
    asked(tenant, mailbox)


def test_t06_likely_slip_is_shown_before_the_mail_is_waited_for(mailbox, an_account):
    tenant = an_account(email=OLD)
    page = ask_email_change(tenant.browser, "lea@gmial.com", "")
    assert page.says("Voulez-vous dire lea@gmail.com ?")
    assert ask_email_change(tenant.browser, "lea@gmial.com").says("Vouliez-vous dire lea@gmail.com ?")
    mailbox.read_all()


def test_t09_address_that_failed_is_put_right_or_proved_again(app, post_office, mailbox, an_account):
    tenant = an_account(email=OLD)
    post_office.answers[NEW] = "550 no such user"
    ask_email_change(tenant.browser, NEW)
    mailbox.read(to=OLD)
    assert tenant.browser.get("/espace/compte").says("cet e-mail n'a pas pu être remis")
    post_office.answers.clear()
    with app.app_context():
        begin_write()
        account = db.session.scalars(select(Account)).one()
        account.email_failed_at = account.created_at
        db.session.commit()
    assert tenant.browser.get("/espace").click_link("Changez votre adresse mail").path == "/espace/compte/adresse"
    ask_email_change(tenant.browser, OLD)
    tenant.browser.get(mailbox.read(to=OLD).link).click("Je confirme mon adresse")
    mailbox.read(to=OLD)
    assert not tenant.browser.get("/espace").says("n'a pas pu être remis")


def test_t30_two_accounts_share_an_address(portal, mailbox, an_account):
    one, two = an_account(email=OLD), an_account(email=NEW)
    changed(one, mailbox)
    assert two.browser.get("/espace").says(NEW)
    for tenant in (one, two):
        assert tenant.log_in(portal.another_browser()).says(tenant.lease.reference)


@pytest.mark.every_home
@pytest.mark.parametrize("is_done", [False, True], ids=["before it is done", "after it is done"])
def test_f03_owner_of_the_former_address_takes_his_account_back(portal, mailbox, an_account, is_done):
    tenant = an_account(email=OLD)
    thief, owner = portal, portal.another_browser()
    tenant.log_in(thief, remember=True)
    ask_email_change(thief, NEW)
    confirm, objection = mailbox.read(to=NEW).link, mailbox.read(to=OLD).link_not_me
    if is_done:
        thief.get(confirm).click("Je confirme mon adresse")
        mailbox.read(to=NEW)
        objection = mailbox.read(to=OLD).link_not_me

    page = owner.get(objection)
    assert page.path == "/ce-nest-pas-moi", "the token has left the address"
    assert page.says("redevient celle d'avant") is is_done and not page.says(NEW), "T31: nor the new one"
    page = fill_not_me(page).click()
    assert page.path == "/mot-de-passe-oublie" and page.says("le compte est bloqué")
    if is_done:
        told = mailbox.read(to=NEW)
        assert "n'arrivent plus à cette adresse" in plain(told.text) and not told.links
    told = mailbox.read(to=OLD)
    assert told.link.endswith("/mot-de-passe-oublie")
    mailbox.read(to=mailbox.landlord)
    for browser in (thief, tenant.browser):
        assert browser.get("/espace").h1 == "Identifiez-vous"
    assert tenant.log_in(thief).says("votre compte est bloqué"), "whoever asked for it knew the password"
    thief.another_browser().get(confirm, status=410)
    assert portal.another_browser().get(objection).says("le compte est bloqué"), "T38: the same page again"

    choose_password(owner, mailbox, tenant.lease, email=OLD, password=FRESH)
    assert log_in(owner, tenant.lease.reference, FRESH).says(OLD)


def test_thief_who_changes_the_password_and_closes_the_account_does_not_lose_it_for_the_owner(
    portal, mailbox, an_account
):
    tenant = an_account(email=OLD)
    objection = changed(tenant, mailbox)
    change_password(tenant.browser)
    close_account(tenant.browser, NEW_PASSWORD)
    assert mailbox.read(to=OLD).link_not_me, "the first address hears of it, and can say so"
    assert len(mailbox.read_all()) == 3, "new password, the address to prove anew, closed"

    assert portal.get(objection).says("Le compte n'est plus fermé")
    fill_not_me(portal.page).click()
    mailbox.read(to=NEW), mailbox.read(to=OLD), mailbox.read(to=mailbox.landlord)
    choose_password(portal, mailbox, tenant.lease, email=OLD, password=FRESH)
    assert log_in(portal, tenant.lease.reference, FRESH).says(OLD), "the closing is undone as well"


def test_first_address_wins_over_the_later_ones(portal, mailbox, an_account):
    tenant = an_account(email=OLD)
    first = changed(tenant, mailbox, NEW)
    ask_email_change(tenant.browser, THIRD)
    middle = mailbox.read(to=NEW).link_not_me
    tenant.browser.get(mailbox.read(to=THIRD).link).click("Je confirme mon adresse")
    mailbox.read(to=THIRD)
    assert not mailbox.read(to=NEW).links, "an address that came in by a change still open can undo nothing"
    portal.another_browser().get(middle, status=410)
    fill_not_me(portal.get(first)).click()
    assert {mail.to for mail in mailbox.read_all()} == {OLD, THIRD, mailbox.landlord}
    choose_password(portal, mailbox, tenant.lease, email=OLD)


def test_objection_is_good_for_seven_days_and_the_address_is_forgotten_after_thirty(
    portal, app, mailbox, an_account, clock
):
    tenant = an_account(email=OLD)
    objection = changed(tenant, mailbox)
    clock.move(days=6, hours=23)
    assert portal.get(objection).says("Ce n'est pas vous ?")
    clock.move(hours=2)
    assert portal.get(objection, status=410).says("Contactez-nous")
    must_run(app, "purge")
    with app.app_context():
        assert db.session.scalars(select(EmailChange.old_email)).all() == [OLD]
    clock.move(days=24)
    must_run(app, "purge")
    with app.app_context():
        assert db.session.scalars(select(EmailChange)).all() == []
    assert tenant.log_in(tenant.browser).says(NEW)


def test_a_link_of_one_kind_is_worth_nothing_as_another(portal, mailbox, an_account, a_contract):
    tenant = an_account(email=OLD)
    link, objection = asked(tenant, mailbox)
    forget(portal, tenant.lease.reference)
    reset = mailbox.read(to=OLD).link
    sign_up(portal, a_contract())
    tokens = {"adresse": link, "ce-nest-pas-moi": objection, "mot-de-passe": reset, "activation": mailbox.read().link}
    for place in tokens:
        for kind, address in tokens.items():
            status = 200 if kind == place else 404
            portal.another_browser().get(f"/{place}/{address.rpartition('/')[2]}", status=status)


def test_f13_link_confirmed_twice_at_once_is_confirmed_once(portal, mailbox, an_account):
    tenant = an_account(email=OLD)
    link, _ = asked(tenant, mailbox)
    twin = portal.another_browser()
    for name in ("portal_session", "portal_device"):
        twin.http.set_cookie(name, tenant.browser.cookie(name))
    forms = [browser.get(link).form("Je confirme mon adresse") for browser in (tenant.browser, twin)]
    with ThreadPoolExecutor(2) as pool:
        pages = list(pool.map(lambda form: form.click(status=0), forms))
    assert [page.status for page in pages] == [200, 200], "the second asks for what is true already"
    assert {mail.to for mail in mailbox.read_all()} == {NEW, OLD}


def test_staff_read_which_mails_of_a_change_left(app, mailbox, an_account):
    tenant = an_account(email=OLD)
    changed(tenant, mailbox)
    shown = must_run(app, "contracts", "show", tenant.lease.reference)
    for name in ("nouvelle adresse à confirmer", "changement d'adresse demandé", "adresse mail changée"):
        assert name in shown
