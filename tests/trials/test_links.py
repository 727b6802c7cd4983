"""F1 and F6: a link that is only opened changes nothing, and no header of a request decides where links lead."""

import pytest

from tests.hosts import EXTENSION, HOMES, STANDALONE
from tests.journeys.steps import finish, sign_up
from tests.portal_client import ANY_STATUS, Portal

in_every_home = pytest.mark.parametrize("home", HOMES, indirect=True)
FORGED = (
    {"Host": "evil.example"},
    {"Host": "evil.example:80"},
    {"X-Forwarded-Host": "evil.example"},
    {"X-Forwarded-Server": "evil.example"},
    {"X-Original-Host": "evil.example"},
    {"Forwarded": "host=evil.example;proto=http"},
    {"X-Forwarded-Prefix": "//evil.example"},
    {"X-Forwarded-Proto": "evil", "X-Forwarded-Port": "666"},
    {"Origin": "http://evil.example", "Referer": "http://evil.example/"},
)


def ask_for_a_link(browser, reference, **headers):
    """Ask for a new password with these headers, and return the status."""
    form = browser.get("/mot-de-passe-oublie").form("mot de passe").fill("Ma référence contrat", reference)
    data = dict(form.node.form_values())
    cookie = "; ".join(f"{c.key}={c.value}" for c in browser.http._cookies.values())
    forger = browser.home.front.test_client(use_cookies=False)  # a browser of tests keeps its cookies from other hosts
    path = f"{browser.home.prefix}/mot-de-passe-oublie"
    answer = forger.post(path, data=data, headers={"Cookie": cookie, **headers})
    assert "evil" not in answer.text + str(answer.headers)
    return answer.status_code


@in_every_home
def test_f01_activation_link_that_is_only_opened_changes_nothing(portal, mailbox, a_contract, database_dump):
    lease = a_contract()
    sign_up(portal, lease.reference, lease.module)
    link = mailbox.read().link
    before = database_dump()
    for method in ("GET", "HEAD", "GET"):
        scanner = portal.another_browser()
        scanner.http.open(link, method=method, follow_redirects=True)
    assert scanner.page is None and database_dump() == before
    assert scanner.get("/espace").path == "/connexion", "whoever opened it is nobody"
    assert finish(portal, link, lease.reference).path == "/espace", "and the tenant's own click still counts"
    mailbox.read()


@in_every_home
@pytest.mark.parametrize("headers", FORGED, ids=lambda headers: " ".join(headers))
def test_f06_no_header_of_a_request_decides_where_a_link_leads(portal, mailbox, an_account, headers):
    account = an_account()
    if ask_for_a_link(portal, account.lease.reference, **headers) == 400:
        assert "Host" in headers and portal.home.kind != EXTENSION, "names that are not ours"
        return
    mail = mailbox.read()
    assert mail.link.startswith(f"http://localhost{portal.home.prefix}/mot-de-passe/")
    assert b"evil" not in mail.raw


@pytest.mark.parametrize("home", [STANDALONE, EXTENSION], indirect=True)
def test_f06_behind_a_proxy_its_own_headers_decide_no_more(make_app, mailbox, an_account, home):
    account = an_account()
    app = make_app(PORTAL_PROXY_HOPS=1)
    for headers in FORGED[2:]:
        if ask_for_a_link(Portal(app), account.lease.reference, **headers) == 302:
            for mail in mailbox.read_all():
                assert mail.link.startswith(
                    "http://localhost/" if home == STANDALONE else "http://localhost/locataire/"
                )
    Portal(app).get("/connexion", status=ANY_STATUS)
