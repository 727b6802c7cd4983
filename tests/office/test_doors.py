"""F23: who finds no page of la gestion, and the one line that each act leaves in the journal."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask, Response, request, request_finished
from sqlalchemy import func, select

from tenant_portal.accounts.office_acts import OfficeAct
from tenant_portal.db import db
from tenant_portal.office import OPEN, OWNER, PREFIX, ROUTES, Route
from tests.support.people import Tenant
from tests.support.portal_client import Portal
from tests.support.post import Mailbox
from tests.support.staff_steps import Colleague
from tests.support.steps import Lease, log_in, sign_up, write_at_home

pytestmark = pytest.mark.security

#: What they begin is no act on a tenant or a colleague: the search, and the way in of the clerk himself.
NO_ACTS = {"find.show", *(route.view for route in ROUTES if route.role == OPEN)}
CLOSED = [route for route in ROUTES if route.role != OPEN]


def address_of(route: Route) -> str:
    """Return an address that fits a rule."""
    path = route.rule.replace("<portal_number:number>", "1").replace("<portal_message:number>", "M-0000-0000")
    return PREFIX + path.replace("<portal_link:token>", "jeton")


def asked(browser: Portal, route: Route) -> Iterator[tuple[int, str]]:
    """Ask for a page in each way that it knows; yield the status and where it leads."""
    for method in route.methods:
        answer = browser.http.open(address_of(route), method=method)
        yield answer.status_code, answer.headers.get("Location", "").partition("?")[0]


def test_f23_each_address_of_la_gestion_leads_strangers_to_the_login_and_shows_tenants_nothing(
    portal: Portal, an_account: Callable[..., Tenant], a_colleague: Callable[..., Colleague]
) -> None:
    tenant = an_account()
    for route in ROUTES:
        for browser in (portal, tenant.browser):
            assert {status for status, _ in asked(browser, route)} == {404}, f"{route} without staff"
    clerk = a_colleague(role="office")
    for route in CLOSED:
        assert set(asked(portal.another_browser(), route)) == {(302, f"{PREFIX}/connexion")}, route
        assert {status for status, _ in asked(tenant.browser, route)} == {404}, route
        if route.role == OWNER:
            assert {status for status, _ in asked(clerk.browser, route)} == {404}, route
    assert clerk.browser.get(PREFIX).status == 200 and tenant.browser.get("/espace").path == "/espace"


@pytest.fixture
def lines(app: Flask) -> Iterator[dict[str, list[int]]]:
    """Return how many lines of the journal, but looks, each POST of la gestion has left, by view."""
    left: dict[str, list[int]] = {}
    known = 0

    def note(_: Flask, response: Response) -> None:
        nonlocal known
        now = db.session.scalar(select(func.count()).where(~OfficeAct.act.endswith("viewed"))) or 0
        db.session.rollback()
        endpoint = (request.endpoint or "").removeprefix("portal.office.")
        if request.method == "POST" and request.path.startswith(PREFIX):
            left.setdefault(endpoint, []).append(now - known)
        else:
            assert now == known, f"{request.path} is only a look"
        known = now

    with request_finished.connected_to(note, app):
        yield left


def remedy(browser: Portal, number: int, name: str, **typed: str) -> None:
    """Use a remedy; what else its form asks for is given by label."""
    form = browser.get(f"{PREFIX}/contrat/{number}/{name}")
    filled = form.form(form.h1).choose("Comment savez-vous", "demande écrite").choose("Pourquoi", "à la demande")
    for label, value in typed.items():
        filled.fill(label, value)
    assert filled.click().says("C'est fait"), name


def test_f23_each_form_of_la_gestion_leaves_one_line_in_the_journal(
    app: Flask,
    mailbox: Mailbox,
    owner: Colleague,
    an_account: Callable[..., Tenant],
    a_contract: Callable[..., Lease],
    lines: dict[str, list[int]],
) -> None:
    tenant, newcomer, desk = an_account(), a_contract(), owner.browser
    sign_up(Portal(app), newcomer, email="lea@free.fr")
    messages = [write_at_home(tenant.browser, topic="Autre chose", body=f"Bonjour {n}.").path for n in range(3)]
    for _ in range(5):
        log_in(Portal(app), tenant.lease.reference, "devinette de voleur")

    desk.get(PREFIX).form("Trouver").fill("Trouver un locataire", tenant.lease.reference).click()
    remedy(desk, 2, "activation")
    remedy(desk, 1, "adresse", **{"Nouvelle adresse mail": "autre@free.fr"})
    choice = desk.get(f"{PREFIX}/contrat/1/choix").form("Noter un choix demandé par écrit")
    choice.choose("Quel choix", "Informations commerciales").choose("Que demande", "Oui")
    choice.choose("Comment l'a-t-il demandé", "lettre").fill("Date de sa demande", "23/11/2026")
    choice.choose("Comment savez-vous", "demande écrite").choose("Pourquoi", "à la demande").click()
    for name in ("delai", "mot-de-passe", "appareils", "blocage", "deblocage", "retrait", "remise"):
        remedy(desk, 1, name)
    first, second, third = (desk.get(f"{PREFIX}/messages/{path.rpartition('/')[2]}") for path in messages)
    first.form("Envoyer la réponse").fill("Votre réponse", "C'est noté.").click("Envoyer la réponse").click(
        "Annuler l'envoi"
    )
    second.form("Marquer comme répondu").choose("Comment avez-vous répondu", "Par téléphone").fill(
        "Ce que vous avez répondu", "C'est noté."
    ).click()
    third.click("Clore sans réponse")
    request_of = desk.get(f"{PREFIX}/contrat/1/demande-acces").form("Télécharger la copie")
    request_of.choose("Qui demande", "La personne qui a le compte").choose("Comment son identité", "au guichet").click()
    invited = desk.get(f"{PREFIX}/collegues").form("Inviter un collègue")
    invited.fill("Adresse mail de votre collègue", "luc@habitat.example").choose("Que peut faire", "Gestionnaire")
    invited.click()
    for button in ("Envoyer une nouvelle invitation", "Donner le rôle de responsable", "Retirer ce collègue"):
        desk.get(f"{PREFIX}/collegues/2").click(button)
    mailbox.read_all()

    acts = {route.view: [1] for route in ROUTES if "POST" in route.methods and route.view not in NO_ACTS}
    assert lines == {**acts, "find.show": [0], **{view: [0] for view in lines if view in NO_ACTS}}
