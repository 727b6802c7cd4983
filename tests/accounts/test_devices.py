"""« Mes connexions »: new devices are told of, each is listed, and ends from another one."""

from functools import partial

import pytest
from sqlalchemy import select

from tenant_portal.db import db
from tenant_portal.models import Login
from tests.support.page_text import plain
from tests.support.people import run

from ..support.steps import NEW_PASSWORD, forget, log_in, reset_password

PHONE = "Mozilla/5.0 (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0"


@pytest.mark.every_home
def test_t39_owner_is_told_of_a_device_that_is_new_once(portal, mailbox, an_account, clock):
    tenant = an_account(email="lea@free.fr")
    assert mailbox.of_devices() == [], "the welcome mail tells of the first login"
    phone = portal.another_browser()
    phone.http.environ_base["HTTP_USER_AGENT"] = PHONE
    clock.move(hours=9)
    assert tenant.log_in(phone).path == "/espace"
    (told,) = mailbox.of_devices()
    assert told.to == "lea@free.fr"
    text = plain(told.text)
    assert "le lundi 23 novembre à 18 h" in text and "Appareil : Firefox, Android." in text
    assert tenant.lease.reference[-3:] in text and tenant.lease.reference not in text
    assert "Vous avez un doute ? Choisissez tout de suite un nouveau mot de passe." in text
    assert told.link.endswith("/mot-de-passe-oublie")

    phone.click("Je me déconnecte")
    for browser in (phone, tenant.browser):
        tenant.log_in(browser)
    assert len(mailbox.of_devices()) == 1, "both are known by now"
    tenant.log_in(portal.another_browser())
    assert len(mailbox.of_devices()) == 2


@pytest.mark.every_home
def test_two_accounts_on_one_device_are_told_each_for_itself(portal, mailbox, an_account):
    one, two = an_account(email="lea@free.fr"), an_account(email="marc@free.fr")
    for tenant in (one, two):
        tenant.log_in(portal)
        portal.click("Je me déconnecte")
    assert [mail.to for mail in mailbox.of_devices()] == ["lea@free.fr", "marc@free.fr"]


def test_wrong_password_from_a_new_device_sends_nothing(portal, mailbox, an_account):
    tenant = an_account()
    log_in(portal, tenant.lease.reference, "un autre mot de passe")
    assert mailbox.of_devices() == []


def test_device_where_the_password_was_chosen_by_mail_is_not_told_of(portal, mailbox, an_account):
    tenant = an_account()
    forget(portal, tenant.lease.reference)
    reset_password(portal, mailbox.read().link)
    mailbox.read()
    assert log_in(portal, tenant.lease.reference, NEW_PASSWORD).path == "/espace"
    assert mailbox.of_devices() == []


def named(portal, agent):
    browser = portal.another_browser()
    browser.http.environ_base["HTTP_USER_AGENT"] = agent
    return browser


def end(browser, password, device=None, *, status=200):
    """Log out one device of the list, or the one that stands chosen."""
    form = browser.get("/espace").click_link("Mon compte").click_link("Mes connexions").form("Je déconnecte")
    if device is not None:
        form.choose("Quel appareil voulez-vous déconnecter ?", device)
    return form.fill("Mon mot de passe", password).click("Je déconnecte", status=status)


