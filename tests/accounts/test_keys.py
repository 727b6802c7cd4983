"""F15: the key changes while tenants are in the middle of everything."""

import pytest

from tests.support.hosts import MOUNT, STANDALONE
from tests.support.portal_client import Portal
from tests.support.steps import PASSWORD, fill_login, finish, forget, log_in, sign_up

OLD, NEW = "the former key, of forty characters, yes", "the present key, of forty characters, yes"
#: Two processes of a rolling change.
CHANGED, CHANGING = (
    {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": [OLD]},
    {"SECRET_KEY": OLD, "SECRET_KEY_FALLBACKS": [NEW]},
)

both_ways = pytest.mark.parametrize(("first", "second"), [(CHANGING, CHANGED), (CHANGED, CHANGING)])
pytestmark = [
    pytest.mark.security,
    pytest.mark.every_home(STANDALONE, MOUNT),  # in a host the key is the host's
    pytest.mark.settings(SECRET_KEY=OLD),
]


def carried(browser, app, *, without=()):
    """Return a browser at another process, with all or some of its cookies."""
    other = Portal(app)
    other.http._cookies = {key: c for key, c in browser.http._cookies.items() if not c.key.endswith(without)}
    return other


def everything_open(portal, mailbox, a_contract, an_account):
    """Leave open all that a key signs: a session, a device, a form, two links."""
    tenant = an_account()
    signer, other = portal.another_browser(), a_contract()
    sign_up(signer, other)
    activation = (mailbox.read().link, other.reference)
    forgetful = portal.another_browser()
    forget(forgetful, tenant.lease.reference)
    reset = mailbox.read().link
    remembered = portal.another_browser()
    log_in(remembered, tenant.lease.reference, tenant.password, remember=True)
    typing = portal.another_browser()
    form = fill_login(typing.get("/connexion"), tenant.lease.reference)
    return tenant, activation, reset, remembered, form


@both_ways
def test_f15_changed_key_with_the_other_as_fallback_ends_nothing(
    make_app, mailbox, a_contract, an_account, first, second
):
    portal, app = Portal(make_app(**first)), make_app(**second)
    _, (link, reference), reset, remembered, form = everything_open(portal, mailbox, a_contract, an_account)
    assert carried(remembered, app, without="portal_remember").get("/espace").path == "/espace", "the session"
    assert carried(remembered, app, without="portal_session").get("/espace").path == "/espace", "the device"
    form.page.portal = carried(form.page.portal, app)
    assert form.click("Je me connecte").path == "/espace", "the form"
    assert finish(Portal(app), link, reference, PASSWORD).path == "/espace", "the activation link"
    assert Portal(app).get(reset).form("mot de passe"), "the reset link"
    mailbox.read()


def test_f15_former_key_taken_off_the_list_ends_what_it_signed(make_app, mailbox, a_contract, an_account, portal):
    tenant, (link, _), reset, remembered, form = everything_open(portal, mailbox, a_contract, an_account)
    app = make_app(SECRET_KEY=NEW)
    assert carried(remembered, app, without="portal_remember").get("/espace").path == "/connexion", "the session"
    assert carried(remembered, app, without="portal_session").get("/espace").path == "/connexion", "the device"
    form.page.portal = carried(form.page.portal, app)
    assert form.click("Je me connecte", status=400).path == "/connexion", "the form"
    Portal(app).get(link, status=404)
    Portal(app).get(reset, status=404)
    assert log_in(Portal(app), tenant.lease.reference, tenant.password).path == "/espace", "the password is no secret"


def test_f15_remembered_device_cannot_be_made_up(make_app, an_account):
    app = make_app(SECRET_KEY=OLD)
    tenant = an_account()
    browser = Portal(app)
    log_in(browser, tenant.lease.reference, tenant.password, remember=True)
    sealed = browser.cookie("portal_remember") or ""
    token, _, signature = sealed.rpartition(".")
    for forged in (
        token,
        f"{token}.",
        f"{token}.{signature[:-3]}",
        f"{token[:-1]}.{signature}",
        f".{signature}",
        "é.é",
    ):
        thief = Portal(app)
        thief.http.set_cookie("portal_remember", forged, path=thief.home.prefix or "/")
        assert thief.get("/espace").path == "/connexion", forged
