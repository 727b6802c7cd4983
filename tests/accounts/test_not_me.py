"""H07, T14: « Ce n'est pas moi » freezes the account; its tenant or the office thaws it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from tenant_portal.db import begin_write, db, utcnow
from tenant_portal.models import Account, Contract, Event, Login
from tests.support.page_text import plain
from tests.support.people import choose_password, must_run, run

from ..support.portal_client import ANY_STATUS
from ..support.steps import (
    EMAIL,
    NEW_PASSWORD,
    PASSWORD,
    ask_email_change,
    change_password,
    close_account,
    fill_login,
    fill_new_password,
    fill_not_me,
    finish,
    forget,
    log_in,
    sign_up,
    write_message,
)

pytestmark = pytest.mark.security

OLD, NEW, ROSTER = "lea@free.fr", "lea.martin@orange.fr", "adresse.connue@laposte.net"
BLOCKED = "votre compte est bloqué, à votre demande"


def told_of_a_device(tenant, mailbox):
    """Have somebody else log in; return his browser and the link of the owner's mail."""
    thief = tenant.browser.another_browser()
    tenant.log_in(thief)
    return thief, mailbox.of_devices()[-1].link_not_me


def frozen(tenant, mailbox, browser):
    """Freeze the account from the mail about a new device; return the thief's browser and the link."""
    thief, link = told_of_a_device(tenant, mailbox)
    fill_not_me(browser.get(link)).click()
    mailbox.read(to=tenant.email), mailbox.read(to=mailbox.landlord)
    return thief, link


def disputed(portal, mailbox, a_contract):
    """Create an account with another address than the landlord's; return its contract and the link to dispute it."""
    lease = a_contract(email=ROSTER)
    sign_up(portal, lease, email=NEW)
    finish(portal, mailbox.read(to=NEW).link, lease.reference)
    mailbox.read(to=NEW)
    told = mailbox.read(to=ROSTER)
    assert plain(told.subject) == "Un compte vient d'être créé pour votre contrat"
    assert lease.reference not in told.text and NEW not in told.text
    return lease, told.link_not_me


@pytest.mark.every_home
def test_h07_owner_freezes_his_account_from_a_mail_and_thaws_it_by_a_new_password(portal, app, mailbox, an_account):
    tenant = an_account(email=OLD)
    thief, link = told_of_a_device(tenant, mailbox)
    page = portal.get(link)
    assert page.path == "/ce-nest-pas-moi", "the token has left the address"
    assert page.says("Personne ne peut plus s'y connecter") and page.says("Notre bureau est prévenu")
    page = page.click("Ce n'est pas moi")
    assert page.path == "/ce-nest-pas-moi/confirmation" and thief.get("/espace").path == "/espace", "nothing yet"
    page = page.click("Oui, je bloque le compte")
    assert page.path == "/mot-de-passe-oublie" and page.says("le compte est bloqué")
    for browser in (thief, tenant.browser):
        assert browser.get("/espace").path == "/connexion"
    told = mailbox.read(to=OLD)
    assert plain(told.subject) == "Votre compte locataire est bloqué" and told.link.endswith("/mot-de-passe-oublie")
    task = mailbox.read(to=mailbox.landlord)
    assert "Contestation" in task.subject and tenant.lease.reference in task.text
    assert f"contracts thaw {tenant.lease.reference}" in plain(task.text)

    page = tenant.log_in(thief)
    assert page.path == "/connexion" and page.says(BLOCKED) and page.says("02 41 00 00 00")
    assert log_in(thief, tenant.lease.reference, "devinette de voleur").says("ne correspond pas")
    assert "bloqué" in must_run(app, "contracts", "show", tenant.lease.reference)

    choose_password(portal, mailbox, tenant.lease, email=OLD)
    assert tenant.log_in(thief).says("ne correspond pas")
    assert log_in(portal, tenant.lease.reference, NEW_PASSWORD).says(OLD)
    assert "Compte bloqué" not in must_run(app, "contracts", "show", tenant.lease.reference)


def test_h07_password_that_a_thief_may_know_is_not_chosen_again(portal, mailbox, an_account):
    tenant = an_account(email=OLD)
    frozen(tenant, mailbox, portal)
    mailbox.read_all()
    forget(portal, tenant.lease.reference)
    page = portal.get(mailbox.read(to=OLD).link)
    page = fill_new_password(page, tenant.password).click()
    assert page.faults == ["Choisissez un autre mot de passe que l'ancien : quelqu'un le connaît peut-être."]
    assert fill_new_password(page).click().path == "/connexion"
    mailbox.read_all()


