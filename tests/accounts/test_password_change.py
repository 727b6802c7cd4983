"""« Changer mon mot de passe », in the account."""

import pytest

from tests.support.portal_client import Portal

from ..support.steps import NEW_PASSWORD, change_password, fill_login, forget, log_in

WRONG = "ce mot de passe n'est pas celui de votre compte"


@pytest.mark.every_home
def test_f04_tenant_changes_his_password_stays_and_every_other_device_and_link_is_out(portal, mailbox, an_account):
    tenant = an_account(email="lea@free.fr")
    remembered = portal.another_browser()
    tenant.log_in(remembered, remember=True)
    forget(portal, tenant.lease.reference)
    reset_link = mailbox.read(to="lea@free.fr").link
    before = tenant.browser.cookie("portal_session")

    page = tenant.browser.get("/espace").click_link("Mon compte").click_link("Changer mon mot de passe")
    assert page.path == "/espace/compte/mot-de-passe"
    page = change_password(tenant.browser)
    assert page.path == "/espace/compte"
    assert page.says("votre mot de passe est modifié") and page.says("Vous restez connecté ici")
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
    assert log_in(portal, tenant.lease.reference).says("ne correspond pas")
    assert log_in(portal, tenant.lease.reference, NEW_PASSWORD).path == "/espace"


@pytest.mark.every_home
def test_remembered_device_is_remembered_after_the_change_too(portal, mailbox, an_account, clock):
    tenant = an_account()
    tenant.log_in(portal, remember=True)
    former = portal.cookie("portal_remember")
    clock.move(hours=13)
    change_password(portal)
    mailbox.read()
    assert portal.cookie("portal_remember") not in {None, former}
    clock.move(days=13)
    assert portal.get("/espace").path == "/espace"


def test_change_needs_the_present_password_and_a_good_new_one(portal, mailbox, an_account):
    tenant = an_account()
    page = change_password(tenant.browser, "un autre mot de passe")
    assert page.says(WRONG) and page.says("Rien n'a changé")
    assert page.form("Enregistrer").value("Mon nouveau mot de passe") == ""
    for typed, reason in (
        ({"present": ""}, "Saisissez votre mot de passe."),
        ({"new": "court"}, "12 caractères"),
        ({"new": f"martin {tenant.lease.reference}"}, "trop facile à deviner"),
        ({"confirmation": NEW_PASSWORD + "?"}, "Les deux mots de passe"),
        ({"new": tenant.password}, "le même que l'ancien"),
    ):
        (fault,) = change_password(tenant.browser, **typed).faults
        assert reason in fault
    assert tenant.log_in(portal).path == "/espace"
    assert mailbox.read_all() == []


def test_u21_password_manager_is_led_to_the_change_after_the_login(portal, an_account):
    tenant = an_account()
    assert tenant.browser.get("/.well-known/change-password").path == "/espace/compte/mot-de-passe"
    names = [node.get("autocomplete") for node in tenant.browser.page.tree.cssselect("main form input[autocomplete]")]
    assert names == ["username", "current-password", "new-password", "new-password"]
    page = fill_login(portal.get("/.well-known/change-password"), tenant.lease.reference).click()
    assert page.path == "/espace/compte/mot-de-passe"
