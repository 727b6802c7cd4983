"""Logging in, slowed down, staying and leaving."""

import pytest

from ..support.steps import fill_login, forget, log_in

PAIR = "Erreur : la référence contrat ou le mot de passe ne correspond pas."


@pytest.mark.every_home
def test_tenant_logs_in_and_out(portal, an_account):
    account = an_account()
    page = log_in(portal, f"L/{account.lease.reference}", account.password)
    assert page.path == "/espace"
    assert portal.get("/connexion").path == "/espace", "who is at home stays at home"
    page = portal.click("Je me déconnecte")
    assert page.h1 == "Identifiez-vous"
    assert portal.get("/espace").h1 == "Identifiez-vous"


@pytest.mark.every_home
def test_wrong_pair_gets_one_alert_and_keeps_the_reference(portal, an_account):
    account = an_account()
    for reference in (account.lease.reference, "987654"):
        page = log_in(portal.another_browser(), reference, "pas le bon mot de passe")
        assert page.says(PAIR)
        form = page.form("Je me connecte")
        assert form.value("Ma référence contrat") == reference
        assert form.value("Mon mot de passe") == ""


def test_t02_who_types_other_zeros_than_two_contracts_have_reaches_neither(portal, mailbox, a_contract, an_account):
    account = an_account(a_contract(reference="234567"))
    assert log_in(portal.another_browser(), "0234567", account.password).path == "/espace"
    a_contract(reference="00234567", ends_on="31/12/2020")
    assert log_in(portal.another_browser(), "0234567", account.password).says(PAIR)
    assert log_in(portal.another_browser(), "00234567", account.password).says(PAIR)
    assert log_in(portal.another_browser(), "234567", account.password).path == "/espace"
    mailbox.read_all()


def test_t20_password_is_never_altered(portal, an_account):
    account = an_account(password=" Mon Chat s'appelle Félix ")
    assert log_in(portal, account.lease.reference, account.password.strip()).says(PAIR)
    assert log_in(portal, f" {account.lease.reference} ", account.password).path == "/espace"


def test_t20_accents_typed_another_way_are_the_same_password(portal, an_account):
    account = an_account(password="l'été à Besançon, déjà")
    decomposed = "l'e\u0301te\u0301 a\u0300 Besanc\u0327on, de\u0301ja\u0300"
    assert log_in(portal, account.lease.reference, decomposed).path == "/espace"


@pytest.mark.every_home
def test_t21_stranger_is_slowed_down_and_the_owner_still_gets_in(portal, mailbox, an_account, clock):
    account = an_account(email="lea@free.fr")
    owner = portal.another_browser()
    assert log_in(owner, account.lease.reference, account.password).path == "/espace"
    owner.click("Je me déconnecte")

    stranger = portal.another_browser()
    for _ in range(5):
        assert log_in(stranger, account.lease.reference, "devinette de voleur").says(PAIR)
    page = log_in(stranger, account.lease.reference, account.password, status=429)
    assert page.says("choisissez un nouveau mot de passe")
    assert int(page.response.headers["Retry-After"]) <= 61
    alarm = mailbox.read(to="lea@free.fr")
    assert alarm.subject == "Plusieurs essais ont échoué"

    assert log_in(owner, account.lease.reference, account.password).path == "/espace", "his device has its own counter"
    clock.move(minutes=1, seconds=1)
    assert log_in(stranger, account.lease.reference, "devinette de voleur").says(PAIR)
    log_in(stranger, account.lease.reference, "devinette de voleur", status=429)
    clock.move(minutes=1, seconds=30)
    log_in(stranger, account.lease.reference, "devinette de voleur", status=429)
    clock.move(seconds=40)
    assert log_in(stranger, account.lease.reference, "devinette de voleur").says(PAIR)


def test_t21_no_more_than_25_tries_in_a_day(portal, mailbox, an_account, clock):
    account = an_account()
    tries = 0
    for _ in range(23):
        for _ in range(40):
            page = log_in(portal.another_browser(), account.lease.reference, "devinette", status=0)
            if page.status == 429:
                break
            tries += 1
        clock.move(hours=1, seconds=1)
    assert tries == 25
    mailbox.read_all()


def test_t30_two_tenants_share_an_address(portal, mailbox, an_account):
    one, two = an_account(email="famille@free.fr"), an_account(email="famille@free.fr")
    for account in (one, two):
        page = log_in(portal.another_browser(), account.lease.reference, account.password)
        assert page.says(account.lease.reference)
    forget(portal, two.lease.reference)
    mail = mailbox.read(to="famille@free.fr")
    assert two.lease.reference[-3:] in mail.text, "each mail tells which contract"
    assert two.lease.reference not in mail.text


@pytest.mark.every_home
def test_t39_remembered_device_lasts_fourteen_days_and_ends_on_logout(portal, an_account, clock):
    account = an_account()
    page = portal.get("/connexion")
    assert page.says("14 jours")
    assert page.says("partagé")
    log_in(portal, account.lease.reference, account.password, remember=True)
    clock.move(days=13)
    assert portal.get("/espace").path == "/espace"
    copies = {name: portal.cookie(name) for name in ("portal_session", "portal_remember")}
    portal.click("Je me déconnecte")
    thief = portal.another_browser()
    for name, value in copies.items():
        thief.http.set_cookie(name, value)
    assert thief.get("/espace").h1 == "Identifiez-vous", "copies of the cookies are dead on the server"
    log_in(portal, account.lease.reference, account.password, remember=True)
    clock.move(days=14, minutes=1)
    assert portal.get("/espace").h1 == "Identifiez-vous"


@pytest.mark.every_home
def test_t39_without_memoriser_the_session_ends_when_idle_and_after_twelve_hours(portal, an_account, clock):
    account = an_account()
    log_in(portal, account.lease.reference, account.password)
    clock.move(minutes=29)
    assert portal.get("/espace").path == "/espace"
    clock.move(minutes=32)
    assert portal.get("/espace").h1 == "Identifiez-vous"
    log_in(portal, account.lease.reference, account.password)
    for _ in range(26):
        clock.move(minutes=28)
        page = portal.get("/espace")
    assert page.h1 == "Identifiez-vous"


@pytest.mark.every_home
@pytest.mark.parametrize("path", ["/espace/avis", "/espace/compte", "/espace/compte/fermeture"])
def test_stranger_who_asks_for_a_page_of_tenants_logs_in_and_is_there(portal, an_account, path):
    tenant = an_account()
    page = portal.get(path)
    assert page.path == "/connexion" and page.h1 == "Identifiez-vous"
    assert fill_login(page, tenant.lease.reference, tenant.password).click().path == path