def test_f22_scanner_that_presses_the_first_button_of_each_page_does_nothing(
    portal, mailbox, an_account, database_dump
):
    tenant = an_account(email=OLD)
    _, link = told_of_a_device(tenant, mailbox)
    before, scanner = database_dump(), portal.another_browser()
    page = scanner.get(link)
    for _ in range(5):
        button = page.tree.cssselect("main form button[type=submit]")[0]
        page = page.click(button.text_content())
    assert database_dump() == before and tenant.browser.get("/espace").path == "/espace"


def test_t38_second_click_and_second_link_show_the_same_page_and_tell_nobody_again(portal, mailbox, an_account):
    tenant = an_account(email=OLD)
    thief, link = told_of_a_device(tenant, mailbox)
    forms = [fill_not_me(portal.another_browser().get(link)) for _ in range(2)]
    pages = [form.click() for form in forms]
    assert pages[0].text == pages[1].text and pages[0].path == "/mot-de-passe-oublie"
    assert portal.get(link).says("le compte est bloqué")
    assert sorted(mail.to for mail in mailbox.read_all()) == sorted([OLD, mailbox.landlord])


def test_open_links_die_with_the_freeze(portal, mailbox, an_account):
    tenant = an_account(email=OLD)
    thief, link = told_of_a_device(tenant, mailbox)
    forget(thief, tenant.lease.reference)
    reset = mailbox.read(to=OLD).link
    ask_email_change(thief, NEW)
    confirm = mailbox.read(to=NEW).link
    mailbox.read(to=OLD)
    fill_not_me(portal.get(link)).click()
    mailbox.read(to=OLD), mailbox.read(to=mailbox.landlord)
    for dead in (reset, confirm):
        assert thief.another_browser().get(dead, status=410).says("Ce lien a été remplacé")
    choose_password(portal, mailbox, tenant.lease, email=OLD)


def test_change_of_address_of_the_last_days_is_undone_whichever_of_the_two_says_so(portal, mailbox, an_account, clock):
    for reader in (OLD, NEW):
        tenant = an_account(email=OLD)
        ask_email_change(tenant.browser, NEW, tenant.password)
        tenant.browser.get(mailbox.read(to=NEW).link).click("Je confirme mon adresse")
        mailbox.read(to=OLD)
        links = {mail.to: mail.link_not_me for mail in mailbox.read_all()}
        clock.move(days=1)
        page = portal.get(links[reader])
        assert page.says("redevient celle d'avant") and NEW not in page.text and OLD not in page.text
        fill_not_me(page).click()
        assert [mail.subject[:12] for mail in mailbox.read_all() if mail.to == NEW] == ["Le changemen"]
        choose_password(portal, mailbox, tenant.lease, email=OLD)
        portal.another_browser().get(links[NEW], status=410)


def test_x02_young_address_can_neither_freeze_again_nor_undo_the_owners_return(portal, mailbox, an_account, clock):
    tenant = an_account(email=OLD)
    thief = portal.another_browser()
    tenant.log_in(thief)
    ask_email_change(thief, NEW)
    thief.get(mailbox.read(to=NEW).link).click("Je confirme mon adresse")
    mails = mailbox.read_all()
    thiefs = [mail.link_not_me for mail in mails if mail.to == NEW]
    fill_not_me(portal.get([mail.link_not_me for mail in mails if mail.to == OLD][-1])).click()
    mailbox.read_all()
    for link in thiefs:
        thief.another_browser().get(link, status=410)
    choose_password(portal, mailbox, tenant.lease, email=OLD)
    for link in thiefs:
        thief.another_browser().get(link, status=410)
    assert log_in(portal, tenant.lease.reference, NEW_PASSWORD).says(OLD)


def test_thief_who_changes_password_and_closes_the_account_kills_no_link(portal, mailbox, an_account):
    tenant = an_account(email=OLD)
    thief, link = told_of_a_device(tenant, mailbox)
    change_password(thief)
    close_account(thief, NEW_PASSWORD)
    mailbox.read_all()
    assert portal.get(link).says("Le compte n'est plus fermé")
    fill_not_me(portal.page).click()
    mailbox.read_all()
    assert log_in(thief, tenant.lease.reference, NEW_PASSWORD).says(BLOCKED), "and nobody reopens it by the password"
    choose_password(portal, mailbox, tenant.lease, email=OLD, password="le secret de la vraie locataire")
    assert log_in(portal, tenant.lease.reference, "le secret de la vraie locataire").says(OLD)


def test_nobody_thaws_the_account_with_the_password_alone(portal, mailbox, an_account, clock):
    tenant = an_account(email=OLD)
    thief, _ = frozen(tenant, mailbox, portal)
    for way in ("/espace", "/espace/compte/mot-de-passe", "/espace/compte/adresse", "/espace/connexions"):
        assert thief.get(way).path == "/connexion"
    assert tenant.log_in(thief.another_browser(), remember=True).says(BLOCKED)
    assert sign_up(thief, tenant.lease, email=NEW).h1 == "Consultez vos e-mails", "T13: the page of every sign-up"
    told = mailbox.read(to=OLD)
    assert plain(told.subject) == "Votre compte locataire est bloqué"
    mailbox.read(to=NEW)
    thief.page.click("Renvoyer l'e-mail")
    mailbox.read_all()
    assert tenant.log_in(thief).says(BLOCKED)
    write_message(thief, email=NEW)
    mailbox.read_all()


