"""« Changer mon mot de passe », in the account."""

import pytest

from tests.support.portal_client import Portal

from ..support.journey_steps import log_in
from .test_reset import forget

pytestmark = pytest.mark.every_home

NEW = "un nouveau secret bien long"
WRONG = "ce mot de passe n'est pas celui de votre compte"


def change(browser, current, new=NEW, confirmation=None, *, status=200):
    """Go from home to the page that changes the password, and fill it."""
    form = browser.get("/espace").click_link("Mon compte").click_link("Changer mon mot de passe").form("Enregistrer")
    form.fill("Mon mot de passe actuel", current).fill("Mon nouveau mot de passe", new)
    form.fill("Confirmez votre nouveau mot de passe", new if confirmation is None else confirmation)
    return form.click(status=status)


def test_f04_tenant_changes_his_password_stays_and_every_other_device_and_link_is_out(portal, mailbox, an_account):
    tenant = an_account(email="lea@free.fr")
    remembered = portal.another_browser()
    tenant.log_in(remembered, remember=True)
    forget(portal, tenant.lease.reference)
    reset_link = mailbox.read(to="lea@free.fr").link
    before = tenant.browser.cookie("portal_session")

    page = change(tenant.browser, tenant.password)
    assert page.path == "/espace/compte"
    assert page.says("votre mot de passe est modifié") and page.says("Vous restez identifié ici")
    told = mailbox.read(to="lea@free.fr")
    assert told.subject == "Votre mot de passe a été changé"
    assert told.link.endswith("/mot-de-passe-oublie"), "whoever did not do it can take his account back at once"

    thief = Portal(portal.app)
    thief.http.set_cookie(portal.app.config["SESSION_COOKIE_NAME"], before)
    for browser in (remembered, thief):
        assert browser.get("/espace").h1 == "Identifiez-vous"
    assert tenant.browser.get("/espace").path == "/espace"
    assert tenant.browser.cookie("portal_remember") is None
    assert portal.get(reset_link, status=410).says("Votre mot de passe"), "F4: every open link is dead"
    assert log_in(portal, tenant.lease.reference, tenant.password).says("ne correspond pas")
    assert log_in(portal, tenant.lease.reference, NEW).path == "/espace"


def test_remembered_device_is_remembered_after_the_change_too(portal, mailbox, an_account, clock):
    tenant = an_account()
    tenant.log_in(portal, remember=True)
    former = portal.cookie("portal_remember")
    clock.move(hours=13)
    change(portal, tenant.password)
    mailbox.read()
    assert portal.cookie("portal_remember") not in {None, former}
    clock.move(days=13)
    assert portal.get("/espace").path == "/espace"


def test_change_needs_the_present_password_and_a_good_new_one(portal, mailbox, an_account):
    tenant = an_account()
    page = change(tenant.browser, "un autre mot de passe")
    assert page.says(WRONG) and page.says("Rien n'a changé")
    assert page.form("Enregistrer").value("Mon nouveau mot de passe") == ""
    assert change(tenant.browser, "").faults == ["Saisissez votre mot de passe."]
    assert "12 caractères" in change(tenant.browser, tenant.password, "court").faults[0]
    guessable = f"martin {tenant.lease.reference}"
    assert "trop facile à deviner" in change(tenant.browser, tenant.password, guessable).faults[0]
    assert "Les deux mots de passe" in change(tenant.browser, tenant.password, NEW, NEW + "?").faults[0]
    assert "le même que l'ancien" in change(tenant.browser, tenant.password, tenant.password).faults[0]
    assert tenant.log_in(portal).path == "/espace"
    assert mailbox.read_all() == []


def test_guesses_at_the_present_password_count_like_those_at_the_login(an_account):
    tenant = an_account()
    for _ in range(5):
        assert change(tenant.browser, "devinette de voleur").says(WRONG)
    assert change(tenant.browser, tenant.password, status=429).says("trop d'essais")


@pytest.mark.standalone
def test_u21_password_manager_is_led_to_the_change_after_the_login(portal, an_account):
    tenant = an_account()
    assert tenant.browser.get("/.well-known/change-password").path == "/espace/compte/mot-de-passe"
    names = [node.get("autocomplete") for node in tenant.browser.page.tree.cssselect("main form input[autocomplete]")]
    assert names == ["username", "current-password", "new-password", "new-password"]
    form = portal.get("/.well-known/change-password").form("Je me connecte")
    form.fill("Ma référence contrat", tenant.lease.reference).fill("Mon mot de passe", tenant.password)
    assert form.click().path == "/espace/compte/mot-de-passe"
