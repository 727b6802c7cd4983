"""Both sides of the demo's counter, in one browser, within this process."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from tenant_portal import demo
from tenant_portal.db import db
from tenant_portal.demo import people
from tenant_portal.messages.models import Message
from tests.support.people import must_run
from tests.support.portal_client import Page, Portal


@pytest.fixture(scope="module")
def demo_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder = tmp_path_factory.mktemp("demo") / "portal"
    app = demo.application(folder, public_url="http://localhost")
    demo.furnish(app, folder)
    return app


@pytest.fixture
def visitor(demo_app: Flask) -> Iterator[Portal]:
    """Return a browser in front of a demo at its start, and put back what it did."""
    yield Portal(demo_app)
    Portal(demo_app).get("/connexion").click("Recommencer")


def log_in(visitor: Portal, sample: people.Sample) -> Page:
    form = visitor.get("/connexion").form().fill("Ma référence contrat", sample.reference)
    return form.fill("Mon mot de passe", people.PASSWORD).click()


def newest_letter(visitor: Portal, subject: str) -> str:
    """Return the link of the newest mail of that subject."""
    must_run(visitor.app, "mail", "send")
    letter = visitor.get("/demonstration/courrier").tree.xpath("//article")[0]
    assert subject in letter.text_content()
    return str(letter.xpath(".//pre//a/@href")[0])


def solved(desk: Page) -> list[bool]:
    """Return which of the three calls are ticked."""
    assert desk.path == "/gestion"
    return ["✓" in summary.text_content() for summary in desk.tree.cssselect(".portal-demo-panel summary")]


def test_g14_a_visitor_is_on_both_sides_of_the_counter_at_once(visitor: Portal) -> None:
    assert log_in(visitor, people.REGISTERED).path == "/espace"
    visitor.get("/gestion", status=404)
    desk = visitor.get("/espace").click("Côté bailleur")
    assert desk.path == "/gestion" and desk.says("Mme Roussel") and desk.says("Trois appels à traiter")
    assert desk.click_link("Côté locataire").path == "/espace", "his login as a tenant goes on"
    visitor.click("Je me déconnecte")
    assert visitor.get("/gestion/chercher").says("Allô"), "the calls can be read on each page of the landlord's"


def test_g14_only_the_button_makes_a_browser_the_clerk(visitor: Portal) -> None:
    assert visitor.get("/demonstration/bailleur").path == "/"
    visitor.get("/connexion")
    visitor.http.post("/demonstration/bailleur", data={})
    visitor.get("/gestion", status=404)
    visitor.http.set_cookie("portal_demo_clerk", "Mme Roussel.abc")
    visitor.get("/gestion", status=404)
    assert visitor.get("/connexion").click("Côté bailleur").says("Mme Roussel")
    visitor.another_browser().get("/gestion", status=404)


def test_g14_three_callers_wait_and_each_is_ticked_once_helped(visitor: Portal, demo_app: Flask) -> None:
    desk = visitor.get("/connexion").click("Côté bailleur")
    assert solved(desk) == [False, False, False]
    for name, reference in (("Delmas", "102233"), ("Vasseur", "102349"), ("Santoro", "102325")):
        found = visitor.get("/gestion").form("Trouver").fill("Trouver un locataire", name).click("Trouver")
        assert found.says(reference), "the caller is found by name"

    locked_out, bounced, not_found = demo_app.jinja_env.globals["demo"].callers  # type: ignore[union-attr]
    page = visitor.get("/connexion").form().fill("Ma référence contrat", locked_out.reference)
    assert page.fill("Mon mot de passe", people.PASSWORD).click(status=429).says("trop d'essais"), "he tells the truth"
    visitor.get("/mot-de-passe-oublie").form().fill("Ma référence contrat", locked_out.reference).click()
    form = visitor.get(newest_letter(visitor, "mot de passe")).form()
    form.fill("Créez un mot de passe", "citron vert quatorze nuages")
    form.fill("Confirmez votre mot de passe", "citron vert quatorze nuages").click()
    assert solved(visitor.get("/gestion")) == [True, False, False]

    page = log_in(visitor, bounced)
    assert page.says("chloe.vaseur@example.org")
    page.form("adresse").fill("Votre adresse mail", "chloe.vasseur@example.org").click()
    assert "/activation" in newest_letter(visitor, "Activez")
    assert solved(visitor.get("/gestion")) == [True, True, False]

    with demo_app.app_context():
        number = db.session.scalars(select(Message.number).where(Message.email == not_found.email)).one()
    must_run(demo_app, "messages", "answer", number, "-", stdin=b"Relisez votre avis.")
    assert solved(visitor.get("/gestion")) == [True, True, True]


def test_g14_recommencer_puts_everything_back_once(visitor: Portal) -> None:
    log_in(visitor, people.REGISTERED)
    other = Portal(visitor.app)
    page = other.get("/connexion").click("Côté bailleur")
    form = visitor.get("/espace").form("Recommencer")
    visitor.get("/mot-de-passe-oublie").form().fill("Ma référence contrat", people.REGISTERED.reference).click()
    newest_letter(visitor, "mot de passe")
    login = form.click()
    assert login.path == "/" and login.says("revenue à son début")
    assert visitor.get("/espace").path == "/connexion", "tenants are logged out"
    other.get(page.path, status=404)
    assert visitor.get("/demonstration/courrier").says("Aucun e-mail")
    log_in(visitor, people.REGISTERED)
    assert form.click().path in {"/", "/espace"}
    assert visitor.get("/espace").path == "/espace", "a click on the former page does not begin anew again"
