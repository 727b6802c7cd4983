"""G05: what a clerk does for a stuck tenant, what the tenant is told, and what is written down."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from tenant_portal import signals
from tenant_portal.accounts.office_acts import OfficeAct
from tenant_portal.db import begin_write, db, utcnow
from tenant_portal.models import Account, Contract
from tests.conftest import Clock
from tests.support.page_text import plain
from tests.support.people import Tenant, must_run, open_account, second_contract
from tests.support.portal_client import Form, Page, Portal
from tests.support.post import Mailbox
from tests.support.steps import (
    EMAIL,
    NEW_PASSWORD,
    Lease,
    ask_email_change,
    fill_not_me,
    finish,
    log_in,
    reset_password,
    sign_up,
    write_at_home,
)

pytestmark = pytest.mark.security

AContract = Callable[..., Lease]
AnAccount = Callable[..., Tenant]
ADesk = Callable[..., Portal]
NONE, COUNTER, CALL, LETTER = "aucune vérification", "au guichet", "rappel au numéro connu", "lettre à code"
ALL = (
    "delai",
    "activation",
    "mot-de-passe",
    "adresse",
    "choix",
    "deblocage",
    "appareils",
    "blocage",
    "retrait",
    "remise",
)


def number_of(app: Flask, lease: Lease) -> int:
    with app.app_context():
        return db.session.scalars(select(Contract.id).where(Contract.reference == lease.reference)).one()


def opened(desk: Portal, app: Flask, lease: Lease, remedy: str) -> Page:
    return desk.get(f"/gestion/contrat/{number_of(app, lease)}/{remedy}")


def filled(page: Page, how: str = COUNTER, why: str = "à la demande du locataire", sentence: str = "") -> Form:
    form = page.form(page.h1).choose("Comment savez-vous", how).choose("Pourquoi", why)
    return form.fill("Le locataire peut lire cette phrase", sentence)


def do(desk: Portal, app: Flask, lease: Lease, remedy: str, *typed: str) -> Page:
    page = filled(opened(desk, app, lease, remedy), *typed).click()
    assert page.path == f"/gestion/contrat/{number_of(app, lease)}" and page.says("C'est fait"), page.text
    return page


def journal(app: Flask) -> list[tuple[str, ...]]:
    """Return clerk, act, identity and reason of each act that is no look."""
    with app.app_context():
        rows = db.session.scalars(select(OfficeAct).where(OfficeAct.act != "viewed").order_by(OfficeAct.id))
        return [(row.clerk, row.act, row.identity, row.reason) for row in rows]


def change(app: Flask, **facts: Any) -> None:
    """Change the only account behind everybody's back."""
    with app.app_context():
        begin_write()
        db.session.execute(update(Account).values(**facts))
        db.session.commit()


def says_at_your_request(letter: Any, act: str) -> bool:
    return plain(f"À votre demande, notre bureau a {act}") in plain(letter.text)


def guess(browser: Portal, lease: Lease, times: int = 5) -> None:
    for _ in range(times):
        log_in(browser.another_browser(), lease.reference, "devinette de voleur")


def test_g05_address_of_a_sign_up_is_put_right_in_one_act_past_the_tenants_limits(
    app: Flask, staff: Portal, portal: Portal, mailbox: Mailbox, a_contract: AContract
) -> None:
    lease = a_contract()
    sign_up(portal, lease, email="elodie@orange.com")
    for _ in range(3):  # all that the tenant may ask for in an hour
        portal.get("/inscription/courriel").click("Renvoyer l'e-mail")
    old = mailbox.read_all()[-1].link
    change(app, email_failed_at=utcnow())
    page = opened(staff, app, lease, "activation")
    assert page.says("Ce qui va se passer") and page.says("lui seul prévient le locataire")
    form = filled(page, NONE, "adresse mail mal tapée", "Vous m'avez appelé.").fill("Adresse mail", EMAIL)
    refused = form.click()
    assert refused.says("il faut avoir reconnu le locataire") and not journal(app)
    assert refused.form(page.h1).choose("Comment savez-vous", CALL).click().says("l'e-mail d'activation part")
    letter = mailbox.read(to=EMAIL)
    assert says_at_your_request(letter, "corrigé votre adresse mail et envoyé l'e-mail d'activation")
    assert "Vous m'avez appelé." in plain(letter.text)
    portal.another_browser().get(old, status=410)
    assert not staff.get("/gestion/contrat/1").says("n'a pas pu être remis"), "the mark of the bounce is gone"
    assert finish(portal, letter.link, lease.reference).path == "/espace"
    mailbox.read(to=EMAIL)
    assert journal(app) == [("Mme Moreau", "activation_corrected", "call_back", "wrong_address")]


