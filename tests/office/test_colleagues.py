"""Owners invite, reset, promote and remove colleagues, by page and by command; the last owner stays."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import select

from tenant_portal import TenantPortal
from tenant_portal.accounts.office_acts import OfficeAct
from tenant_portal.db import db
from tenant_portal.office.models import Staff

from ..conftest import SETTINGS
from ..support import hosts
from ..support.people import must_run, run
from ..support.portal_client import ANY_STATUS, Page
from ..support.post import Mailbox
from ..support.staff_steps import Colleague, fill_invitation

LUC = "luc.petit@habitat.example"


def fill_invite(owner: Colleague, email: str, what: str = "Gestionnaire") -> Page:
    form = owner.browser.get("/gestion/collegues").form("Inviter un collègue")
    return form.fill("Adresse mail de votre collègue", email).choose("Que peut faire ce collègue", what).click()


def acts(app: Flask) -> list[tuple[str, str, str]]:
    with app.app_context():
        return [(act.clerk, act.act, act.about) for act in db.session.scalars(select(OfficeAct).order_by(OfficeAct.id))]


def test_g01_owner_invites_resets_promotes_and_removes_a_colleague_and_each_act_is_a_line(
    app: Flask, owner: Colleague, mailbox: Mailbox
) -> None:
    fill_invite(owner, LUC, "Responsable")
    mailbox.read(to=LUC)
    assert fill_invite(owner, LUC).says("l'invitation part par e-mail"), "in another role"
    lost = mailbox.read(to=LUC).link
    page = owner.browser.page.click_link(LUC)
    assert page.says("pas encore utilisée") and page.path.startswith("/gestion/collegues/")
    page.click("Envoyer une nouvelle invitation")
    browser = owner.browser.another_browser()
    browser.get(lost, status=410)
    fill_invitation(browser.get(mailbox.read(to=LUC).link), name="M. Petit").click()
    browser.get("/gestion/collegues", status=404)
    page = owner.browser.get("/gestion/collegues").click_link("M. Petit")
    for _ in range(2):
        page.click("Donner le rôle de responsable")
    assert browser.get("/gestion/collegues").status == 200
    assert fill_invite(owner, LUC).faults == ["Ce collègue a déjà un accès. Pour le renouveler, ouvrez sa page."]
    owner.browser.get("/gestion/collegues").click_link("M. Petit").click("Réinitialiser cet accès")
    assert len(mailbox.read_all()) == 2 and browser.get("/gestion").path == "/gestion/connexion"
    button = owner.browser.get("/gestion/collegues").click_link("M. Petit")
    page = button.click("Retirer ce collègue")
    assert page.says("ce collègue est retiré") and not page.says(LUC)
    assert button.click("Retirer ce collègue").path == "/gestion/collegues", "a double click"
    assert acts(app) == [
        ("Mme Moreau", "staff_invited", LUC),
        ("Mme Moreau", "staff_invited", LUC),
        ("Mme Moreau", "staff_invited", LUC),
        ("Mme Moreau", "staff_role_changed", "M. Petit"),
        ("Mme Moreau", "staff_reset", "M. Petit"),
        ("Mme Moreau", "staff_removed", "M. Petit"),
    ]


def test_g01_address_that_seems_shared_is_asked_back(app: Flask, owner: Colleague, mailbox: Mailbox) -> None:
    page = fill_invite(owner, "accueil.nord@habitat.example")
    assert page.says("Cette adresse semble partagée") and not mailbox.unread()
    other = page.form("Inviter").fill("Adresse mail de votre collègue", "info@habitat.example").click()
    assert other.says("Cette adresse semble partagée"), "another one is asked back too"
    assert other.click("Oui, une seule personne la lit : envoyer l'invitation").says("l'invitation part par e-mail")
    mailbox.read(to="info@habitat.example")
    code, said = run(app, "staff", "add", "Contact@habitat.example")
    assert code == 2 and "Cette adresse semble partagée" in said
    must_run(app, "staff", "add", "Contact@habitat.example", "--one-person")
    mailbox.read(to="contact@habitat.example")


def test_f23_role_office_finds_no_page_of_an_owner_and_does_nothing_there(
    app: Flask, a_colleague: Callable[..., Colleague]
) -> None:
    a_colleague()
    luc = a_colleague(LUC, "M. Petit", "office")
    assert not luc.browser.get("/gestion").says("Collègues")
    for path in ("", "/1", "/1/role", "/1/retrait", "/1/invitation"):
        luc.browser.get(f"/gestion/collegues{path}", status=404)
        token = luc.browser.get("/gestion").tree.xpath("//input[@name='csrf_token']/@value")[0]
        answer = luc.browser.http.post(f"/gestion/collegues{path}", data={"csrf_token": token, "role": "owner"})
        assert answer.status_code in {404, 405}
    assert acts(app) == []


def test_g01_last_owner_can_be_neither_removed_nor_demoted(
    app: Flask, owner: Colleague, mailbox: Mailbox, a_colleague: Callable[..., Colleague]
) -> None:
    a_colleague(LUC, "M. Petit", "office")
    must_run(app, "staff", "add", "eve@habitat.example", "--owner")
    mailbox.read(to="eve@habitat.example")
    for button in ("Retirer le rôle de responsable", "Me retirer de la gestion"):
        page = owner.browser.get("/gestion/collegues").click_link("Mme Moreau").click(button)
        assert page.says("C'est le dernier responsable"), "who was only invited cannot take his place"
    code, said = run(app, "staff", "remove", owner.email)
    assert code == 1 and "dernier responsable" in said
    must_run(app, "staff", "remove", "eve@habitat.example")
    assert owner.browser.get("/gestion/collegues").status == 200
    said = must_run(app, "staff", "list")
    assert (
        f"{owner.email} ; Mme Moreau ; responsable ; Dernière connexion" in said and "M. Petit ; gestionnaire" in said
    )


@pytest.mark.databases("sqlite", "postgresql")
def test_g01_two_owners_who_remove_each_other_at_once_leave_one(
    a_colleague: Callable[..., Colleague], app: Flask
) -> None:
    anne, luc = a_colleague(), a_colleague(LUC, "M. Petit")
    pairs = ((anne, "M. Petit"), (luc, "Mme Moreau"))
    forms = [
        one.browser.get("/gestion/collegues").click_link(other).form("Retirer ce collègue") for one, other in pairs
    ]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda form: form.click(status=ANY_STATUS), forms))
    with app.app_context():
        assert len(db.session.scalars(select(Staff)).all()) == 1


def test_g01_commands_say_what_they_cannot_do_and_a_host_has_none(app: Flask) -> None:
    assert run(app, "staff", "list") == (0, "")
    for command in (("add", "ceci"), ("remove", "x@y.fr"), ("reset", "x@y.fr")):
        assert run(app, "staff", *command)[0] in {1, 2}
    host = hosts.hostile_host(**SETTINGS, SQLALCHEMY_DATABASE_URI="sqlite://", PORTAL_URL_PREFIX="/locataire")
    TenantPortal(host, staff=hosts.staff_of_host)
    assert host.test_cli_runner().invoke(args=["portal", "staff", "list"]).exit_code == 2


def test_g01_doctor_says_when_nobody_can_enter(app: Flask, a_colleague: Callable[..., Colleague]) -> None:
    for role in ("office", "owner"):
        assert "staff add ADRESSE --owner" in run(app, "doctor")[1]
        a_colleague(f"moreau.{role[:3]}@habitat.example", role, role)
    assert "staff add ADRESSE --owner" not in run(app, "doctor")[1]