def test_links_hold_for_seven_days(portal, mailbox, an_account, clock):
    tenant = an_account(email=OLD)
    _, link = told_of_a_device(tenant, mailbox)
    clock.move(days=6, hours=23)
    assert portal.get(link).says("Ce n'est pas vous ?")
    clock.move(hours=2)
    assert portal.get(link, status=410).says("Contactez-nous")


def test_office_thaws_and_the_old_password_and_the_old_links_are_worth_nothing(portal, app, mailbox, an_account):
    tenant = an_account(email=OLD)
    thief, link = frozen(tenant, mailbox, portal)
    assert "Compte débloqué" in must_run(app, "contracts", "thaw", f"L/{tenant.lease.reference}")
    told = mailbox.read(to=OLD)
    assert plain(told.subject) == "Votre compte locataire est débloqué" and told.link_not_me
    assert tenant.log_in(thief).says("ne correspond pas")
    portal.another_browser().get(link, status=410)
    choose_password(portal, mailbox, tenant.lease, email=OLD)
    assert log_in(portal, tenant.lease.reference, NEW_PASSWORD).says(OLD)
    code, said = run(app, "contracts", "thaw", tenant.lease.reference)
    assert code == 1 and "n'est pas bloqué" in said


def test_office_freezes_what_is_disputed_by_telephone_and_it_alone_thaws(portal, app, mailbox, an_account):
    tenant = an_account(email=OLD)
    must_run(app, "contracts", "freeze", tenant.lease.reference)
    assert "ppelez-nous" in plain(mailbox.read(to=OLD).text)
    assert tenant.browser.get("/espace").path == "/connexion"
    assert tenant.log_in(portal).says("Lui seul peut le débloquer")
    forget(portal, tenant.lease.reference)
    assert "/mot-de-passe" not in mailbox.read(to=OLD).text
    assert run(app, "contracts", "freeze", tenant.lease.reference)[0] == 1
    must_run(app, "contracts", "thaw", tenant.lease.reference)
    mailbox.read(to=OLD)
    for reference in ("999999", "abc"):
        assert run(app, "contracts", "thaw", reference)[0] == 1


@pytest.mark.every_home
def test_t14_address_that_the_landlord_held_disputes_an_account_that_somebody_else_created(
    portal, app, mailbox, a_contract
):
    lease, link = disputed(portal, mailbox, a_contract)
    owner = portal.another_browser()
    page = owner.get(link)
    assert page.says("Lui seul peut le débloquer")
    page = fill_not_me(page).click()
    assert page.path == "/connexion" and page.says("il vérifie à qui est ce compte")
    assert "ppelez-nous" in plain(mailbox.read(to=NEW).text)
    task = mailbox.read(to=mailbox.landlord)
    assert "vérifiez à qui est le contrat" in plain(task.text)
    assert portal.get("/espace").path == "/connexion"
    assert log_in(portal, lease.reference).says("Lui seul peut le débloquer")
    forget(portal, lease.reference)
    assert "/mot-de-passe" not in mailbox.read(to=NEW).text, "the address in dispute settles nothing by itself"
    must_run(app, "contracts", "thaw", lease.reference)
    mailbox.read(to=NEW)
    owner.another_browser().get(link, status=410)


def test_t14_tenant_who_freezes_and_thaws_his_account_takes_the_dispute_from_nobody(portal, mailbox, a_contract):
    lease, link = disputed(portal, mailbox, a_contract)
    other = portal.another_browser()
    log_in(other, lease.reference)
    own = mailbox.of_devices()[-1].link_not_me
    fill_not_me(other.get(own)).click()
    mailbox.read_all()
    choose_password(other, mailbox, lease, email=NEW)
    fill_not_me(other.get(own)).click()
    mailbox.read_all()
    fill_not_me(portal.another_browser().get(link)).click()
    assert log_in(other, lease.reference, NEW_PASSWORD).says("Lui seul peut le débloquer")
    assert [mail.to for mail in mailbox.read_all()] == [NEW, mailbox.landlord]


@pytest.mark.parametrize("known", ["", EMAIL.upper()])
def test_b04_nobody_is_told_where_the_landlord_held_no_other_address(portal, mailbox, a_contract, known):
    lease = a_contract(email=known)
    sign_up(portal, lease)
    finish(portal, mailbox.read(to=EMAIL).link, lease.reference)
    assert plain(mailbox.read(to=EMAIL).subject) == "Votre compte locataire est prêt"


