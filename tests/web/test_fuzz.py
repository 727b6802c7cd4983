"""F19: whatever is sent, the answer is a page: no 5xx, no traceback, nothing of ours told."""

import io
import random
import re
import socket
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, urljoin, urlsplit

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from lxml import html
from werkzeug.test import TestResponse

from tests.support.examples import few
from tests.support.paths import ROOT

from ..conftest import Clock
from ..support.live import Live
from ..support.people import Tenant, run
from ..support.portal_client import Portal
from ..support.post import Mailbox
from ..support.rent_notices import pdf, publish
from ..support.steps import Lease, close_account, fill_sign_up, forget, log_in

pytestmark = [
    pytest.mark.security,
    pytest.mark.settings(PORTAL_THROTTLE=False),  # so that every form is read to its end
]

fuzzing = few(5)

#: Must come back escaped.
MARKUP = '"><svg/onload=alert(1)>'
#: A token may hold `.py-`, once in thousands of pages.
LEAKS = re.compile(rb"Traceback|sqlalchemy|werkzeug|psycopg|sqlite3\.|\.py(?![\w-])|argon2|<svg/onload", re.IGNORECASE)
ODD_TEXTS = [
    "",
    "\x00",
    "12\x003456",
    "' OR 1=1--",
    "{{7*7}}${7*7}",
    "%00%0a%0d",
    "a\r\nBcc: eve@evil.example",
    "eve@evil.example\nBcc: other@evil.example",
    "\u0661\u0662\u0663",
    "123456\n",
    "+ADw-script+AD4-",
    "../../../etc/passwd",
    "-1",
    "1e309",
    "9" * 400,
    "\u202e\u200b\ufeff",
    "a\u0301" * 300,
    "L/" * 5000,
    "a@" + "b" * 300 + ".fr",
    '"a b"@[127.0.0.1]',
    "mot de passe est " * 300,
    MARKUP,
]
ODD_BYTES = [b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xaf", b"\xe9", b"\x80" * 50]
ODD = [*map(str.encode, ODD_TEXTS), *ODD_BYTES]
values: SearchStrategy[bytes] = st.one_of(
    st.sampled_from(ODD),
    st.text(max_size=30).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=30),
)
CONTENT_TYPES = [
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-7",
    "application/x-www-form-urlencoded; charset=utf-16",
    "application/x-www-form-urlencoded; charset=no-such-thing",
    "multipart/form-data; boundary=X",
    "multipart/form-data",
    "multipart/form-data; boundary=" + "X" * 300,
    "application/json",
    "text/plain",
    "",
    "\x7f/\x80",
]


@dataclass(frozen=True)
class FoundForm:
    """Where a form goes, and the fields that a browser would send."""

    action: str
    fields: tuple[tuple[str, str], ...]


def forms_of(browser: Portal) -> list[FoundForm]:
    """Follow every link; return each form that is sent by POST."""
    to_see, seen, found = [urlsplit(browser.page.url).path], set[str](), dict[str, FoundForm]()
    while to_see:
        path = to_see.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = browser.http.get(path, follow_redirects=True)
        if answer.mimetype != "text/html":
            continue
        tree = html.document_fromstring(answer.get_data())
        here = answer.request.url
        to_see += [urlsplit(urljoin(here, a.get("href"))).path for a in tree.cssselect("a[href^='/']")]
        for form in tree.xpath("//form[@method='post'][not(ancestor::*[@inert])]"):
            names = dict.fromkeys(c.get("name") for c in form.xpath(".//*[@name]"))
            kept = dict(form.form_values())
            action = urlsplit(urljoin(here, form.get("action") or "")).path
            found[action] = FoundForm(action, tuple((name, kept.get(name, "")) for name in names))
            for button in form.xpath(".//*[@formaction]"):
                other = urlsplit(urljoin(here, button.get("formaction"))).path
                found[other] = FoundForm(other, found[action].fields)
    return sorted(found.values(), key=lambda form: -len(form.fields))  # some buttons end the session


def forms_of_no_page(app: Flask, known: list[FoundForm]) -> list[FoundForm]:
    """Return a form with a token for each POST address that no page shows."""
    rules = [rule.rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ()) and not rule.arguments]
    token = tuple(field for field in known[0].fields if field[0] == "csrf_token")
    return [FoundForm(rule, token) for rule in rules if rule not in {form.action for form in known}]


def bodies(form: FoundForm) -> SearchStrategy[bytes]:
    """Return bodies with odd, missing, doubled and unknown fields, mostly with a good token."""

    def choices(name: str, usual: str) -> SearchStrategy[list[bytes]]:
        kept = st.just([usual.encode()])
        if name == "csrf_token":
            return st.one_of(kept, kept, kept, st.lists(values, max_size=2))
        return st.one_of(kept, st.lists(values, min_size=1, max_size=3), st.just([]))

    every = st.tuples(*(choices(name, usual) for name, usual in form.fields))
    names = [name.encode() for name, _ in form.fields]
    unknown = st.lists(st.tuples(values, values), max_size=2)
    return st.builds(
        lambda given, more: [
            *((name, value) for name, all_ in zip(names, given, strict=True) for value in all_),
            *more,
        ],
        every,
        unknown,
    ).map(urlencoded)


