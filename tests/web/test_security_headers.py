"""F16: headers and cookies of every answer; names, methods, other sites."""

import re

import pytest
from sqlalchemy import text

from tenant_portal.db import begin_write, db
from tests.support.hosts import EXTENSION, MOUNT, PREFIX, STANDALONE
from tests.support.portal_client import ANY_STATUS, Portal
from tests.support.steps import fill_login, log_in, sign_up

pytestmark = pytest.mark.security

HTTPS = "https://intranet.habitat.example"
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
}
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
YEAR = 365 * 86400
KINDS = r"(text/(html|css|javascript|plain)|application/javascript); charset=utf-8|image/\S+|application/(json|pdf)"


def faults_of(answer, *, is_https):
    """Yield every header that lacks or is too much."""
    found = answer.headers.get
    for name, wanted in EVERYWHERE.items():
        if found(name) != wanted:
            yield f"{name} is {found(name)}"
    policy = dict(rule.strip().partition(" ")[::2] for rule in found("Content-Security-Policy", "").split(";"))
    for rule, wanted in POLICY.items():
        if policy.get(rule, "").strip() != wanted:
            yield f"{rule} {policy.get(rule)}"
    if not policy.get("report-uri") or f'portal="{policy["report-uri"]}"' != found("Reporting-Endpoints"):
        yield "nowhere to report to"
    transport = re.fullmatch(r"max-age=(\d+); includeSubDomains", found("Strict-Transport-Security", ""))
    if is_https != bool(transport and int(transport[1]) >= YEAR):
        yield f"Strict-Transport-Security is {found('Strict-Transport-Security')}"
    is_kept = "/assets/" in answer.request.path and answer.status_code in {200, 304}
    if not re.search("immutable|no-cache" if is_kept else "no-store", found("Cache-Control", "")):
        yield f"Cache-Control is {found('Cache-Control')}"
    yield from (f"{name} is there" for name in ("Access-Control-Allow-Origin", "Server", "X-Powered-By") if found(name))
    if answer.get_data() and not re.fullmatch(KINDS, found("Content-Type", "")):
        yield f"Content-Type is {found('Content-Type')}"
    for cookie in answer.headers.getlist("Set-Cookie"):
        yield from cookie_faults(cookie, is_https=is_https)


def cookie_faults(cookie, *, is_https):
    name, flags = cookie.partition("=")[0], {part.strip().lower() for part in cookie.split(";")[1:]}
    prefix = "" if not is_https else "__Host-" if "path=/" in flags else "__Secure-"
    yield from (f"{name} lacks {flag}" for flag in ("httponly", "samesite=lax") if flag not in flags)
    yield from (f"{name} is for a whole domain" for flag in flags if flag.startswith("domain="))
    if is_https != ("secure" in flags) or not name.startswith(f"{prefix}portal_"):
        yield f"{name} is called so with {sorted(flags)}"
    if len(cookie) > 4096:
        yield f"{name} has {len(cookie)} bytes"


def pages(browser):
    """Yield the answer to each page and to what it loads."""
    adapter = browser.app.url_map
    for rule in adapter.iter_rules():
        if "GET" in (rule.methods or ()) and not rule.arguments and rule.endpoint.startswith("portal"):
            yield browser.http.get(rule.rule)
            yield browser.http.head(rule.rule)
    yield browser.http.get("/aide?langue=fr")
    for address in browser.get("/aide").tree.xpath("//link[@rel='stylesheet']/@href|//script/@src"):
        yield browser.http.get(address, buffered=True)


