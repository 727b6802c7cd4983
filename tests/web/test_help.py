"""The guide in twelve steps, the legal pages, and `/healthz`."""

import re

import pytest
from sqlalchemy import text

from tenant_portal.accounts import consents
from tenant_portal.db import Base, begin_write, db
from tenant_portal.models import ConsentPurpose
from tenant_portal.web.forms import LoginForm, SignupForm
from tests.support.page_text import plain, visible_text
from tests.support.portal_client import Portal

from ..support.steps import sign_up

TITLE = "Besoin d'aide pour vous connecter ou créer votre compte locataire ?"
#: In the words of the landlord's guide.
STEPS = (
    "Cliquez sur « Je crée mon compte »",
    "Saisissez votre référence contrat (sans le L /)",
    "Saisissez votre numéro de module",
    "Créez un mot de passe",
    "Saisissez une seconde fois votre mot de passe",
    "Saisissez votre adresse mail",
    "Acceptez ou refusez les 3 champs",
    "Cliquez sur « Je valide la création de mon compte »",
    "Vous allez recevoir un e-mail d'activation",
    "Saisissez votre référence contrat (sans le L /)",
    "Saisissez votre mot de passe",
    "Cliquez sur « Je me connecte »",
)
LEGAL = ("/mentions-legales", "/donnees-personnelles", "/accessibilite", "/plan-du-site")


def figures(page):
    return page.tree.cssselect("main figure [inert]")


def labels(nodes):
    """Return the words beside controls, without numbers and stars."""
    found = [label for node in nodes for label in node.cssselect(".portal-label label, legend, .portal-check label")]
    return [re.sub(r"^[0-9]+ *| *\*$", "", plain(label.text_content())) for label in found]


def test_tenant_finds_the_twelve_steps_in_order_and_one_by_one(portal):
    page = portal.get("/aide")
    assert page.h1 == TITLE and page.title.startswith(TITLE)
    steps = page.tree.xpath("//main//ol/li[starts-with(@id, 'etape-')]")
    assert [step.get("id") for step in steps] == [f"etape-{number}" for number in range(1, 13)]
    for number, (step, words) in enumerate(zip(steps, STEPS, strict=True), 1):
        heading = plain(step.xpath(".//h3")[0].text_content())
        assert heading.startswith(f"Étape {number} : {words}")
    starts = [(int(ol.get("start")), len(ol)) for ol in page.tree.cssselect("main ol")]
    assert starts == [(1, 1), (2, 7), (9, 1), (10, 3)]


def test_tenant_who_hears_the_guide_misses_nothing_without_its_figures(portal):
    page = portal.get("/aide")
    words = plain(visible_text(page.tree.body, skip="figure"))
    places = [words.index(f"Étape {number} : {step}") for number, step in enumerate(STEPS, 1)]
    assert places == sorted(places)
    assert all(figure.get("aria-hidden") == "true" for figure in figures(page)) and len(figures(page)) == 4


def test_tenant_sees_in_the_figures_what_the_real_pages_say(portal):
    page = portal.get("/aide")
    shown = figures(page)
    signup, login = portal.get("/inscription"), portal.get("/connexion")
    assert labels([shown[1]]) == labels(signup.tree.cssselect("main form"))
    assert labels([shown[3]]) == labels(login.tree.cssselect("main form"))
    real = {
        plain(b.text_content()) for p in (signup, login) for b in p.tree.cssselect("main button, main a.portal-button")
    }
    buttons = [plain(b.text_content()) for figure in shown for b in figure.cssselect("button")]
    assert buttons == ["Je crée mon compte", "Je valide la création de mon compte", "Je me connecte"]
    assert set(buttons) <= real


def test_developer_who_renames_a_field_renames_it_in_the_guide(portal, monkeypatch):
    monkeypatch.setattr(SignupForm.module, "args", ("Votre numéro de logement",))
    monkeypatch.setattr(LoginForm.password, "args", ("Mon code",))
    shown = figures(portal.get("/aide"))
    assert "Votre numéro de logement" in labels([shown[1]]) and "Mon code" in labels([shown[3]])


def test_tenant_can_neither_type_nor_send_in_the_figures(portal):
    page = portal.get("/aide")
    assert not page.tree.cssselect("main form")
    controls = page.tree.cssselect("main input, main button:not([popovertarget])")
    assert controls and all(c.get("disabled") is not None and not c.get("name") for c in controls)
    samples = [c.get("value") for c in page.tree.cssselect("main input:not([type=radio]):not([type=checkbox])")]
    signup = ["123456", "12345678", "XXXXXXXXXX", "XXXXXXXXXX", "xxx@xxx"]
    assert samples == [*signup, "123456", "XXXXXXXXXXXX"]