def test_g05_activation_is_sent_again_without_a_check_to_the_address_on_file(
    app: Flask, staff: Portal, portal: Portal, mailbox: Mailbox, a_contract: AContract
) -> None:
    lease = a_contract()
    sign_up(portal, lease, email=EMAIL)
    first = mailbox.read().link
    do(staff, app, lease, "activation", NONE, "e-mail non reçu")
    letter = mailbox.read(to=EMAIL)
    assert says_at_your_request(letter, "renvoyé l'e-mail d'activation")
    assert portal.another_browser().get(first).path == "/activation", "the first link still opens"
    assert journal(app) == [("Mme Moreau", "activation_sent", "none", "no_mail")]


def test_g05_tenant_who_finishes_while_the_clerk_corrects_his_address_keeps_it(
    app: Flask, staff: Portal, portal: Portal, mailbox: Mailbox, a_contract: AContract
) -> None:
    lease = a_contract()
    sign_up(portal, lease, email=EMAIL)
    link = mailbox.read().link
    form = filled(opened(staff, app, lease, "activation")).fill("Adresse mail", "autre@free.fr")
    finish(portal, link, lease.reference)
    mailbox.read(to=EMAIL)
    page = form.click()
    assert page.says("La situation a changé") and page.says("il n'y a plus rien à activer")
    assert not journal(app) and not mailbox.read_all() and portal.get("/espace").says(EMAIL)


def test_g05_tenant_who_corrects_his_address_first_is_not_overwritten(
    app: Flask, staff: Portal, portal: Portal, mailbox: Mailbox, a_contract: AContract
) -> None:
    lease = a_contract()
    sign_up(portal, lease, email="elodie@orange.com")
    form = filled(opened(staff, app, lease, "activation"))
    portal.get("/inscription/courriel").form("Modifier mon adresse").fill("Votre adresse mail", EMAIL).click()
    mailbox.read_all()
    page = form.click()
    assert page.says("La situation a changé") and page.form(page.h1).value("Adresse mail") == "elodie@orange.com"
    assert page.says(EMAIL) and not journal(app) and not mailbox.read_all()


def test_g05_link_for_a_new_password_goes_to_the_address_on_file(
    app: Flask, staff: Portal, portal: Portal, mailbox: Mailbox, an_account: AnAccount
) -> None:
    tenant = an_account()
    page = opened(staff, app, tenant.lease, "mot-de-passe")
    assert page.says(f"part à l'adresse du compte : {EMAIL}") and page.says("pendant 1 heure")
    do(staff, app, tenant.lease, "mot-de-passe", NONE, "mot de passe oublié")
    letter = mailbox.read(to=EMAIL)
    assert says_at_your_request(letter, "envoyé un lien pour choisir un nouveau mot de passe")
    assert reset_password(portal, letter.link).path == "/connexion"
    mailbox.read(to=EMAIL)
    assert log_in(portal, tenant.lease.reference, NEW_PASSWORD).path == "/espace"
    assert journal(app) == [("Mme Moreau", "reset_sent", "none", "lost_password")]


def test_f27_no_link_for_a_new_password_goes_to_a_fresh_address_but_at_the_counter(
    app: Flask, staff: Portal, mailbox: Mailbox, an_account: AnAccount, clock: Clock
) -> None:
    tenant = an_account()
    form = filled(opened(staff, app, tenant.lease, "mot-de-passe"), NONE)
    ask_email_change(tenant.browser, "neuve@free.fr")
    tenant.browser.get(mailbox.read(to="neuve@free.fr").link).click("Je confirme mon adresse")
    mailbox.read_all()
    page = form.click()
    assert page.says("La situation a changé") and page.says("seulement si la personne est au guichet")
    assert not journal(app) and not mailbox.read_all()
    assert [radio.get("value") for radio in page.tree.cssselect("input[name=identity]")] == ["counter"]
    data = filled(page).node.form_values()
    forged = [(name, "call_back" if name == "identity" else value) for name, value in data]
    staff.submit(page, "post", page.path, forged, 200)
    assert not journal(app) and not mailbox.read_all()
    clock.move(hours=25)
    assert NONE in opened(staff, app, tenant.lease, "mot-de-passe").text


