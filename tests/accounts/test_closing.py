"""« Fermer mon compte »: what ends, who can come back, and what the purge leaves."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from tenant_portal.db import db
from tenant_portal.models import Account, Consent, Login, Mail
from tests.support.page_text import plain
from tests.support.people import must_run
from tests.support.portal_client import Portal

from ..support.steps import NEW_PASSWORD, close_account, finish, forget, log_in, reset_password, sign_up

WRONG = "ce mot de passe n'est pas celui de votre compte"
PAIR = "la référence contrat ou le mot de passe ne correspond pas"
CLOSED = "Votre compte est fermé"
IDLE = "- Comptes sans connexion depuis deux ans, qui se ferment : "


def close(tenant, mailbox):
    """Close an account; return the mail about it."""
    page = close_account(tenant.browser, tenant.password)
    assert page.path == "/connexion"
    assert page.says(CLOSED)
    return mailbox.read(to=tenant.email)


@pytest.mark.every_home
def test_t35_tenant_closes_his_account_and_every_device_is_out(portal, mailbox, an_account):
    tenant = an_account(email="lea@free.fr")
    remembered, idle = portal.another_browser(), portal.another_browser()
    log_in(remembered, tenant.lease.reference, tenant.password, remember=True)
    log_in(idle, tenant.lease.reference, tenant.password)
    own_copy = tenant.browser.cookie("portal_session")

    page = tenant.browser.get("/espace").click_link("Mon compte")
    assert page.says("lea@free.fr")
    assert page.says(tenant.lease.reference)
    assert page.says("lundi 23 novembre 2026")
    page = page.click_link("Fermer mon compte")
    for promise in ("par courrier, gratuitement", "14 jours", "puis 36 mois", "Vos réponses aux trois questions"):
        assert page.says(promise)
    page = page.form("Je ferme mon compte").fill("Mon mot de passe", tenant.password).click()
    assert page.path == "/connexion"
    assert page.says(CLOSED)
    assert "Erreur" not in page.title

    told = mailbox.read(to="lea@free.fr")
    assert told.subject == "Votre compte locataire est fermé"
    assert "lundi 7 décembre à 9" in plain(told.text)
    assert "gratuitement" in told.text
    assert told.links[1].endswith("/mot-de-passe-oublie")

    thief = Portal(portal.app)
    thief.http.set_cookie(portal.app.config["SESSION_COOKIE_NAME"], own_copy)
    for browser in (tenant.browser, remembered, idle, thief):
        assert browser.get("/espace").h1 == "Identifiez-vous"


@pytest.mark.every_home
def test_t35_browser_forgets_the_pages_of_the_account(mailbox, an_account):
    tenant = an_account()
    form = tenant.browser.get("/espace/compte/fermeture").form("Je ferme mon compte")
    data = {**dict(form.node.form_values()), "password": tenant.password}
    answer = tenant.browser.http.post("/espace/compte/fermeture", data=data)
    assert "no-store" in answer.headers["Cache-Control"]
    assert "Clear-Site-Data" not in answer.headers, "a browser takes seconds to empty a large cache"
    mailbox.read()


def test_tenant_is_told_to_keep_his_notices_before_he_closes(an_account):
    page = an_account().browser.get("/espace/compte/fermeture")
    assert page.says("Vous ne pourrez plus lire vos avis ici.") and page.says(
        "Données de votre contrat, avis d'échéance et quittances"
    )
    assert page.click_link("Téléchargez-les d'abord").path == "/espace/avis"


def test_wrong_password_closes_nothing_and_keeps_the_page(portal, mailbox, an_account):
    tenant = an_account()
    page = close_account(tenant.browser, "un autre mot de passe")
    assert page.path == "/espace/compte/fermeture"
    assert page.says(WRONG)
    assert not page.says(PAIR)
    assert page.form("Je ferme mon compte").value("Mon mot de passe") == ""
    assert close_account(tenant.browser, "").faults == ["Saisissez votre mot de passe."]
    assert tenant.log_in(portal).path == "/espace"
    assert mailbox.read_all() == []


def test_closing_withdraws_each_yes_and_keeps_the_proof_of_both(app, mailbox, an_account):
    tenant = an_account(e_notice="Oui", commercial="Non", general="Oui")
    close(tenant, mailbox)
    with app.app_context():
        rows = db.session.scalars(select(Consent).order_by(Consent.id)).all()
        register = [(str(row.purpose), row.answer, row.channel) for row in rows]
    given = [("e_notice", True, "form"), ("commercial", False, "form"), ("general", True, "form")]
    assert register == [*given, ("e_notice", False, "closing"), ("general", False, "closing")]


@pytest.mark.every_home
def test_t35_tenant_comes_back_within_fourteen_days(portal, mailbox, an_account, clock):
    tenant = an_account(email="lea@free.fr", e_notice="Oui")
    remembered = portal.another_browser()
    tenant.log_in(remembered, remember=True)
    close(tenant, mailbox)
    clock.move(days=13, hours=23)
    page = tenant.log_in(portal)
    assert page.path == "/reouverture"
    assert page.says("Votre compte est fermé depuis le lundi 23 novembre à 9")
    assert page.says("lundi 7 décembre")
    assert page.says("Vos trois choix sont sur Non")
    assert portal.another_browser().get("/espace").h1 == "Identifiez-vous"
    assert portal.get("/espace").h1 == "Identifiez-vous", "to log in does not open it by itself"
    page = portal.get("/reouverture").click("Je rouvre mon compte")
    assert page.path == "/espace"
    assert page.says("Votre compte est rouvert")
    assert not page.says("Oui")
    assert mailbox.read(to="lea@free.fr").subject == "Votre compte locataire est rouvert"
    assert tenant.log_in(portal.another_browser()).path == "/espace"
    assert portal.get("/reouverture").path == "/espace"
    for browser in (tenant.browser, remembered):
        assert browser.get("/espace").h1 == "Identifiez-vous", "what was open before stays closed"


def test_tenant_who_leaves_his_account_closed_finds_it_closed(portal, mailbox, an_account):
    tenant = an_account()
    close(tenant, mailbox)
    page = tenant.log_in(portal).click_link("Laisser mon compte fermé")
    assert page.h1 == "Identifiez-vous"
    assert portal.get("/espace").h1 == "Identifiez-vous"


@pytest.mark.every_home
def test_nobody_opens_a_closed_account_without_its_password(portal, mailbox, an_account, clock):
    tenant = an_account()
    close(tenant, mailbox)
    stranger = portal.another_browser()
    assert stranger.get("/reouverture").path == "/connexion"
    token = stranger.page.form("Je me connecte").node.cssselect("[name=csrf_token]")[0].get("value")
    assert stranger.http.post("/reouverture/oui", data={"csrf_token": token}).status_code == 302
    assert log_in(stranger, tenant.lease.reference, "un autre mot de passe").says(PAIR)
    assert stranger.get("/reouverture").path == "/connexion"

    form = tenant.log_in(portal).form("Je rouvre mon compte")
    assert portal.http.post("/reouverture/oui", data={}).status_code == 400
    clock.move(minutes=31)
    assert form.click("Je rouvre mon compte").path == "/connexion", "the password was typed too long ago"
    assert tenant.log_in(portal).path == "/reouverture"


def test_stranger_cannot_tell_a_closed_account_from_none(portal, mailbox, an_account, a_contract):
    tenant, unknown = an_account(), a_contract()
    close(tenant, mailbox)
    references = (tenant.lease.reference, unknown.reference)
    refused = [log_in(portal.another_browser(), r, "un autre mot de passe") for r in references]
    bare = [re.sub(r'value="[^"]*"', "", page.response.get_data(as_text=True)) for page in refused]
    assert bare[0] == bare[1]
    forgotten = [forget(portal.another_browser(), r).text for r in references]
    assert forgotten[0] == forgotten[1]
    mailbox.read(to=tenant.email)
    taken = [
        sign_up(portal.another_browser(), lease, email="lea.martin@orange.fr", password=NEW_PASSWORD)
        for lease in (tenant.lease, unknown)
    ]
    leases = (tenant.lease, unknown)
    texts = [page.text.replace(lease.reference[-3:], "…") for page, lease in zip(taken, leases, strict=True)]
    assert texts[0] == texts[1]
    mailbox.read_all()


@pytest.mark.every_home
def test_new_password_for_a_closed_account_leads_to_opening_it(portal, mailbox, an_account, clock):
    tenant = an_account()
    forget(portal, tenant.lease.reference)
    before = mailbox.read(to=tenant.email)
    closed = close(tenant, mailbox)
    assert portal.get(before.link, status=410).says("lien"), "no link outlives the closing"

    clock.move(minutes=3)
    page = portal.get(closed.links[1])
    page.form("mot de passe").fill("Ma référence contrat", tenant.lease.reference).click()
    reset_password(portal, mailbox.read(to=tenant.email).link)
    mailbox.read(to=tenant.email)
    assert tenant.log_in(portal).says(PAIR), "whoever knew the former password is out"
    assert log_in(portal, tenant.lease.reference, NEW_PASSWORD).click("Je rouvre mon compte").path == "/espace"
    mailbox.read(to=tenant.email)


def test_link_asked_for_while_closed_dies_with_the_opening(portal, mailbox, an_account):
    tenant = an_account()
    close(tenant, mailbox)
    forget(portal, tenant.lease.reference)
    link = mailbox.read(to=tenant.email).link
    tenant.log_in(portal).click("Je rouvre mon compte")
    mailbox.read(to=tenant.email)
    assert portal.another_browser().get(link, status=410).says("lien")


def test_sign_up_over_a_closed_account_tells_the_owner_how_to_open_it(portal, mailbox, an_account):
    tenant = an_account(email="lea@free.fr")
    close(tenant, mailbox)
    page = sign_up(portal, tenant.lease, email="paul@orange.fr", password=NEW_PASSWORD)
    assert page.h1 == "Consultez vos e-mails"
    told = mailbox.read(to="lea@free.fr")
    assert told.subject == "Votre compte locataire est fermé"
    assert "connectez-vous avant le lundi 7 décembre" in plain(told.text)
    assert mailbox.read(to="paul@orange.fr").subject == "Ce contrat a déjà un compte"
    assert log_in(portal, tenant.lease.reference, NEW_PASSWORD).says(PAIR)
    assert tenant.log_in(portal).path == "/reouverture"


def test_closed_account_is_erased_after_fourteen_days_and_the_contract_is_free(portal, app, mailbox, an_account, clock):
    tenant, neighbour = an_account(email="lea@free.fr"), an_account(email="marc@free.fr")
    close(tenant, mailbox)
    clock.move(days=13, hours=23, minutes=50)
    assert "Comptes fermés : 0" in must_run(app, "purge")
    page = tenant.log_in(portal)
    clock.move(minutes=11)
    assert page.click("Je rouvre mon compte").path == "/connexion"
    assert tenant.log_in(portal).says(PAIR), "its time is over, purged or not"
    forget(portal, tenant.lease.reference)
    assert mailbox.read_all() == []

    assert "Comptes fermés : 1" in must_run(app, "purge")
    with app.app_context():
        emails = list(db.session.scalars(select(Account.email)))
        assert emails == ["marc@free.fr"]
        texts = select(Mail.content).where(Mail.recipient == "lea@free.fr")
        assert not any(db.session.scalars(texts)), "what its mails said, its choices too, goes with it"
        for table in (Consent, Login):
            assert set(db.session.scalars(select(table.account_id))) == set(db.session.scalars(select(Account.id)))
    assert neighbour.log_in(portal.another_browser()).says(neighbour.lease.reference)
    assert tenant.log_in(portal).says(PAIR)

    page = sign_up(portal, tenant.lease, email="nouveau@free.fr")
    assert page.h1 == "Consultez vos e-mails"
    assert finish(portal, mailbox.read(to="nouveau@free.fr").link, tenant.lease.reference).path == "/espace"
    mailbox.read(to="nouveau@free.fr")
    assert "nouveau@free.fr" in portal.page.text
    assert not portal.page.says(neighbour.lease.reference)


def test_contract_is_free_before_the_purge_has_run(portal, app, mailbox, an_account, clock):
    tenant = an_account()
    close(tenant, mailbox)
    clock.move(days=14, minutes=1)
    sign_up(portal, tenant.lease, email="nouveau@free.fr")
    assert finish(portal, mailbox.read(to="nouveau@free.fr").link, tenant.lease.reference).path == "/espace"
    mailbox.read(to="nouveau@free.fr")
    assert "Comptes fermés : 1" in must_run(app, "purge")
    assert portal.get("/espace").says("nouveau@free.fr")


def test_t38_button_pressed_in_two_pages_at_once_closes_once(portal, mailbox, an_account):
    tenant = an_account()
    twin = portal.another_browser()
    for name in ("portal_session", "portal_device"):
        twin.http.set_cookie(name, tenant.browser.cookie(name))
    forms = [b.get("/espace/compte/fermeture").form("Je ferme mon compte") for b in (tenant.browser, twin)]
    for form in forms:
        form.fill("Mon mot de passe", tenant.password)
    with ThreadPoolExecutor(2) as pool:
        pages = list(pool.map(lambda form: form.click(), forms))
    assert [page.path for page in pages] == ["/connexion", "/connexion"]
    mailbox.read(to=tenant.email)
    assert mailbox.read_all() == []
    assert tenant.log_in(portal).path == "/reouverture"


def test_staff_see_that_an_account_is_closed_and_until_when_it_can_come_back(portal, app, mailbox, an_account, clock):
    tenant = an_account()
    close(tenant, mailbox)
    shown = must_run(app, "contracts", "show", tenant.lease.reference)
    assert "Compte fermé. Il peut être rouvert jusqu'au lundi 7 décembre" in shown
    assert "pour le rouvrir, le locataire se connecte" in shown
    assert "compte fermé, lundi 23 novembre" in shown
    app.extensions["portal"].options["staff"] = lambda: "Mme Moreau"
    form = portal.get("/gestion").form("Trouver")
    page = form.fill("Trouver un locataire", tenant.lease.reference).click("Trouver")
    assert page.says("Compte fermé. Il peut être rouvert jusqu'au lundi 7 décembre")
    assert not page.says("les douze étapes sont faites")
    clock.move(days=15)
    must_run(app, "purge")
    shown = must_run(app, "contracts", "show", tenant.lease.reference)
    assert "Étape à faire : 1 sur 12" in shown


def test_l26_account_that_nobody_used_for_two_years_is_closed_and_its_owner_can_come_back(
    portal, app, mailbox, an_account, clock
):
    left, used = an_account(email="parti@free.fr"), an_account(email="present@free.fr")
    for _ in range(2):
        clock.move(days=364)
        used.log_in(portal.another_browser())
        assert IDLE + "0" in must_run(app, "purge")
    clock.move(days=3)
    assert IDLE + "1" in must_run(app, "purge", "--dry-run")
    assert mailbox.read_all() == []
    assert IDLE + "1" in must_run(app, "purge")
    assert IDLE + "0" in must_run(app, "purge"), "once"
    told = mailbox.read(to="parti@free.fr")
    assert told.subject == "Votre compte locataire est fermé"
    assert "Personne ne s'y est connecté depuis deux ans." in plain(told.text)
    assert used.log_in(portal.another_browser()).path == "/espace"
    clock.move(days=13)
    must_run(app, "purge")
    assert left.log_in(portal).click("Je rouvre mon compte").path == "/espace"
    mailbox.read(to="parti@free.fr")
    clock.move(days=60)
    assert IDLE + "0" in must_run(app, "purge")
