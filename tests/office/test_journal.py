"""The owner reads who looked at what and who did what; each tenant reads what was done for him."""

import pytest

from tenant_portal.accounts import office_acts
from tenant_portal.db import begin_write, db
from tests.support.page_text import plain


@pytest.fixture
def owner(a_clerk):
    return a_clerk("Mme Roux", "owner")


def note(app, count, clerk="M. Roy", **facts):
    with app.app_context():
        begin_write()
        for _ in range(count):
            office_acts.record(
                clerk, facts.get("act", "viewed"), contract=1, **{k: facts[k] for k in facts if k != "act"}
            )
        db.session.commit()


def lines(page):
    return [" ".join(plain(line.text_content()).split()) for line in page.tree.cssselect(".portal-journal li")]


def test_g16_the_journal_tells_by_day_who_did_what_for_whom_and_why(owner, app, a_contract, clock):
    lease = a_contract()
    note(app, 1)
    clock.move(days=1)
    note(
        app,
        1,
        clerk="Mme Moreau",
        act="data_given",
        identity="counter",
        reason="on_request",
        sentence="Bonjour",
        about="2026-11-20",
    )
    page = owner.get("/gestion").click_link("Journal")
    days = [plain(heading.text_content()) for heading in page.tree.cssselect(".portal-journal h2")]
    assert days == ["mardi 24 novembre 2026", "lundi 23 novembre 2026"]
    said = lines(page)
    assert said[0] == "9 h 30 Mme Roux : journal du bureau ouvert", "who reads it stands in it too"
    assert said[1].startswith(
        f"9 h 30 Mme Moreau : copie des données remise (demande d'accès) : Mme Élodie MARTIN, {lease.reference}"
    )
    assert "(demande du vendredi 20 novembre 2026)" in said[1]
    assert said[1].endswith("au guichet, pièce d'identité vue, à la demande du locataire, « Bonjour »")
    assert said[2].startswith("9 h 30 M. Roy : page du contrat ouverte")
    assert page.click_link(f"Mme Élodie MARTIN, {lease.reference}").path == "/gestion/contrat/1"
    assert len(lines(owner.get("/gestion/journal"))) == 4, "one line a visit, and the contract's page"


def test_g16_the_journal_is_filtered_by_clerk_and_act_and_has_pages_of_fifty(owner, app, a_contract):
    a_contract()
    note(app, 52)
    note(app, 1, clerk="Mme Moreau", act="data_given")
    page = owner.get("/gestion/journal")
    assert len(lines(page)) == 50
    older = page.click_link("Plus ancien")
    assert len(lines(older)) == 4 and len(lines(older.click_link("Revenir au plus récent"))) == 50
    page = owner.get("/gestion/journal")
    form = page.form("Filtrer").fill("Qui", "Mme Moreau")
    assert len(lines(form.click())) == 1
    page = owner.get("/gestion/journal").form("Filtrer").fill("Quoi", "page du contrat ouverte").click()
    assert len(lines(page)) == 50 and len(lines(page.click_link("Plus ancien"))) == 2
    for odd in ("avant=x", "avant=-1", "avant=99999999999999999999", "qui=nobody", "acte=nothing", "avant=1"):
        owner.get(f"/gestion/journal?{odd}")


def test_g01_the_menu_shows_each_role_the_pages_that_it_may_see(staff, owner, a_clerk, portal):
    def menu(browser):
        return [plain(link.text_content()) for link in browser.get("/gestion").tree.cssselect(".portal-menu a")]

    assert menu(a_clerk("Mme Roux", "owner"))[:1] == ["À traiter"]
    assert {"Demandes d'accès", "Journal"} <= set(menu(a_clerk("Mme Roux", "owner")))
    office = a_clerk("Mme Moreau", "office")
    assert not {"Demandes d'accès", "Journal"} & set(menu(office))
    office.get("/gestion/journal", status=404)