def test_g05_delay_is_lifted_and_what_it_cannot_lift_is_said(
    app: Flask, staff: Portal, portal: Portal, mailbox: Mailbox, an_account: AnAccount
) -> None:
    tenant = an_account()
    assert opened(staff, app, tenant.lease, "delai").says("Aucun délai ne court")
    guess(portal, tenant.lease)
    mailbox.read_all()
    log_in(portal.another_browser(), tenant.lease.reference, status=429)
    page = staff.get("/gestion/contrat/1")
    assert (
        plain(page.tree.cssselect(".portal-office-remedy a, .portal-office-others a")[0].text_content())
        == "Lever le délai de connexion"
    )
    page = opened(staff, app, tenant.lease, "delai")
    assert page.says("adresse réseau ne peut pas être levé") and page.says("15 minutes au plus")
    do(staff, app, tenant.lease, "delai", NONE, "trop d'essais de connexion")
    letter = mailbox.read(to=EMAIL)
    assert says_at_your_request(letter, "levé le délai de connexion de votre compte") and letter.link_not_me
    assert opened(staff, app, tenant.lease, "delai").says("Aucun délai ne court")
    assert journal(app) == [("Mme Moreau", "delay_lifted", "none", "too_many_tries")]


def test_g05_liar_gets_the_delay_lifted_once_a_day_at_most(
    app: Flask, staff: Portal, portal: Portal, mailbox: Mailbox, an_account: AnAccount, clock: Clock
) -> None:
    tenant = an_account()
    for is_asked in (False, True):
        for _ in range(5):
            clock.move(minutes=20)  # the network address waits no more
            guess(portal, tenant.lease, 1)
        page = opened(staff, app, tenant.lease, "delai")
        assert (NONE not in page.text) is is_asked
        filled(page, CALL if is_asked else NONE).click()
        mailbox.read_all()
    assert [identity for _, _, identity, _ in journal(app)] == ["none", "call_back"]


def test_g05_every_device_is_logged_out(app: Flask, staff: Portal, mailbox: Mailbox, an_account: AnAccount) -> None:
    tenant = an_account()
    assert opened(staff, app, tenant.lease, "appareils").says("1 appareil est connecté : il est déconnecté.")
    do(staff, app, tenant.lease, "appareils", NONE)
    assert tenant.browser.get("/espace").path == "/connexion"
    assert says_at_your_request(mailbox.read(to=EMAIL), "déconnecté tous les appareils de votre compte")
    assert opened(staff, app, tenant.lease, "appareils").says("Aucun appareil n'est connecté")
    assert journal(app) == [("Mme Moreau", "sessions_ended", "none", "on_request")]


def test_g05_account_is_frozen_and_the_thaw_shows_first_what_happened_since(
    app: Flask, staff: Portal, portal: Portal, mailbox: Mailbox, an_account: AnAccount, clock: Clock
) -> None:
    tenant = an_account()
    write_at_home(tenant.browser, topic="Autre chose", body="Avant.")
    mailbox.read_all()
    clock.move(minutes=1)
    assert NONE not in opened(staff, app, tenant.lease, "blocage").text, "it shuts the tenant out"
    do(staff, app, tenant.lease, "blocage", CALL, "compte ouvert ou utilisé par quelqu'un d'autre")
    assert "Notre bureau a bloqué le compte" in plain(mailbox.read(to=EMAIL).text)
    assert tenant.browser.get("/espace").path == "/connexion"
    assert opened(staff, app, tenant.lease, "mot-de-passe").says("bloqué et contesté")
    page = opened(staff, app, tenant.lease, "deblocage")
    assert page.says("par le bureau") and page.says("Depuis, rien ne s'y est passé.")
    assert CALL not in page.text, "a disputed account asks for more than a voice"
    log_in(portal.another_browser(), tenant.lease.reference, tenant.password)
    assert opened(staff, app, tenant.lease, "deblocage").says("essai de connexion avec le bon mot de passe")
    do(staff, app, tenant.lease, "deblocage", LETTER)
    letter = mailbox.read(to=EMAIL)
    assert says_at_your_request(letter, "débloqué votre compte") and letter.link_to("/mot-de-passe-oublie")
    assert log_in(portal, tenant.lease.reference, tenant.password).says("ne correspond pas")
    assert [row[1:3] for row in journal(app)] == [("frozen", "call_back"), ("thawed", "letter_code")]