def errors(browser, link):
    """Yield one answer of each kind of error."""
    send = browser.http.open
    yield send("/connexion", method="POST", data={"reference": "123456"})  # without its token
    yield send("/connexion", headers={"Host": "evil.example"})
    yield send("/rapport-de-securite", method="POST", data={"a": "b"})
    yield send("/connexion", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "iframe"})
    yield send("/nulle-part")
    yield send("/gestion")
    yield send("/activation/ceci-n-est-pas-un-jeton", follow_redirects=True)
    yield send("/connexion", method="PUT")
    yield send(link, follow_redirects=True)  # its time is over
    yield send("/connexion", method="POST", data={"reference": "1" * 100_000})
    yield log_in(browser, "987654", "faux", status=ANY_STATUS).response
    for _ in range(5):
        answer = log_in(browser, "987654", "faux", status=ANY_STATUS).response
    yield answer
    with browser.app.app_context():
        begin_write()
        db.session.execute(text("DROP TABLE portal_attempts"))
        db.session.commit()
    yield send(
        "/connexion", method="POST", data=dict(fill_login(browser.get("/connexion"), "123456", "x").node.form_values())
    )


@pytest.mark.every_home(STANDALONE, MOUNT)
@pytest.mark.parametrize("public", ["http://localhost", HTTPS])
def test_f16_every_page_and_every_error_has_every_header(make_app, mailbox, an_account, a_contract, clock, public):
    account, lease = an_account(), a_contract()
    app = make_app(PORTAL_PUBLIC_URL=public, PROPAGATE_EXCEPTIONS=False)
    sign_up(Portal(app), lease)
    link = mailbox.read().link
    clock.move(hours=73)
    tenant, stranger = Portal(app), Portal(app)
    log_in(tenant, account.lease.reference, account.password, remember=True)
    answers = list(pages(tenant))
    tenant.page.click("Je me déconnecte")
    answers += [*pages(stranger), *errors(stranger, link), *tenant.answers, *stranger.answers]
    typed = (account.lease.reference, lease.reference, account.lease.module, account.password, "@")
    led = [part for answer in answers for part in (answer.request.url, answer.location or "")]
    assert not [address for address in led if any(word in address for word in typed)], (
        "nothing of a tenant in addresses"
    )
    assert {"device", "remember", "session"} <= {
        cookie.partition("=")[0].rpartition("_")[2] for one in answers for cookie in one.headers.getlist("Set-Cookie")
    }
    faults = {
        f"{answer.request.method} {answer.request.path} {answer.status_code}: {fault}"
        for one in answers
        for answer in (*one.history, one)
        for fault in faults_of(answer, is_https=public == HTTPS)
    }
    assert not faults, "\n".join(sorted(faults))
    statuses = {answer.status_code for answer in answers}
    assert statuses >= {200, 302, 400, 403, 404, 405, 410, 413, 429} and max(statuses) >= 500


def assets(browser):
    addresses = browser.get("/aide").tree.xpath("//link[@rel='stylesheet']/@href|//script/@src")
    assert len(addresses) >= 2
    return addresses


@pytest.mark.every_home
def test_asset_is_kept_for_a_year_only_in_its_true_version_and_only_when_it_was_given(portal):
    """X16: a proxy must not keep a refusal for a year, nor a version in another's place."""
    for address in assets(portal):
        given = portal.http.get(address, buffered=True)
        assert given.status_code == 200 and "max-age=31536000, immutable" in given.headers["Cache-Control"], address
        again = portal.http.get(address, headers={"If-None-Match": given.headers["ETag"]}, buffered=True)
        assert again.status_code == 304 and "immutable" in again.headers["Cache-Control"], address
        cross = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "style"}
        refused = portal.http.get(address, headers=cross, buffered=True)
        assert (refused.status_code, refused.headers["Cache-Control"]) == (403, "no-store"), address
        part = portal.http.get(address, headers={"Range": "bytes=0-9"}, buffered=True)
        assert part.status_code == 200 or "immutable" not in part.headers["Cache-Control"], address
        for method in ("POST", "PUT"):
            answer = portal.http.open(address, method=method, buffered=True)
            assert answer.status_code >= 400 and "immutable" not in answer.headers.get("Cache-Control", ""), address


