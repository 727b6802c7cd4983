"""X22: no address leads to a fault, whatever stands in it."""

import itertools
from collections.abc import Callable, Iterator
from urllib.parse import quote_from_bytes

import pytest
from flask import Flask
from werkzeug.routing import Rule

from ..support.hosts import EXTENSION, PREFIX, STANDALONE
from ..support.live import COMMANDS, Live, serve
from ..support.people import Tenant
from ..support.portal_client import Portal
from .test_fuzz import LEAKS, ODD, answer_to
from .test_security_headers import faults_of

pytestmark = [pytest.mark.security, pytest.mark.settings(PORTAL_THROTTLE=False)]

NUMBERS = [0, -1, 1, 2, 2**31 - 1, 2**31, 2**32 + 1, 2**63 - 1, 2**63, 2**64, 10**40]
ODD_NUMBERS = [
    "9" * 5000,
    "01",
    "+1",
    "1.0",
    "1e3",
    " 1",
    "1 ",
    "1_0",
    "\u0661",
    "\u00b2",
    "0x1",
    "1\x00",
    "NaN",
    "--1",
    "1/1",
    "1;a",
]
ODD_WORDS = [
    'a"b',
    "a'b",
    'W/"a"',
    "\x00",
    "a\x00b",
    "a\r\nSet-Cookie: a=b",
    "\r",
    "\u2028",
    "%00",
    "%0d%0a",
    "%",
    "%zz",
    "%25%32%32",
    ".",
    "..",
    "../..",
    "..%2f..%2fsettings.ini",
    "..\\..\\settings.ini",
    "a/b",
    "a%2fb",
    "//evil.example",
    "\\\\evil.example",
    "http://evil.example",
    "a" * 5000,
    "é" * 3000,
    "\U0001f600",
    "\ufffe\uffff",
    "{{7*7}}",
    "<b>",
    "a?b#c",
    "*",
    "con",
    "portal.css",
    "portal.js",
    "portal.js/",
    "portal.js\x00.css",
]
#: What lies beside many sites.
BESIDE = """
/.git/config /.git/HEAD /.env /.svn/entries /wsgi.py /instance/portal.sqlite3 /portal.sqlite3 /requirements.txt
/console /debug /admin /server-status /actuator /phpinfo.php /assets/ /assets/../settings.py /assets/%2e%2e/app.py
/static/ /openapi.json /docs /courrier-de-demonstration /demo /backup.zip /metrics
"""
VALUES = list(
    dict.fromkeys([*(str(number).encode() for number in NUMBERS), *map(str.encode, ODD_NUMBERS + ODD_WORDS), *ODD])
)
QUERIES = [
    b"",
    b"langue=en",
    b"langue=%00&langue=\xff",
    b"suite=//evil.example&sujet=%22",
    b"v=%22%0d%0a",
    b"\x00=\xff&&=;",
    b"a=" + b"b" * 5000,
    b"&".join(b"a%d=1" % number for number in range(500)),
]


def of_staff(app: Flask) -> Portal:
    app.extensions["portal"].options["staff"] = lambda: "Mme Moreau"
    return Portal(app)


def paths(rule: Rule, prefix: str) -> Iterator[bytes]:
    """Yield the addresses of a rule with odd values, beside and below it."""
    if not rule.arguments:
        bare = rule.rule.removeprefix(prefix).encode()
        yield from (bare, bare + b"/", bare + b"//", bare + b"/\x00", bare + b"\xff")
        return
    for value in VALUES:
        path = b"".join(value if is_variable else text.encode() for is_variable, text in rule._trace)
        yield path.removeprefix(b"|").removeprefix(prefix.encode())


@pytest.mark.every_home
def test_no_address_leads_to_a_fault_whatever_stands_in_it(app: Flask) -> None:
    ask_for_odd_addresses(Portal(app))


def test_no_address_leads_a_tenant_to_a_fault(an_account: Callable[..., Tenant]) -> None:
    ask_for_odd_addresses(an_account().browser)