def test_g05_contract_is_detached_and_put_back_within_seven_days(
    app: Flask, staff: Portal, portal: Portal, mailbox: Mailbox, an_account: AnAccount, a_contract: AContract
) -> None:
    tenant, other = an_account(e_notice="Oui"), a_contract()
    second_contract(app, tenant.lease, other)
    page = opened(staff, app, other, "retrait")
    assert page.says(f"Ce compte garde : {tenant.lease.reference}") and CALL not in page.text
    heard: list[dict[str, Any]] = []
    with signals.choices_changed.connected_to(lambda _, **what: heard.append(what), sender=app):
        do(staff, app, other, "retrait", COUNTER, "changement de titulaire")
    assert [what["reference"] for what in heard] == [other.reference]
    assert "Vos autres contrats restent" in plain(mailbox.read(to=EMAIL).text)
    assert not tenant.browser.get("/espace").says(other.reference)
    do(staff, app, other, "remise", NONE, "erreur de notre bureau")
    letter = mailbox.read(to=EMAIL)
    assert says_at_your_request(letter, "remis un contrat dans votre compte") and letter.link_not_me
    assert tenant.browser.get("/espace").says(other.reference)
    assert opened(staff, app, other, "remise").says("n'a pas été retiré")
    assert [row[1:3] for row in journal(app)] == [("detached", "counter"), ("reattached", "none")]


def test_g05_emptied_account_comes_back_with_a_new_password(
    app: Flask, staff: Portal, a_clerk: ADesk, portal: Portal, mailbox: Mailbox, an_account: AnAccount
) -> None:
    tenant = an_account()
    assert opened(staff, app, tenant.lease, "retrait").says("il est fermé, et effacé après 14 jours")
    do(staff, app, tenant.lease, "retrait", "demande écrite", "changement de titulaire")
    assert "est fermé" in plain(mailbox.read(to=EMAIL).text)
    page = opened(a_clerk("M. Petit"), app, tenant.lease, "remise")
    assert NONE not in page.text, "only his own slip is undone without recognising anybody"
    assert page.says("Ce compte est rouvert")
    filled(page).click()
    letter = mailbox.read(to=EMAIL)
    assert letter.link.endswith("/mot-de-passe-oublie")
    assert log_in(portal, tenant.lease.reference, tenant.password).path == "/connexion"
    do(staff, app, tenant.lease, "mot-de-passe", NONE)
    reset_password(portal, mailbox.read(to=EMAIL).link)
    mailbox.read(to=EMAIL)
    assert log_in(portal, tenant.lease.reference, NEW_PASSWORD).path == "/espace"


def test_g05_contract_stays_out_after_seven_days_or_a_sign_up(
    app: Flask, staff: Portal, portal: Portal, mailbox: Mailbox, an_account: AnAccount, clock: Clock
) -> None:
    tenant = an_account()
    do(staff, app, tenant.lease, "retrait")
    mailbox.read_all()
    form = filled(opened(staff, app, tenant.lease, "remise"))
    open_account(portal.another_browser(), mailbox, tenant.lease, email="vraie@free.fr")
    page = form.click()
    assert page.says("La situation a changé") and page.says("Quelqu'un s'est inscrit depuis")
    do(staff, app, tenant.lease, "retrait")
    mailbox.read_all()
    clock.move(days=7, minutes=1)
    assert opened(staff, app, tenant.lease, "remise").says("il y a plus de 7 jours")


def test_g05_second_click_and_second_clerk_read_who_was_faster(
    app: Flask, a_clerk: ADesk, portal: Portal, mailbox: Mailbox, an_account: AnAccount
) -> None:
    tenant = an_account()
    form = filled(opened(a_clerk("Mme Roux"), app, tenant.lease, "mot-de-passe"), NONE)
    form.click()
    assert form.click().says("Vous l'avez déjà fait")
    mailbox.read(to=EMAIL)
    other = filled(opened(a_clerk("M. Petit"), app, tenant.lease, "blocage"))
    do(a_clerk("Mme Roux"), app, tenant.lease, "blocage")
    mailbox.read(to=EMAIL)
    a_clerk("M. Petit")
    page = other.click()
    assert page.says("Mme Roux l'a déjà fait à 9 h 30.") and page.says("bloqué et contesté")
    assert [row[:2] for row in journal(app)] == [("Mme Roux", "reset_sent"), ("Mme Roux", "frozen")]


