"""F11: no address leads out of the portal."""

from urllib.parse import quote

import pytest

from tests.support.portal_client import Portal
from tests.support.steps import fill_login

pytestmark = pytest.mark.security

EVIL = (
    "//evil.example",
    "///evil.example",
    "////evil.example/espace",
    "\\\\evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "/\\/evil.example/espace",
    "%5c%5cevil.example",
    "/%5cevil.example",
    "%2f%2fevil.example",
    "/%2fevil.example",
    "/%09/evil.example",
    "https://evil.example",
    "https://evil.example/espace",
    "HTTPS:evil.example",
    "https:/evil.example",
    "http:///evil.example",
    "https:\\\\evil.example",
    "https://localhost@evil.example/espace",
    "https://localhost:80@evil.example/espace",
    "//localhost@evil.example/espace",
    "https://evil.example#@localhost/espace",
    "https://evil.example\\@localhost/espace",
    "https://localhost.evil.example/espace",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)//espace",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox",
    "\t//evil.example",
    " //evil.example",
    "/\t/evil.example",
    "/\r\n/evil.example",
    "/espace\r\nLocation: https://evil.example",
    "\x00//evil.example",
    "/espace\x00.evil.example",
    "//evil.example\u3002fr",
    "//\u2215evil.example",
    "/espace/../../evil.example",
    "/espace;@evil.example",
    "//[evil.example",
    "https://[::1",
    "//evil.example:99999999",
    ".evil.example",
    "@evil.example",
    "?suite=//evil.example",
    "/deconnexion",
    "/inscription",
    "/espace@evil.example",
    "/gestion",
    "/connexion?langue=en&suite=//evil.example",
)


def log_in_towards(app, tenant, wanted):
    """Log in on the page with that `suite`; return where it leads."""
    browser = Portal(app)
    form = fill_login(browser.get(f"/connexion?suite={quote(wanted)}"), tenant.lease.reference, tenant.password)
    answer = browser.http.post("/connexion", data=dict(form.node.form_values()))
    assert answer.status_code == 302, wanted
    return answer.location


@pytest.mark.every_home
def test_f11_login_leads_to_a_page_of_the_tenants_own_or_home(app, portal, an_account):
    tenant, base = an_account(), portal.home.prefix
    assert len(EVIL) >= 30
    for wanted in EVIL:
        assert log_in_towards(app, tenant, wanted) == f"{base}/espace", repr(wanted)
    for path in ("/espace", "/espace/avis", "/espace/compte"):
        assert log_in_towards(app, tenant, base + path) == base + path
    assert log_in_towards(app, tenant, f"https://evil.example{base}/espace/avis") == f"{base}/espace/avis", (
        "a path alone"
    )


@pytest.mark.every_home
def test_f11_no_address_leads_out_by_itself(portal):
    base = portal.home.prefix
    tails = ("", "/", "//", "/connexion", "/espace/..", "/connexion/")
    paths = [f"{lead}evil.example{tail}" for lead in ("//", "///", "/\\", "/%5c", "/%2f%2f", "/%09/") for tail in tails]
    for path in [*paths, "//connexion", "/connexion//", "//evil.example/%2e%2e/connexion"]:
        for asked in (path, f"{path}?langue=en"):
            location = portal.http.get(base + asked, base_url="http://localhost").location or ""
            inside = location.removeprefix("http://localhost")
            assert not inside or inside.startswith("/") and not inside.startswith(("//", "/\\")), (asked, location)


@pytest.mark.parametrize(
    ("asked", "led_to"),
    [
        ("a=1&a=2&langue=en", "a=1&a=2"),
        ("langue=en&_external=1&_scheme=javascript&_anchor=x", "_external=1&_scheme=javascript&_anchor=x"),
        ("langue=en&endpoint=x&values=y", "endpoint=x&values=y"),
        ("langue=en&=x", "=x"),
        ("langue=en&suite=//evil.example", "suite=%2F%2Fevil.example"),
        ("langue=en&x=%0d%0aSet-Cookie:a", "x=%0D%0ASet-Cookie%3Aa"),
    ],
)
def test_choice_of_the_language_leads_back_to_the_same_page(portal, asked, led_to):
    answer = portal.http.get(f"/connexion?{asked}")
    assert (answer.status_code, answer.location) == (302, f"/connexion?{led_to}")