def test_tenant_sees_the_numbers_beside_the_controls(portal):
    marks = [
        plain(m.text_content()) for figure in figures(portal.get("/aide")) for m in figure.cssselect(".portal-step")
    ]
    assert marks == [str(number) for number in range(1, 13)]


def test_t03_tenant_sees_on_a_drawn_notice_where_the_numbers_are(portal):
    page = portal.get("/aide")
    (notice,) = page.tree.cssselect("#etape-2 .portal-notice")
    assert notice.get("role") == "img"
    assert "L/123456" in notice.get("aria-label") and "12345678" in notice.get("aria-label")
    assert "sujet=numero" in page.link("Demandez-nous vos numéros")


def test_stuck_tenant_finds_the_remedy_behind_a_link(portal):
    page = portal.get("/aide")
    for words, path in (
        ("nous pouvons vous prévenir", "/message?sujet=attente"),
        ("Choisissez un nouveau mot de passe", "/mot-de-passe-oublie"),
        ("connectez-vous", "/connexion"),
        ("en cliquant ici", "/message"),
    ):
        assert page.link(words).endswith(path)
        page.portal.get(page.link(words))
        page.portal.page = page


@pytest.mark.every_home
def test_stranger_reads_help_and_legal_pages_in_both_languages(portal):
    for address in ("/aide", *LEGAL):
        assert portal.get(f"{address}?langue=fr").tree.get("lang") == "fr"
        assert portal.get(f"{address}?langue=en").tree.get("lang") == "en"


def test_tenant_reads_who_publishes_the_portal(make_app):
    bare = Portal(make_app()).get("/mentions-legales")
    assert bare.says("Habitat du Val") and not bare.says("héberge")
    full = Portal(
        make_app(
            PORTAL_LEGAL_IDENTITY="SA d'HLM au capital de 1 000 euros, RCS Angers 123 456 789",
            PORTAL_PUBLISHER="Jeanne Martin, directrice générale",
            PORTAL_HOSTING="Hébergeur SAS, 2 rue des Serveurs, 59000 Lille, 03 20 00 00 00",
        )
    ).get("/mentions-legales")
    for words in ("RCS Angers", "Jeanne Martin", "Qui héberge ce site ?", "03 20 00 00 00", "1 place du Marché"):
        assert full.says(words)


def test_tenant_reads_what_becomes_of_his_data(make_app):
    page = Portal(
        make_app(PORTAL_UNFINISHED_DAYS=45, PORTAL_REMEMBER_DAYS=21, PORTAL_DPO_CONTACT="dpo@habitat-du-val.example")
    ).get("/donnees-personnelles")
    for words in ("45 jours", "21 jours", "365 jours", "dpo@habitat-du-val.example", "CNIL", "Union européenne"):
        assert page.says(words)
    for cookie in ("portal_session", "portal_remember", "portal_device", "portal_lang"):
        assert cookie in page.text
    with page.portal.app.test_request_context():
        assert all(page.says(consents.wording(purpose)) for purpose in ConsentPurpose)


@pytest.mark.parametrize("state", ["non conforme", "partiellement conforme", "totalement conforme"])
def test_l41_tenant_reads_the_declared_state_of_accessibility(make_app, state):
    page = Portal(make_app(PORTAL_ACCESSIBILITY=state)).get("/accessibilite")
    assert page.says(f"L'espace locataire est {state} au référentiel")
    assert page.says(f"Accessibilité : {state}") and page.says("Défenseur des droits")
    assert page.says("Aucun audit complet") is (state == "non conforme")


@pytest.mark.every_home
def test_l42_site_map_leads_to_every_page(portal):
    page = portal.get("/plan-du-site")
    for link in page.tree.cssselect("main a"):
        portal.get(link.get("href"))


def test_machine_learns_that_database_and_outbox_are_well(app, mailbox, portal, a_contract, clock):
    client = app.test_client()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"database": "ok", "outbox": "ok"})
    lease = a_contract()
    sign_up(portal, lease)
    clock.move(minutes=5)
    assert client.get("/healthz").json["outbox"] == "ok"
    clock.move(minutes=11)
    late = client.get("/healthz")
    assert late.status_code == 200 and late.json["outbox"] == "late"
    assert set(late.json) == {"database", "outbox"}, "nothing else for strangers"
    mailbox.read_all()
    assert client.get("/healthz").json["outbox"] == "ok"


def test_t41_machine_learns_that_the_database_is_not_well(app):
    with app.app_context():
        begin_write()
        db.session.execute(text(f"DROP TABLE {Base.metadata.tables['portal_mails'].name}"))
        db.session.commit()
    answer = app.test_client().get("/healthz")
    assert (answer.status_code, answer.json) == (503, {"database": "unreachable", "outbox": "unknown"})