def test_g05_page_says_why_nothing_can_be_done(
    app: Flask, staff: Portal, portal: Portal, mailbox: Mailbox, a_contract: AContract
) -> None:
    lease = a_contract()
    for remedy in ALL:
        page = opened(staff, app, lease, remedy)
        assert page.says("n'a pas été retiré" if remedy == "remise" else "Ce contrat n'a pas de compte"), remedy
    sign_up(portal, lease)
    link = mailbox.read().link
    for remedy in ("mot-de-passe", "blocage", "retrait"):
        assert opened(staff, app, lease, remedy).says("La création de ce compte n'est pas finie"), remedy
    finish(portal, link, lease.reference)
    mailbox.read_all()
    change(app, email_failed_at=utcnow())
    assert opened(staff, app, lease, "mot-de-passe").says("ne reçoit plus rien")
    assert not journal(app)


def test_f23_remedies_are_there_for_staff_alone_and_take_no_form_without_token_or_answers(
    app: Flask, staff: Portal, portal: Portal, mailbox: Mailbox, an_account: AnAccount
) -> None:
    tenant = an_account()
    for remedy in ALL:
        assert staff.http.post(f"/gestion/contrat/1/{remedy}", data={"identity": "counter"}).status_code == 400
        staff.get(f"/gestion/contrat/999/{remedy}", status=404)
    page = opened(staff, app, tenant.lease, "appareils")
    page = page.form(page.h1).fill("Le locataire peut lire cette phrase", "x" * 141).click()
    assert page.faults == [
        "Dites comment vous l'avez reconnu.",
        "Choisissez une raison.",
        "Écrivez 140 caractères au plus.",
    ]
    app.extensions["portal"].options["staff"] = lambda: None
    for remedy in ALL:
        tenant.browser.get(f"/gestion/contrat/1/{remedy}", status=404)
    assert not journal(app) and not mailbox.read_all() and tenant.browser.get("/espace").path == "/espace"


def test_f26_no_word_about_the_tenant_stands_in_an_address_cookie_or_log_line(
    app: Flask, staff: Portal, mailbox: Mailbox, an_account: AnAccount, caplog: pytest.LogCaptureFixture
) -> None:
    tenant = an_account()
    caplog.set_level("INFO")
    form = filled(opened(staff, app, tenant.lease, "mot-de-passe"), NONE, sentence="Bonjour Élodie.")
    answer = staff.http.post(form.page.path, data=dict(form.node.form_values()))
    assert answer.status_code == 303
    with staff.http.session_transaction() as session:
        told = f"{dict(session)} {answer.headers} {caplog.text}"
    assert "office_act" in told and mailbox.read(to=EMAIL)
    for secret in (tenant.lease.reference, "MARTIN", "martin", EMAIL, "lodie"):
        assert secret not in told


def test_g05_disputed_account_is_thawed_or_its_contract_detached(
    app: Flask, staff: Portal, portal: Portal, mailbox: Mailbox, a_contract: AContract
) -> None:
    lease = a_contract(email="liste@laposte.net")
    open_account(portal, mailbox, lease)
    fill_not_me(portal.another_browser().get(mailbox.read(to="liste@laposte.net").link_not_me)).click()
    mailbox.read_all()
    page = staff.get("/gestion/contrat/1")
    offers = [
        plain(link.text_content()) for link in page.tree.cssselect(".portal-office-remedy a, .portal-office-others a")
    ]
    assert offers == ["Débloquer le compte", "Retirer le contrat de ce compte"]
    assert opened(staff, app, lease, "deblocage").says("qui lit l'adresse mail de notre liste")


def test_g05_what_a_command_does_stands_in_the_journal_and_the_tenant_reads_it(
    app: Flask, staff: Portal, mailbox: Mailbox, an_account: AnAccount
) -> None:
    tenant = an_account()
    number = write_at_home(tenant.browser, topic="Autre chose", body="Bonjour").path[-11:]
    must_run(app, "messages", "answer", number, "-", stdin=b"Bonjour.")
    for _ in range(2):
        must_run(app, "messages", "close", number)
    must_run(app, "sessions", "end", tenant.lease.reference)
    log_in(tenant.browser, tenant.lease.reference)
    assert tenant.browser.get("/espace/connexions").says("notre bureau a déconnecté tous les appareils")
    for act in ("freeze", "thaw", "release"):
        must_run(app, "contracts", act, tenant.lease.reference)
    acts = "message_answered", "message_closed", "sessions_ended", "frozen", "thawed", "detached"
    assert journal(app) == [("flask portal", act, "", "") for act in acts]
    do(staff, app, tenant.lease, "remise", COUNTER, "erreur de notre bureau")
    mailbox.read_all()