def urlencoded(pairs: list[tuple[bytes, bytes]]) -> bytes:
    return "&".join(f"{quote_from_bytes(name)}={quote_from_bytes(value)}" for name, value in pairs).encode()


def check(answer: TestResponse) -> None:
    assert answer.status_code < 500, answer.get_data(as_text=True)[:2000]
    leak = LEAKS.search(answer.get_data())
    assert leak is None, leak
    assert "Content-Security-Policy" in answer.headers
    assert not any("\n" in value or "\r" in value for _, value in answer.headers)


class People:
    """Who stands before a form."""

    def __init__(
        self,
        app: Flask,
        mailbox: Mailbox,
        clock: Clock,
        a_contract: Callable[..., Lease],
        an_account: Callable[..., Tenant],
    ) -> None:
        self.app, self.mailbox, self.clock = app, mailbox, clock
        self.a_contract, self.an_account = a_contract, an_account

    def visitor(self) -> Portal:
        browser = Portal(self.app)
        browser.get("/")
        return browser

    def signed_up(self) -> Portal:
        browser, lease = Portal(self.app), self.a_contract()
        fill_sign_up(browser, lease).click()
        return browser

    def before_activation(self) -> Portal:
        browser = self.signed_up()
        browser.get(self.mailbox.read().link)
        return browser

    def with_an_old_link(self) -> Portal:
        link = (self.signed_up(), self.mailbox.read().link)[1]
        self.clock.move(hours=73)
        browser = Portal(self.app)
        browser.get(link, status=410)
        return browser

    def before_reset(self) -> Portal:
        tenant, browser = self.an_account(), Portal(self.app)
        forget(browser, tenant.lease.reference)
        browser.get(self.mailbox.read().link)
        return browser

    def tenant(self) -> Portal:
        browser = self.an_account().browser
        browser.get("/espace")
        return browser

    def closed(self) -> Portal:
        tenant = self.an_account()
        close_account(tenant.browser)
        browser = Portal(self.app)
        log_in(browser, tenant.lease.reference, tenant.password)
        return browser


PEOPLE = [name for name in vars(People) if not name.startswith("_")]


@pytest.fixture
def people(
    app: Flask,
    mailbox: Mailbox,
    clock: Clock,
    a_contract: Callable[..., Lease],
    an_account: Callable[..., Tenant],
) -> People:
    return People(app, mailbox, clock, a_contract, an_account)


def fuzz(browser: Portal, form: FoundForm) -> None:
    """Send each odd text in each field, then random bodies, always from the same page."""
    cookies = dict(browser.http._cookies)

    def send(body: bytes, kind: str = CONTENT_TYPES[0]) -> None:
        browser.http._cookies = dict(cookies)
        check(browser.http.post(form.action, data=body, content_type=kind))

    usual = [(name.encode(), value.encode()) for name, value in form.fields]
    for name, _ in usual:
        for odd in ODD:
            send(urlencoded([(other, odd if other == name else value) for other, value in usual]))
    for kind in CONTENT_TYPES:
        send(urlencoded(usual), kind)
    fuzzing(given(bodies(form))(lambda body: send(body)))()


@pytest.mark.parametrize("who", PEOPLE)
def test_no_form_stumbles_over_anything(people: People, mailbox: Mailbox, who: str) -> None:
    browser = getattr(people, who)()
    forms, everybodys = forms_of(browser), forms_of(Portal(people.app).get("/").portal)
    if who == "visitor":
        forms += forms_of_no_page(people.app, forms)
    else:  # fuzzed for the visitor alone
        forms = [form for form in forms if form.action not in {other.action for other in everybodys}]
    assert forms
    for form in forms:
        fuzz(browser, form)
    mailbox.unread()
    mailbox._read = list(mailbox.office.mails)


