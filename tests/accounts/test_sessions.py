"""F5 and F12: cookies are worth nothing after the logout, and a planted session nothing after the login."""

import pytest

from tests.support.portal_client import Portal
from tests.support.steps import fill_login, log_in, sign_up

pytestmark = [pytest.mark.security, pytest.mark.every_home]


def copied(browser, *names):
    """Return a browser with copies of these cookies, or of all."""
    thief = Portal(browser.app)
    thief.http._cookies = {k: c for k, c in browser.http._cookies.items() if not names or c.key in names}
    return thief


@pytest.mark.parametrize("remember", [True, False])
def test_f05_cookies_copied_before_the_logout_are_dead_after_it(app, an_account, remember):
    tenant = an_account()
    browser = Portal(app)
    log_in(browser, tenant.lease.reference, tenant.password, remember=remember)
    session = app.config["SESSION_COOKIE_NAME"]
    sets = [(), (session,), (session, "portal_device")]
    sets += [("portal_remember",), ("portal_remember", "portal_device")] if remember else []
    thieves = [copied(browser, *names) for names in sets]
    late = [copied(browser, *names) for names in sets]
    assert {thief.get("/espace").path for thief in thieves} == {"/espace"}, "until then they are as good as his own"
    browser.get("/espace").click("Je me déconnecte")
    for thief in [*thieves, *late]:
        assert thief.get("/espace").path == "/connexion"
        assert thief.http.get("/espace/avis/1").status_code == 302
    assert tenant.browser.get("/espace").path == "/espace", "his other device goes on"


def test_f12_session_that_was_planted_before_the_login_is_forgotten(app, portal, mailbox, an_account, a_contract):
    tenant, lease = an_account(), a_contract()
    attacker = portal.another_browser()
    sign_up(attacker, lease, email="voleur@free.fr")
    mailbox.read(to="voleur@free.fr")
    victim = copied(attacker)
    form = fill_login(victim.get("/connexion"), tenant.lease.reference)
    token = dict(form.node.form_values())["csrf_token"]
    assert form.click().path == "/espace"
    session = app.config["SESSION_COOKIE_NAME"]
    assert victim.cookie(session) != attacker.cookie(session)
    assert attacker.get("/espace").path == "/connexion", "the planted cookie is logged in to nothing"
    assert victim.get("/inscription/courriel").path == "/espace", "nothing of the planted session is left"
    victim.http.post("/deconnexion", data={"csrf_token": token})
    assert victim.get("/espace").path == "/espace", "its token neither"
    assert copied(victim, session).get("/espace").path == "/espace"


def test_every_private_page_shows_the_way_out(app, an_account):
    browser = an_account().browser
    private = [
        rule.rule.removeprefix(browser.home.prefix)
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "portal_guard", "") == "account"
        and "GET" in (rule.methods or ())
        and not rule.arguments
    ]
    assert len(private) >= 4
    for path in private:
        assert browser.get(path).form("Je me déconnecte"), path
    answer = browser.http.post("/deconnexion", data=dict(browser.page.form("Je me déconnecte").node.form_values()))
    assert "no-store" in answer.headers["Cache-Control"] and "Clear-Site-Data" not in answer.headers