@pytest.mark.every_home(STANDALONE, EXTENSION)
def test_no_address_leads_staff_to_a_fault(app: Flask) -> None:
    ask_for_odd_addresses(of_staff(app))


def ask_for_odd_addresses(browser: Portal) -> None:
    """Ask for each address."""
    app, home = browser.app, browser.home.kind
    prefix = browser.home.prefix if home != STANDALONE and browser.home.app is browser.home.front else ""
    cookies = dict(browser.http._cookies)
    queries, faults = itertools.cycle(QUERIES), set[str]()
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("portal")]
    assert len(rules) > 30
    for rule in rules:
        for path in paths(rule, prefix):
            for method in sorted({"GET", "POST"} & (rule.methods or set())):
                browser.http._cookies = dict(cookies)
                raw = {"PATH_INFO": (browser.home.prefix.encode() + path).decode("latin-1")}
                raw["QUERY_STRING"] = next(queries).decode("latin-1")
                if prefix or home == STANDALONE:
                    answer = browser.http.open("/", method=method, environ_overrides=raw, buffered=True)
                else:
                    answer = browser.http.open(PREFIX, method=method, environ_overrides=raw, buffered=True)
                told = f"{method} {path[:60]!r}"
                if answer.status_code >= 500 or LEAKS.search(answer.get_data()):
                    faults.add(f"{told} {answer.status_code}")
                if any("\n" in value or "\r" in value for _, value in answer.headers):
                    faults.add(f"{told}: a header is broken")
                if home == STANDALONE:
                    faults |= {f"{told} {answer.status_code}: {fault}" for fault in faults_of(answer, is_https=False)}
    assert not faults, "\n".join(sorted(faults))


@pytest.mark.every_home
def test_nothing_lies_about_beside_the_pages(portal: Portal) -> None:
    for path in BESIDE.split():
        answer = portal.http.get(path, buffered=True)
        assert answer.status_code in {308, 400, 404}, path
        for word in ("Werkzeug", "Traceback", "SECRET_KEY", "sqlite", "python"):
            assert word not in answer.text + str(answer.headers), path


def test_number_that_no_row_can_have_is_no_address(app: Flask, an_account: Callable[..., Tenant]) -> None:
    tenant, staff = an_account().browser, of_staff(app)
    for number in NUMBERS + ODD_NUMBERS:
        if number not in {1, 2}:
            tenant.get(f"/espace/avis/{quote_from_bytes(str(number).encode(), safe='')}", status=404)
            is_there = staff.http.get(f"/gestion/contrat/{quote_from_bytes(str(number).encode(), safe='')}")
            assert is_there.status_code == 404, number
    assert staff.http.get("/gestion/contrat/1").status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize("server", sorted(COMMANDS))
def test_no_server_stumbles_over_an_odd_address(
    server: str, tmp_path_factory: pytest.TempPathFactory, live_settings: dict[str, object]
) -> None:
    with serve(COMMANDS[server], tmp_path_factory.mktemp(server), live_settings) as live:
        ask_all(live)
        assert live.get("/connexion")[0] == 200
        assert "Traceback" not in live.said()


def ask_all(live: Live) -> None:
    """Ask for odd addresses, encoded or not."""
    heads = (b"/assets/%s/portal.css", b"/assets/%s", b"/assets/portal.js?v=%s", b"/activation/%s", b"/espace/avis/%s")
    targets = [head % quote_from_bytes(value, safe="").encode() for head in heads for value in VALUES]
    targets += [
        b"/connexion?a=\xff",
        b"/nulle-part?\xe9=\xc0\xaf",
        b"/aide?langue=\xff\xfe",
        b"/assets/\xff/portal.css",
    ]
    for target in targets:
        request = b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
        answer = answer_to(live, request)
        assert not answer or answer.startswith(b"HTTP/1.1 "), (request, answer)
        assert not answer.startswith(b"HTTP/1.1 5"), (request, answer)
        assert LEAKS.search(answer) is None, (request, answer)