@pytest.mark.parametrize("who", ["visitor", "tenant"])
def test_no_page_stumbles_over_its_address_or_its_headers(people: People, who: str) -> None:
    browser = getattr(people, who)()
    rules = [rule for rule in people.app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    cookies = dict(browser.http._cookies)
    names = ["Accept-Language", "Cookie", "Range", "If-None-Match", "Referer", "Sec-Fetch-Site", "User-Agent"]
    header = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\x00"), max_size=60)

    @few(1)
    @given(st.sampled_from(rules), values, values, st.dictionaries(st.sampled_from(names), header, max_size=3))
    def ask(rule: Any, odd: bytes, name: bytes, headers: dict[str, str]) -> None:
        browser.http._cookies = dict(cookies)
        path = re.sub(r"<[^>]+>", quote_from_bytes(odd), rule.rule)
        query = f"?{quote_from_bytes(name)}={quote_from_bytes(odd)}&suite={quote_from_bytes(odd)}&langue=en"
        check(browser.http.get(path + query, headers=headers))

    ask()


def test_doubled_slash_leads_nowhere(app: Flask) -> None:
    for path in ("/assets//portal.css", "/activation//connexion"):
        answer = app.test_client().get(path)
        assert answer.status_code == 404
        check(answer)


def zipped(files: dict[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return whole.getvalue()


def damaged(whole: bytes) -> SearchStrategy[bytes]:
    """Return a file cut, overwritten or torn apart."""
    place = st.integers(0, len(whole))
    return st.builds(
        lambda at, noise, length: whole[:at] + noise + whole[at + length :],
        place,
        st.binary(max_size=20),
        st.one_of(st.just(0), st.integers(0, 20), place),
    )


ROSTER = "Référence contrat;N° module;Nom;Date d'entrée\n417201;60318401;MARTIN;01/03/2019\n417202;60318402;PETIT;\n"
DIRTY_ROSTER = (ROOT / "tests" / "data" / "contrats_sales.csv").read_bytes()[:3000]
REPORT = b"""From: MAILER-DAEMON@mail.example
To: contact@habitat-du-val.example
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example

Final-Recipient: rfc822; elodie.martin@orange.fr
Action: failed
Status: 5.1.1

--b
Content-Type: message/rfc822

Message-ID: <1.2@habitat-du-val.example>
Subject: =?utf-8?q?Activez?=

Bonjour
--b--
"""
NOTICES = zipped({"417201_2026-11.pdf": pdf(), "août/417202 2026-10.pdf": pdf("deux")})


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_no_roster_makes_the_import_stumble(app: Flask, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "contrats.csv"

    @fuzzing
    @given(st.one_of(damaged(ROSTER.encode(encoding)), damaged(DIRTY_ROSTER), st.binary(max_size=200)))
    def take(content: bytes) -> None:
        path.write_bytes(content)
        run(app, "contracts", "import", str(path), "--dry-run")

    take()


def test_no_file_of_notices_makes_their_publication_stumble(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "avis.zip"
    name = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=60)
    content = st.one_of(st.binary(max_size=40), damaged(pdf()))
    named = st.builds(lambda name, content: zipped({f"{name}_2026-11.pdf": content}), name, content)

    @few(2)
    @given(st.one_of(damaged(NOTICES), named, st.binary(max_size=200)))
    def take(content: bytes) -> None:
        path.write_bytes(content)
        publish(app, path, "--dry-run")

    take()


def test_no_delivery_report_makes_its_reader_stumble(app: Flask) -> None:
    @few(3)
    @given(st.one_of(damaged(REPORT), st.binary(max_size=300)))
    def take(content: bytes) -> None:
        run(app, "mail", "bounce", stdin=content)

    take()


# Bytes that no browser sends

POST = b"POST /connexion HTTP/1.1\r\nHost: localhost\r\n"
RAW = [
    b"",
    b"\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 40,
    b"GET / HTTP/0.9\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET //evil.example/%2e%2e/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /\xff\xfe\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /%ff%fe%00%c0%af HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /connexion?suite=%ff&langue=%00 HTTP/1.1\r\nHost: localhost\r\nCookie: portal_session=\xff\xfe;;=\r\n\r\n",
    b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    POST + b"Content-Length: -1\r\n\r\n",
    POST + b"Content-Length: 1e3\r\n\r\n",
    POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc",
    POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    POST + b"Content-Length: 100\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nreference=1",  # hangs up
    POST + b"Expect: 200-ok\r\nContent-Length: 3\r\n\r\na=b",
    POST + b"X-A: a\r\n folded\r\n\r\n",
    POST + b"X A: a\x00\r\n\r\n",
    POST + b"Content-Type: multipart/form-data; boundary=\xff\r\nContent-Length: 8\r\n\r\n--\xff\r\n\r\n",
]


def answer_to(live: Live, request: bytes) -> bytes:
    """Send bytes, hang up, and return the answer."""
    answer = b""
    with live.connect() as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                answer += part
        except TimeoutError:
            raise
        except OSError:  # the server hung up first
            pass
    return answer


@pytest.mark.slow
def test_no_server_stumbles_over_raw_bytes(live: Live) -> None:
    chance = random.Random(19)  # noqa: S311 (the same bytes each time)
    torn = [request[: chance.randrange(len(request) + 1)] + chance.randbytes(20) for request in RAW * 3]
    for request in RAW + torn:
        answer = answer_to(live, request)
        assert not re.match(rb"HTTP/1\.[01] 5", answer), (request, answer)
        assert LEAKS.search(answer) is None, (request, answer)
    assert live.get("/connexion")[0] == 200
    assert "Traceback" not in live.said()
