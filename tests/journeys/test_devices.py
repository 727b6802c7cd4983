"""« Mes appareils »: a device that is new is told of, each one is listed, and ends from another one."""

from tests.page_text import plain

from .steps import log_in

PHONE = "Mozilla/5.0 (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0"


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
    assert "Ce n'était pas vous ? Choisissez tout de suite un nouveau mot de passe." in text
    assert told.link.endswith("/mot-de-passe-oublie")

    phone.click("Je me déconnecte")
    for browser in (phone, tenant.browser):
        tenant.log_in(browser)
    assert len(mailbox.of_devices()) == 1, "both are known by now"
    tenant.log_in(portal.another_browser())
    assert len(mailbox.of_devices()) == 2


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
    form = portal.get("/mot-de-passe-oublie").form("mot de passe")
    form.fill("Ma référence contrat", tenant.lease.reference).click()
    form = portal.get(mailbox.read().link).form("mot de passe").fill("Créez un mot de passe", "un nouveau secret long")
    form.fill("Confirmez votre mot de passe", "un nouveau secret long").click()
    mailbox.read()
    assert log_in(portal, tenant.lease.reference, "un nouveau secret long").path == "/espace"
    assert mailbox.of_devices() == []