@pytest.mark.every_home
def test_t39_tenant_sees_his_devices_and_logs_out_one_then_all(portal, mailbox, an_account, clock):
    tenant = an_account()
    assert tenant.browser.get("/espace/connexions").says("Aucun autre appareil n'est connecté")
    phone, office = named(portal, PHONE), named(portal, "Mozilla/5.0 (Windows NT 10.0) Firefox/128.0")
    tenant.log_in(phone, remember=True)
    clock.move(minutes=20)
    tenant.log_in(office)
    page = phone.get("/espace").click_link("Mon compte").click_link("Mes connexions")
    own = plain(page.tree.cssselect("section[aria-labelledby=ici]")[0].text_content())
    assert "Firefox, Android" in own and "depuis le lundi 23 novembre à 9 h" in own
    assert "mémorisé jusqu'au lundi 7 décembre" in own
    assert page.says("Firefox, Windows") and page.says("Appareil inconnu")

    assert end(phone, tenant.password, "Firefox, Windows").says("C'est fait : les appareils choisis sont déconnectés")
    assert office.get("/espace").h1 == "Identifiez-vous"
    assert tenant.browser.get("/espace").path == "/espace"
    tenant.log_in(office)
    end(phone, tenant.password)
    for browser in (office, tenant.browser):
        assert browser.get("/espace").h1 == "Identifiez-vous", "without a choice it is all others"
    assert phone.get("/espace/connexions").says("Aucun autre appareil n'est connecté")
    page = phone.click("Déconnecter cet appareil")
    assert page.h1 == "Identifiez-vous"
    assert phone.get("/espace").h1 == "Identifiez-vous"
    mailbox.read_all()


def test_one_other_device_stands_chosen(portal, an_account):
    tenant = an_account()
    tenant.log_in(portal)
    page = end(portal, tenant.password)
    assert not page.says("Tous mes autres appareils")
    assert tenant.browser.get("/espace").h1 == "Identifiez-vous"


def test_nothing_ends_without_the_password(portal, an_account, clock):
    tenant = an_account()
    tenant.log_in(portal, remember=True)
    clock.move(minutes=25)
    assert end(portal, "un autre mot de passe").says("ce mot de passe n'est pas celui de votre compte")
    assert end(portal, "").faults == ["Saisissez votre mot de passe."]
    assert tenant.browser.get("/espace").path == "/espace"


def test_nobody_ends_another_tenants_session(portal, app, an_account):
    tenant, other = an_account(), an_account(email="marc@free.fr")
    tenant.log_in(portal)
    with app.app_context():
        numbers = db.session.scalars(select(Login.id).order_by(Login.id)).all()
    form = portal.get("/espace/connexions").form("Je déconnecte")
    data = {**dict(form.node.form_values()), "password": tenant.password}
    for number in (*numbers[1:], "9" * 40, "tout", ""):  # the first is his own other device
        answer = portal.http.post("/espace/connexions", data={**data, "device": str(number)})
        assert answer.status_code == 200, "the page again, which says to choose from the list"
    for one in (tenant, other):
        assert one.browser.get("/espace").path == "/espace"


def test_last_three_logins_are_shown_ended_or_not(portal, an_account, clock):
    tenant = an_account()
    for _ in range(3):
        clock.move(days=1)
        tenant.log_in(portal)
        portal.click("Je me déconnecte")
    tenant.log_in(portal)
    page = portal.get("/espace/connexions")
    items = [plain(li.text_content()) for li in page.tree.cssselect("section[aria-labelledby=dernieres] li")]
    assert [item.partition(" à ")[0].strip() for item in items] == [
        "jeudi 26 novembre",
        "jeudi 26 novembre",
        "mercredi 25 novembre",
    ]


@pytest.mark.every_home
def test_asvs_745_staff_end_the_sessions_of_one_tenant_or_of_all(portal, app, an_account):
    tenant, other = an_account(), an_account(email="marc@free.fr")
    tenant.log_in(portal, remember=True)
    end_sessions = partial(run, app, "sessions", "end")
    assert end_sessions(f"L/{tenant.lease.reference}") == (0, "2 connexions terminées.")
    for browser in (portal, tenant.browser):
        assert browser.get("/espace").h1 == "Identifiez-vous"
    assert other.browser.get("/espace").path == "/espace"
    assert end_sessions("--all") == (0, "1 connexion terminée.")
    assert other.browser.get("/espace").h1 == "Identifiez-vous"
    assert end_sessions("999999") == (1, "Aucun compte pour la référence « 999999 ».")
    for args in ((), (tenant.lease.reference, "--all")):
        assert end_sessions(*args)[0] == 2
