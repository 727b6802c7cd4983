"""F7, F8, F10 and F14: guessing is slow and floods nobody; the owner always gets in; weak passwords are refused."""

import pytest

from tests.support.hosts import MOUNT, STANDALONE
from tests.support.journey_steps import fill_sign_up, log_in
from tests.support.portal_client import ANY_STATUS, Portal

pytestmark = pytest.mark.security

NEW = "un nouveau secret bien long"


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
    form = elsewhere.get("/mot-de-passe-oublie").form("mot de passe")
    form.fill("Ma référence contrat", account.lease.reference).click()
    form = elsewhere.get(mailbox.read(to=account.email).link).form("mot de passe").fill("Créez un mot de passe", NEW)
    form.fill("Confirmez votre mot de passe", NEW).click()
    mailbox.read(to=account.email)
    assert log_in(elsewhere, account.lease.reference, NEW).path == "/espace", "and a reset opens the way at once"


def test_f08_twenty_requests_send_three_mails_an_hour_and_show_one_page(portal, mailbox, an_account, clock):
    account = an_account()
    pages = set()
    for _ in range(20):
        clock.move(minutes=2, seconds=30)
        form = portal.another_browser().get("/mot-de-passe-oublie").form("mot de passe")
        pages.add(form.fill("Ma référence contrat", account.lease.reference).click().text)
    assert len(pages) == 1
    assert [mail.to for mail in mailbox.read_all()] == [account.email] * 3


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("password1", "au moins 12 caractères"),
        ("motdepasse123", "trop courant"),
        ("password12345", "trop courant"),
        ("azertyuiop123", "trop courant"),
        ("Habitat du Val 49", "trop courant"),
        ("loyer loyer loyer", "trop courant"),
        ("{reference}{reference}", "que des chiffres"),
        ("{reference} {module}", "que des chiffres"),
        ("lea.martin@orange.fr", "trop courant"),
        ("aaaaaaaaaaaaaaaa", "trop courant"),
        ("1" * 12, "que des chiffres"),
        ("a" * 129, "128 caractères au plus"),
    ],
)
def test_f10_weak_password_is_refused_with_the_reason(portal, a_contract, password, reason):
    lease = a_contract()
    typed = password.format(reference=lease.reference, module=lease.module)
    page = fill_sign_up(portal, lease.reference, lease.module, password=typed).click()
    assert page.path == "/inscription" and len(page.faults) == 1
    assert reason in page.faults[0]


@pytest.mark.parametrize("home", [STANDALONE, MOUNT], indirect=True)
def test_f14_forged_address_of_origin_counts_as_one_unless_the_proxy_is_declared(make_app, home):
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
