"""F7 and F14: guessing is slow, the owner always gets in, and nobody passes for many."""

import pytest

from tests.support.hosts import MOUNT, STANDALONE
from tests.support.portal_client import ANY_STATUS, Portal
from tests.support.steps import (
    NEW_PASSWORD,
    ask_email_change,
    change_password,
    close_account,
    forget,
    log_in,
    reset_password,
)

pytestmark = pytest.mark.security


def test_f07_after_45_wrong_passwords_the_right_one_waits_but_the_owner_gets_in(portal, mailbox, an_account):
    account = an_account()
    owner = account.browser
    owner.get("/espace").click("Je me déconnecte")
    guesser = portal.another_browser()
    statuses = [log_in(guesser, account.lease.reference, f"essai {n}", status=ANY_STATUS).status for n in range(45)]
    assert statuses == [200] * 5 + [429] * 40
    page = log_in(guesser, account.lease.reference, account.password, status=429)
    assert int(page.response.headers["Retry-After"]) > 30
    assert guesser.get("/espace").path == "/connexion"
    elsewhere = portal.another_browser()
    elsewhere.http.environ_base["REMOTE_ADDR"] = "198.51.100.7"
    log_in(elsewhere, account.lease.reference, account.password, status=429)
    assert mailbox.read(to=account.email).subject == "Plusieurs essais ont échoué", "one alarm, not forty"

    assert log_in(owner, account.lease.reference, account.password).path == "/espace", (
        "a known device counts for itself"
    )
    forget(elsewhere, account.lease.reference)
    reset_password(elsewhere, mailbox.read(to=account.email).link)
    mailbox.read(to=account.email)
    assert log_in(elsewhere, account.lease.reference, NEW_PASSWORD).path == "/espace", (
        "and a reset opens the way at once"
    )


def end_other_sessions(browser, password, *, status=200):
    form = browser.get("/espace/connexions").form("Je déconnecte")
    return form.fill("Mon mot de passe", password).click("Je déconnecte", status=status)


PAGES = {
    "/espace/compte/mot-de-passe": change_password,
    "/espace/compte/adresse": lambda browser, password, **more: ask_email_change(
        browser, "a@free.fr", password, **more
    ),
    "/espace/compte/fermeture": close_account,
    "/espace/connexions": end_other_sessions,
}


@pytest.mark.parametrize("path", PAGES)
def test_guesses_within_the_account_count_like_those_at_the_login(portal, an_account, clock, path):
    tenant = an_account()
    tenant.log_in(portal)
    for _ in range(5):
        assert PAGES[path](tenant.browser, "devinette de voleur").says(
            "ce mot de passe n'est pas celui de votre compte"
        )
    page = PAGES[path](tenant.browser, tenant.password, status=429)
    assert page.path == path
    assert page.says("trop d'essais") and page.says("choisissez un nouveau mot de passe")
    tenant.browser.click("Je me déconnecte")
    tenant.log_in(tenant.browser, status=429)
    clock.move(minutes=1, seconds=1)
    assert tenant.log_in(tenant.browser).path == "/espace"


@pytest.mark.every_home(STANDALONE, MOUNT)  # in a host the proxy is the host's
def test_f14_forged_address_of_origin_counts_as_one_unless_the_proxy_is_declared(make_app):
    def try_as(app, forwarded, number):
        browser = Portal(app)
        browser.http.environ_base["HTTP_X_FORWARDED_FOR"] = forwarded
        for name in ("HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_CLIENT_IP", "HTTP_TRUE_CLIENT_IP", "HTTP_X_CLIENT_IP"):
            browser.http.environ_base[name] = forwarded
        return log_in(browser, str(700_000 + number), "faux", status=ANY_STATUS).status

    alone = make_app()
    statuses = [try_as(alone, f"203.0.113.{number}", number) for number in range(7)]
    assert statuses == [200] * 5 + [429] * 2, "without a proxy nobody's word counts"
    behind = make_app(PORTAL_PROXY_HOPS=1)
    statuses = [try_as(behind, f"203.0.113.{number}", 100 + number) for number in range(7)]
    assert statuses == [200] * 7, "the declared proxy tells seven visitors apart"
    statuses = [try_as(behind, f"198.51.100.{number}, 192.0.2.1", 200 + number) for number in range(7)]
    assert statuses == [200] * 5 + [429] * 2, "what a visitor wrote before the proxy's own word counts for nothing"


def test_f14_proxy_that_writes_ports_tells_its_visitors_apart(make_app):
    app = make_app(PORTAL_PROXY_HOPS=1)

    def try_as(forwarded, number):
        browser = Portal(app)
        browser.http.environ_base["HTTP_X_FORWARDED_FOR"] = forwarded
        return log_in(browser, str(700_000 + number), "faux", status=ANY_STATUS).status

    for number in range(7):
        assert try_as(f"203.0.113.{number}:5000{number}", number) == 200
        assert try_as(f"[2001:db8:0:{number}::1]:443", 100 + number) == 200
    statuses = [try_as(f"198.51.100.1:{50_000 + number}", 200 + number) for number in range(7)]
    assert statuses == [200] * 5 + [429] * 2, "one visitor has many ports"


def test_f07_many_people_behind_one_address_get_in_after_minutes(portal, an_account, clock):
    tenant = an_account()
    slips, waited = 0, 0
    while slips < 25:
        browser = portal.another_browser()
        page = log_in(browser, str(700_000 + slips), "faux", status=ANY_STATUS)
        if page.status == 200:
            slips += 1
        else:
            clock.move(minutes=1)
    while log_in(portal.another_browser(), tenant.lease.reference, tenant.password, status=ANY_STATUS).status == 429:
        clock.move(minutes=1)
        waited += 1
    assert waited <= 15


def test_f07_right_logins_take_slips_off_a_shared_address(portal, an_account, clock):
    tenants = [an_account(email=f"{name}@free.fr") for name in ("lea", "marc")]
    for number in range(5):
        assert log_in(portal.another_browser(), str(700_000 + number), "faux").status == 200
    clock.move(minutes=2)
    for tenant in tenants * 3:
        assert log_in(portal.another_browser(), tenant.lease.reference, tenant.password).path == "/espace"
    statuses = [log_in(portal.another_browser(), str(700_100 + n), "faux", status=ANY_STATUS).status for n in range(6)]
    assert statuses == [200] * 5 + [429], "the slips are gone, and nobody earns more by his own account"
