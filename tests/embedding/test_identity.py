"""No cookie makes a tenant of staff, or staff of a tenant."""

import re

import pytest
from flask_login import current_user

from tests.support.hosts import EXTENSION, MOUNT, home_of
from tests.support.portal_client import Portal
from tests.support.steps import log_in

from .conftest import log_staff_in

in_host = pytest.mark.parametrize("home", [EXTENSION], indirect=True)
mounted = pytest.mark.parametrize("home", [MOUNT], indirect=True)


def test_staff_use_the_back_office_without_a_second_login_and_nobody_else_does(app, host, an_account):
    account = an_account()
    staff = Portal(app)
    staff.get("/gestion", status=404)
    account.browser.get("/gestion", status=404)
    log_staff_in(staff.http)
    form = staff.get("/gestion").form("Trouver")
    page = form.fill("Trouver un locataire", account.lease.reference).click("Trouver")
    assert page.says("les douze étapes sont faites")
    assert staff.get("/espace").path == "/connexion", "staff are no tenants"


@mounted
def test_staff_and_tenant_are_logged_in_in_one_browser(app, host, an_account):
    account = an_account()
    browser = Portal(app)
    log_staff_in(browser.http)
    log_in(browser, account.lease.reference, account.password)
    assert browser.get("/espace").path == "/espace"
    assert browser.get("/gestion").h1
    assert "Mme Moreau" in browser.http.get("http://localhost/payroll").text
    browser.get("/espace").click("Je me déconnecte")
    assert browser.http.get("http://localhost/payroll").status_code == 200


@pytest.mark.parametrize("is_same_secret", [True, False])
def test_cookies_carried_from_one_to_the_other_open_nothing(make_app, host, an_account, is_same_secret):
    if is_same_secret:
        host.secret_key = make_app().secret_key
    account = an_account()
    tenant, staff = Portal(account.browser.app), Portal(account.browser.app)
    log_in(tenant, account.lease.reference, account.password, remember=True)
    log_staff_in(staff.http, remember="yes")
    names = ("session", "remember_token", "portal_session", "portal_remember", "portal_device")
    for source, address, allowed in (
        (tenant, "http://localhost/payroll", {401}),
        (staff, "/espace", {302}),
    ):
        for cookie in source.http._cookies.values():
            for name in names:
                thief = Portal(account.browser.app)
                thief.http.set_cookie(name, cookie.value)
                assert thief.http.get(address).status_code in allowed, (cookie.key, name)


@in_host
@pytest.mark.parametrize(
    "ask", [lambda: current_user.get_id(), lambda: "somebody" if current_user.is_authenticated else None, lambda: "all"]
)
def test_tenant_is_no_staff_even_for_a_host_that_asks_carelessly(app, host, an_account, ask):
    account = an_account()
    app.extensions["portal"].options["staff"] = ask
    account.browser.get("/gestion", status=404)


@in_host
def test_hooks_and_listeners_of_the_host_take_no_tenant_for_one_of_theirs(host, an_account):
    """Its hook reads `current_user.name` on our pages, too."""
    assert an_account().browser.get("/espace").path == "/espace"


def test_token_of_forms_is_another_one_after_the_login_under_the_name_that_the_host_gave_it(make_app, an_account):
    account, app = an_account(), make_app(WTF_CSRF_FIELD_NAME="jeton")
    browser, home = home_of(app).front.test_client(), f"http://localhost{home_of(app).prefix}"
    page = browser.get(f"{home}/connexion").text
    token = re.findall(r'name="jeton" type="hidden" value="([^"]+)"', page)[0]
    known = {"reference": account.lease.reference, "password": account.password}
    answer = browser.post(f"{home}/connexion", data={**known, "jeton": token})
    assert answer.location.endswith("/espace")
    assert account.lease.reference in browser.get(f"{home}/espace").text
    assert browser.post(f"{home}/deconnexion", data={"jeton": token}).status_code == 400