def test_account_that_its_owner_froze_gets_its_notices_on_paper(portal, app, mailbox, an_account):
    tenant = an_account(email=OLD, e_notice="Oui")
    assert tenant.lease.reference not in must_run(app, "notices", "paper", "2026-12")
    frozen(tenant, mailbox, portal)
    assert f"{tenant.lease.reference}" in (paper := must_run(app, "notices", "paper", "2026-12"))
    assert "compte bloqué" in paper


def test_two_clicks_and_a_thief_at_once_leave_no_session(app, portal, mailbox, an_account):
    tenant = an_account(email=OLD)
    _, link = told_of_a_device(tenant, mailbox)
    forms = [fill_not_me(portal.another_browser().get(link)) for _ in range(2)]
    forms += [
        fill_login(portal.another_browser().get("/connexion"), tenant.lease.reference, tenant.password)
        for _ in range(4)
    ]
    with ThreadPoolExecutor(6) as pool:
        pages = list(pool.map(lambda form: form.click(status=ANY_STATUS), forms))
    assert {page.status for page in pages} == {200}
    with app.app_context():
        assert db.session.scalars(select(Login).where(Login.ended_at.is_(None))).all() == []
        frozen_once = db.session.scalars(select(Event).where(Event.name == "account_frozen")).all()
        assert len(frozen_once) == 1
    assert len([mail for mail in mailbox.read_all() if mail.to == mailbox.landlord]) == 1


def test_reset_under_way_when_the_account_is_frozen_changes_nothing(portal, mailbox, an_account):
    tenant = an_account(email=OLD)
    thief, link = told_of_a_device(tenant, mailbox)
    forget(thief, tenant.lease.reference)
    reset = mailbox.read(to=OLD).link
    form = fill_new_password(thief.get(reset))
    fill_not_me(portal.get(link)).click()
    mailbox.read(to=OLD), mailbox.read(to=mailbox.landlord)
    assert form.click(status=410).says("Ce lien a été remplacé")


def test_l26_frozen_account_is_not_closed_as_idle_nor_its_disputed_address_invited_to_log_in(
    portal, app, mailbox, an_account, clock
):
    tenant = an_account(email=OLD)
    frozen(tenant, mailbox, portal)
    clock.move(days=731)
    assert "qui se ferment : 0" in plain(must_run(app, "purge"))
    assert not mailbox.unread()
    choose_password(portal, mailbox, tenant.lease, email=OLD)
    assert log_in(portal, tenant.lease.reference, NEW_PASSWORD).says(OLD)


def test_closed_account_whose_closing_is_disputed_is_not_erased(portal, app, mailbox, an_account, clock):
    tenant = an_account(email=OLD)
    close_account(tenant.browser, PASSWORD)
    fill_not_me(portal.get(mailbox.read(to=OLD).link_not_me)).click()
    mailbox.read_all()
    clock.move(days=15)
    must_run(app, "purge")
    choose_password(portal, mailbox, tenant.lease, email=OLD)
    assert log_in(portal, tenant.lease.reference, NEW_PASSWORD).says(OLD)


def test_link_of_a_contract_that_was_signed_up_anew_is_dead(portal, app, mailbox, an_account):
    tenant = an_account(email=OLD)
    _, link = told_of_a_device(tenant, mailbox)
    with app.app_context():
        begin_write()
        account = db.session.scalars(select(Account)).one()
        db.session.scalars(select(Contract)).one().account = None
        account.closed_at = utcnow()
        db.session.commit()
    assert portal.get(link, status=ANY_STATUS).status in {404, 410}


def test_h07_mail_that_left_late_holds_a_link_that_still_freezes_and_names_its_day(portal, mailbox, an_account, clock):
    tenant = an_account(email=OLD)
    tenant.log_in(portal.another_browser())
    clock.move(days=8)
    told = mailbox.of_devices()[-1]
    assert "avant le mardi 8 décembre à 9 h 30" in plain(told.text)
    clock.move(days=6)
    fill_not_me(portal.get(told.link_not_me)).click()
    assert log_in(portal, tenant.lease.reference, tenant.password).says(BLOCKED)
    mailbox.read_all()


def test_h07_mail_that_left_late_to_who_may_say_it_no_more_holds_no_link(portal, app, mailbox, an_account, clock):
    tenant = an_account(email=OLD)
    tenant.log_in(portal.another_browser())
    must_run(app, "contracts", "freeze", tenant.lease.reference)
    must_run(app, "contracts", "thaw", tenant.lease.reference)
    clock.move(days=8)
    text = plain(mailbox.of_devices()[-1].text)
    assert "/ce-nest-pas-moi" not in text and "Contactez-nous tout de suite" in text
    mailbox.read_all()
