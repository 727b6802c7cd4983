"""An invitation makes one account: a name, a password, a second factor, ten recovery codes."""

from collections.abc import Callable

from flask import Flask

from ..conftest import Clock
from ..support.people import run
from ..support.portal_client import Portal
from ..support.post import Mailbox
from ..support.staff_steps import STAFF_PASSWORD, Colleague, code_of, fill_invitation, invite, secret_on

ANNE = "anne.moreau@habitat.example"


def test_g01_invitation_shows_a_square_and_a_secret_takes_a_code_and_shows_ten_codes_once(
    app: Flask, portal: Portal, mailbox: Mailbox
) -> None:
    page = portal.get(invite(app, mailbox, ANNE, "--owner"))
    assert page.path == "/gestion/invitation", "the token leaves the address"
    assert page.tree.cssselect("svg[role=img] path") and len(secret_on(page)) == 32
    codes = fill_invitation(page, name="  Mme   Moreau ").click("Créer mon accès")
    printed = [node.text for node in codes.tree.cssselect("ol.portal-office-codes code")]
    assert len(set(printed)) == 10 and all(len(code) == 19 for code in printed)
    assert codes.click_link("Mes codes sont notés : aller à la gestion").says("Connecté : Mme Moreau")
    assert not portal.get("/gestion/collegues").says(printed[0])


def test_g01_what_is_wrong_with_an_invitation_is_told_and_the_secret_stays(
    app: Flask, portal: Portal, mailbox: Mailbox, owner: Colleague
) -> None:
    page = portal.get(invite(app, mailbox, "luc@habitat.example"))
    secret = secret_on(page)
    page = fill_invitation(page, name="m. petit", password="azertyuiop123", code="000000").click()
    assert len(page.faults) == 2 and page.form("Créer").value("Votre nom") == "m. petit"
    assert fill_invitation(page, name="mme  MOREAU").click().faults == [
        "Un collègue porte déjà ce nom. Ajoutez un prénom ou une initiale."
    ]
    for nothing in ("", "--", "x" * 61):
        assert fill_invitation(portal.page, name=nothing).click().form("Créer").error("Votre nom")
    assert fill_invitation(portal.page, name="M. Petit", password="habitat du val luc").click().faults
    assert secret_on(portal.page) == secret
    assert fill_invitation(portal.page, name="M. Petit").click().says("votre accès est créé")
    portal.get("/gestion/collegues", status=404)


def test_f23_invitation_used_twice_replaced_or_too_old_makes_no_account(
    app: Flask, portal: Portal, mailbox: Mailbox, clock: Clock
) -> None:
    first = invite(app, mailbox, ANNE)
    renewed = invite(app, mailbox, ANNE)
    assert portal.get(first, status=410).says("un lien plus récent l'a remplacé")
    other = portal.another_browser()
    late = fill_invitation(other.get(renewed), name="Un voleur")
    assert fill_invitation(portal.get(renewed + ">."), name="Mme Moreau").click().says("votre accès est créé")
    assert late.click(status=410).says("Ce lien ne marche plus")
    other.get(renewed, status=410)
    assert run(app, "staff", "add", ANNE)[0] == 1, "who has an account is not invited again"
    old = invite(app, mailbox, "luc@habitat.example")
    clock.move(hours=73)
    for link in (old, old[:-3], "/gestion/invitation/ceci", "/gestion/mot-de-passe/" + old.rpartition("/")[2]):
        other.get(link, status=410)


def test_f22_scanner_that_opens_an_invitation_and_presses_its_button_uses_nothing(
    app: Flask, portal: Portal, mailbox: Mailbox
) -> None:
    link = invite(app, mailbox, ANNE)
    assert portal.another_browser().get(link).form("Créer").click().faults
    assert fill_invitation(portal.get(link), name="Mme Moreau").click().says("votre accès est créé")


def test_g01_reset_ends_sessions_password_codes_and_second_factor(
    app: Flask, owner: Colleague, mailbox: Mailbox, a_colleague: Callable[..., Colleague]
) -> None:
    code, said = run(app, "staff", "reset", owner.email.upper())
    assert code == 0
    mails = {mail.subject: mail for mail in mailbox.read_all()}
    assert set(mails) == {"Votre accès à la gestion a été réinitialisé", "Votre accès à la gestion du portail"}
    link = mails["Votre accès à la gestion du portail"].link
    assert link in said
    assert owner.browser.get("/gestion").path == "/gestion/connexion"
    page = owner.browser.page.form("Continuer").fill("Mon adresse mail", owner.email)
    assert page.fill("Mon mot de passe", STAFF_PASSWORD).click().says("ne correspond pas")
    page = owner.browser.get(link)
    assert page.form("Créer").value("Votre nom") == "Mme Moreau"
    fresh = secret_on(page)
    assert fresh != owner.secret
    assert fill_invitation(page, name="Mme Moreau", code=code_of(owner.secret)).click().faults
    fill_invitation(owner.browser.page, name="Mme Moreau").click()
    owner.browser.get("/gestion").click("Je me déconnecte")
    assert owner.log_in().says("ce code ne correspond pas"), "codes of the former telephone"
    old = owner.recovery_codes[0]
    assert owner.browser.page.form("Je me connecte").fill("Mon code", old).click().says("ce code ne correspond pas")
    owner.secret = fresh
    assert owner.log_in().path == "/gestion"