@pytest.mark.every_home
def test_other_version_of_an_asset_is_not_kept(portal):
    for address in assets(portal):
        true = re.search(r"[0-9a-f]{16}", address)[0]
        for other in ("0" * 16, true[:-1], true + "0", true.upper() + "x", "a%22b", "%00", "é" * 300):
            answer = portal.http.get(address.replace(true, other), buffered=True)
            is_sheet = address.endswith(".css")
            assert answer.status_code == (404 if is_sheet else 200), (address, other)
            assert answer.headers["Cache-Control"] == ("no-store" if is_sheet else "no-cache"), (address, other)
    for address in ("/assets/portal.js", "/assets/nothing.js?v=1", "/assets/./portal.js?v=1", "/assets/a/../portal.js"):
        answer = portal.http.get(address, buffered=True)
        assert answer.status_code in {200, 404} and "immutable" not in answer.headers["Cache-Control"], address


@pytest.mark.every_home
def test_name_that_is_not_ours_gets_no_page_and_hears_nothing_of_it(make_app, portal, home):
    if home == EXTENSION:  # a host's names are its own affair (docs/embedding.md)
        app = make_app(TRUSTED_HOSTS=["localhost"])
        assert app.test_client().get(f"{PREFIX}/connexion", headers={"Host": "evil.example"}).status_code == 400
        return
    for name in ("evil.example", "evil.example:80", "localhost.evil.example", "evil@localhost", "localhost/evil", "é"):
        answer = portal.http.get("/connexion", headers={"Host": name})
        assert answer.status_code == 400, name
        assert "evil" not in answer.text + str(answer.headers), name
        assert not answer.headers.getlist("Set-Cookie")
    for name in ("localhost", "localhost:8000", "127.0.0.1:8000"):
        assert portal.http.get("/connexion", headers={"Host": name}).status_code == 200, name


def test_name_that_the_installer_adds_is_ours(make_app):
    app = make_app(PORTAL_PUBLIC_URL=HTTPS, TRUSTED_HOSTS=["intranet.habitat.example", "intranet"])
    for name, status in {"intranet": 200, "intranet.habitat.example": 200, "localhost": 400}.items():
        assert app.test_client().get("/connexion", headers={"Host": name}).status_code == status, name


@pytest.mark.every_home
def test_other_sites_load_and_send_nothing_in_a_tenants_name(an_account):
    browser = an_account().browser
    cross = {"Sec-Fetch-Site": "cross-site"}
    link = {**cross, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert browser.http.get("/espace", headers=link).status_code == 200, "he follows a link of his mail"
    for mode, kind in (("navigate", "iframe"), ("navigate", "object"), ("no-cors", "image"), ("cors", "empty")):
        headers = {**cross, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": kind}
        assert browser.http.get("/espace", headers=headers).status_code == 403, kind
        assert browser.http.get("/espace/avis", headers=headers).status_code == 403, kind
    form = browser.get("/espace").form("Je me déconnecte")
    answer = browser.http.post("/deconnexion", data=dict(form.node.form_values()), headers=link)
    assert answer.status_code == 403, "even with the right token"
    assert browser.get("/espace").path == "/espace"


@pytest.mark.every_home
def test_methods_that_nothing_needs_are_refused(portal):
    for method in ("TRACE", "PUT", "DELETE", "PATCH", "CONNECT", "WHATEVER"):
        for path in ("/connexion", "/espace", "/aide"):
            answer = portal.http.open(path, method=method, headers={"X-Secret": "retournez-moi"})
            assert answer.status_code in {400, 405}, (method, path)
            assert "retournez-moi" not in answer.text


@pytest.mark.every_home
def test_other_origins_may_read_nothing(portal):
    for path in ("/connexion", "/espace", "/assets/portal.js"):
        for method in ("GET", "OPTIONS"):
            answer = portal.http.open(path, method=method, headers={"Origin": "https://evil.example"}, buffered=True)
            assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
