"""The forms of strangers that cost most: each act of `limited_acts.py`, through its endpoints, found by trying."""

import http.client
import re
from collections.abc import Callable, Iterator
from itertools import count
from typing import NamedTuple
from urllib.parse import urlencode

from tenant_portal.accounts.limited_acts import FREE_FAILURES
from tenant_portal.web.links import FIELD as LINK_FIELD
from tenant_portal.web.signup import SIGN_UP_FIELD

from . import portal
from .town import Town

#: Bytes of a field that just fits into a form, and into that of a message.
FULL, LONG = 16_000, 64_000
#: Signs that may stand for many letters: zxcvbn once weighed this for longer than a hash takes.
MANY_SIGNS = "[w1(t|{+71{{@1[!4|pe{1477!{!i7+|"
#: What takes longest since it weighs fewer of them, found by changing one sign after the other.
SLOW_PASSWORD = "%9o({<e(z|83ts{7[t(31(e(18|03935"  # noqa: S105 (nobody's)
#: A password that nobody would guess but who knows the tenant and his town.
TOWN_PASSWORD = "élodie martin angers"  # noqa: S105 (nobody's)
#: 128 letters, each with three accents of its own: the longest text that is brought to its normal form.
ACCENTED = "\u03b1\u0313\u0300\u0345" * 128
DOTTED = ("ab.cd" * FULL)[: FULL - 12] + "@example.org"
#: Bytes of cookies that the shipped granian takes.
COOKIES = 7_000
JUNK = b"%C3%A9"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
_TOKEN = re.compile(rb'name="csrf_token"[^>]*value="([^"]+)"')


class Sent(NamedTuple):
    """A request, ready to be sent but for its token."""

    path: str
    fields: dict[str, str]
    #: What follows the fields of a form, or is sent in their place.
    body: bytes = b""
    kind: str = FORM
    cookies: str = ""


class Way(NamedTuple):
    """One way to do an act: in words, and what makes the next request of its kind."""

    act: str
    words: str
    make: Callable[[], Sent]


#: Forms in words, and what makes each.
Made = Iterator[tuple[str, Callable[[], Sent]]]


def ways(town: Town) -> Iterator[Way]:
    """Give every way, each once more with all that fits beside it, and the bodies that are hard to take apart."""
    for act, (path, forms) in FORMS.items():
        for words, make in forms(town):
            yield Way(act, words, make)
            yield Way(act, f"{words}; form and cookies filled up", lambda make=make: filled_up(make()))
        for words, sent in _shapes(path):
            yield Way(act, words, lambda sent=sent: sent)


def filled_up(sent: Sent, *, cookies: int = COOKIES) -> Sent:
    """Return the same form with as much beside it as a form and its headers may have."""
    most = LONG if sent.path == "/message" else FULL
    left = most - len(urlencode(sent.fields)) - len(sent.body)
    return sent._replace(body=sent.body or JUNK * (left // 6), cookies="a=b; " * (cookies // 5))


class Stranger:
    """Whoever opens one page and then sends what he likes, each time over another connection."""

    def __init__(self, connect: Callable[[], http.client.HTTPConnection], *, moves: bool = False) -> None:
        #: Whether he comes from another address each time, as far as the portal knows.
        self._moves, self._origins, self._connect = moves, count(1), connect
        answer, page = self._ask("GET", "/connexion", None, {})
        token = _TOKEN.search(page)
        assert token, page[:2000]
        self._token = token[1].decode()
        self._cookies = [cookie.partition(";")[0] for cookie in answer.headers.get_all("Set-Cookie", [])]

    def send(self, sent: Sent) -> int:
        """Send a form with the token of the page and return the status of the answer."""
        body = sent.body
        if sent.kind == FORM:
            body = urlencode({"csrf_token": self._token, **sent.fields}).encode() + b"&" + body
        cookies = "; ".join([*self._cookies, sent.cookies])
        answer, _ = self._ask("POST", sent.path, body, {"Content-Type": sent.kind, "Cookie": cookies})
        return answer.status

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        number = next(self._origins)
        origin = {"X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"}
        line = self._connect()
        try:
            line.request(method, path, body, {**headers, **(origin if self._moves else {})})
            answer = line.getresponse()
            return answer, answer.read()
        finally:
            line.close()


def _shapes(path: str) -> Iterator[tuple[str, Sent]]:
    """Give the bodies that are hard to take apart, whatever the form."""
    fields = {f"champ{number}": "x" * 40 for number in range(1000)}
    yield "1,000 fields", Sent(path, fields)
    yield "many fields without a value", Sent(path, {}, b"a&" * (FULL // 2))
    yield "many fields of one name", Sent(path, {}, b"a=" + b"&a=" * (FULL // 3))
    yield "5,000 signs that are no UTF-8", Sent(path, {}, b"a=" + b"%ff" * (FULL // 3))
    yield "15 KB of JSON", Sent(path, {}, b"[" * (FULL // 2) + b"]" * (FULL // 2), JSON)
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n'
    yield "1,000 parts", Sent(path, {}, part * 1000 + b"--x--\r\n", "multipart/form-data; boundary=x")
    part = b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\nb\r\n'
    yield "800 files", Sent(path, {}, part * 800 + b"--x--\r\n", "multipart/form-data; boundary=x")
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"\r" * FULL + b"\r\n--x--\r\n"
    yield "a part of line ends", Sent(path, {}, part, "multipart/form-data; boundary=x")
    part = b"--x\r\n" + b"a:b\r\n" * (FULL // 5) + b"\r\nb\r\n--x--\r\n"
    yield "a part of 12,000 headers", Sent(path, {}, part, "multipart/form-data; boundary=x")
    yield "5,000 percent signs", Sent(path, {}, b"a=" + b"%" * FULL)
    yield "signs that are not encoded", Sent(path, {}, b"a=" + "\u00e9%41".encode() * (FULL // 5))
    yield "5,000 letters in percent signs", Sent(path, {}, b"a=" + b"%41" * (FULL // 3))
    yield "49 fields of them", Sent(path, {}, b"&".join([b"a=" + b"%41" * 400] * 49))


def _logins(town: Town) -> Made:
    def login(reference: Callable[[], str], password: str) -> Callable[[], Sent]:
        return lambda: Sent("/connexion", {"reference": reference(), "password": password})

    yield "a password of 15 KB", login(town.nobody, "x" * FULL)
    yield "a wrong password of 128 letters with three accents each", login(town.tenant, ACCENTED)
    yield "the same for no account", login(town.nobody, ACCENTED)
    fifth = FREE_FAILURES - 1
    yield "the fifth wrong password, of which the owner is told", login(lambda: town.tenant(failures=fifth), ACCENTED)
    yield "a reference of 15 KB", login(lambda: "1" * FULL, "x")
    yield "a reference of 15 KB of «", login(lambda: "«" * (FULL // 6), "x")
    yield "a page behind it of 15 KB", lambda: Sent("/connexion", {"reference": "1", "suite": "/a" * (FULL // 4)})

    def activation() -> Sent:
        return Sent("/activation", {LINK_FIELD: town.activation_link(), "reference": town.nobody(), "password": "x"})

    yield "a genuine activation link and a wrong password", activation

    def confirmation() -> Sent:
        return Sent("/adresse", {LINK_FIELD: town.link("email_change"), "password": ACCENTED})

    yield "a genuine link of another address and a wrong password", confirmation


def _sign_up(pair: Callable[[], tuple[str, str]], password: str, **more: str) -> Callable[[], Sent]:
    def make() -> Sent:
        reference, module = pair()
        fields = {"reference": reference, "module": module, "password": password, "confirmation": password}
        fields |= {"email": "a@orange.fr", "e_notice": "non", "commercial": "non", "general": "oui"}
        return Sent("/inscription", {**fields, **more})

    return make


def _pairs(town: Town) -> Made:
    def wrong() -> tuple[str, str]:
        return town.contract()[0], "31415926"

    yield "no pair, a password of many signs", _sign_up(lambda: (town.nobody(), "31415926"), SLOW_PASSWORD)
    yield "a wrong module, a password of many signs", _sign_up(wrong, SLOW_PASSWORD)
    yield "a wrong module, a password of more signs", _sign_up(wrong, MANY_SIGNS)
    dotted = ("ab.cd" * 50)[:60] + "@" + ("abc." * 60)[:180] + "fr"
    yield "the same, an address of many words", _sign_up(wrong, SLOW_PASSWORD, email=dotted)
    yield "the same, 15 KB of dotted words as address", _sign_up(wrong, SLOW_PASSWORD, email=DOTTED)
    yield "the same, an address of signs", _sign_up(wrong, SLOW_PASSWORD, email="a@" + "\uff21" * 240 + ".fr")
    yield "the same, unfinished", _sign_up(wrong, SLOW_PASSWORD, email="", confirmation="")
    yield "a password of 128 letters with three accents each", _sign_up(wrong, ACCENTED)
    names = ("reference", "module", "password", "confirmation", "email")
    full = {name: "x" * (FULL // len(names)) for name in names}
    yield "all fields full", lambda: Sent("/inscription", full)
    for name in names:
        yield f"15 KB of « < » as {name}", lambda name=name: Sent("/inscription", {name: "<" * (FULL // 3)})
    yield "the right pair, a password made of the town", _sign_up(town.contract, TOWN_PASSWORD)


def _sign_ups(town: Town) -> Made:
    yield "the right pair, a password of many signs", _sign_up(town.contract, SLOW_PASSWORD)
    yield "the right pair, a good password", _sign_up(town.contract, portal.PASSWORD)
    known = {"password": SLOW_PASSWORD, "confirmation": SLOW_PASSWORD}

    def finished() -> tuple[str, str]:
        reference = town.tenant()
        return reference, portal.module(int(reference) - int(portal.reference(0)))

    yield "the pair of a finished account, another address", _sign_up(finished, **known)


def _resends(town: Town) -> Made:
    for path in ("renvoi", "adresse"):
        door = f"/inscription/courriel/{path}"
        yield f"{path}: 15 KB as sign-up", lambda door=door: Sent(door, {SIGN_UP_FIELD: "x" * FULL})
        yield (
            f"{path}: a genuine sign-up",
            lambda door=door: Sent(door, {SIGN_UP_FIELD: town.sign_up(), "email": "b@free.fr"}),
        )
    door = "/inscription/courriel/adresse"
    yield "15 KB of dotted words as address", lambda: Sent(door, {SIGN_UP_FIELD: town.sign_up(), "email": DOTTED})
    door = "/activation/nouveau-lien"
    yield "a fresh link", lambda: Sent(door, {LINK_FIELD: town.activation_link()})


def _resets(town: Town) -> Made:
    def reset(reference: Callable[[], str]) -> Callable[[], Sent]:
        return lambda: Sent("/mot-de-passe-oublie", {"reference": reference()})

    yield "for an account", reset(town.tenant)
    yield "for no account", reset(town.nobody)
    yield "a reference of 15 KB", reset(lambda: "1" * FULL)
    yield "a reference of 100 signs", reset(lambda: "\ufb2c" * 100)


def _resets_again(town: Town) -> Made:
    same = town.tenant()
    yield "the same account again", lambda: Sent("/mot-de-passe-oublie", {"reference": same})


def _messages(town: Town) -> Made:
    def message(body: str, **more: str) -> Callable[[], Sent]:
        numbers = count()

        def make() -> Sent:
            text = f"{body}{next(numbers)}"
            return Sent("/message", {"topic": "other", "body": text, "email": "a@free.fr", **more})

        return make

    for unit in ("mdp\n", "mdp : x\n", "mdp 1 ", "mots   de   passe ", "mdp:\u00ab", '"', "x\n", "<", "x"):
        yield f"60 KB of {unit!r}", message(unit * (LONG // len(urlencode({"": unit})) + 1))
        yield f"4,000 signs of {unit!r}", message((unit * 4000)[:3900], reference=town.contract()[0])
    yield "60 KB of controls", message("\x01" * (LONG // 3))
    yield "60 KB of wide signs", message("\uff21" * (LONG // 9))
    yield "60 KB of dotted words as address", message("x", email=DOTTED)
    yield "an address of signs", message("x", email="a@" + "\uff21" * 240 + ".fr")
    yield "a reference of 60 KB", message("x", reference="1" * LONG)


def _reports(town: Town) -> Made:
    numbers = count()
    for unit in (
        '"effective-directive":',
        '"effective-directive":"' + "a" * 41,
        '"blocked-uri":"' + "a" * 40 + "://" + "a" * 101,
        '"effective-directive":"a","blocked-uri":"b"',
    ):
        body = (unit * 8000)[: 8 * 1024].encode()
        yield (
            f"8 KB of {unit[:24]}…",
            lambda body=body: Sent("/rapport-de-securite", {}, body, "application/csp-report"),
        )

    report = '{"body":{"documentURL":"http://localhost/","effectiveDirective":"img-src","blockedURL":"a"}},'
    body = f"[{report * (FULL // len(report))}0]".encode()
    yield "600 reports in one", lambda: Sent("/rapport-de-securite", {}, body, "application/reports+json")
    empty = b"[" + b'{"body":{}},' * (FULL // 12) + b"0]"
    yield "5,000 reports without a page", lambda: Sent("/rapport-de-securite", {}, empty, "application/reports+json")

    def new() -> Sent:
        pairs = (f'"effective-directive":"a","blocked-uri":"x{next(numbers):b}"' for _ in range(150))
        text = "".join(pairs).translate({48: "o", 49: "i"})
        return Sent("/rapport-de-securite", {}, text.encode(), "application/csp-report")

    yield "150 rules that nobody has reported", new


def _links(town: Town) -> Made:
    for door in ("/mot-de-passe", "/ce-nest-pas-moi/confirmation", "/activation/ailleurs", "/reouverture/oui"):
        yield f"{door}: 15 KB as link", lambda door=door: Sent(door, {LINK_FIELD: "x" * FULL})
        yield f"{door}: 15 KB of dots as link", lambda door=door: Sent(door, {LINK_FIELD: "x." * (FULL // 2)})

    def reset(password: str, **more: str) -> Callable[[], Sent]:
        fields = {"password": password, "confirmation": password, **more}
        return lambda: Sent("/mot-de-passe", {LINK_FIELD: town.link("reset"), **fields})

    yield "a genuine link, a good password", reset(portal.PASSWORD)
    yield "a genuine link, a password of many signs", reset(SLOW_PASSWORD)
    yield "a genuine link, a password of many signs and another one", reset(SLOW_PASSWORD, confirmation="x")
    yield "a genuine link, a password made of the town", reset(TOWN_PASSWORD)
    yield "not me", lambda: Sent("/ce-nest-pas-moi/confirmation", {LINK_FIELD: town.link("not_me")})
    yield "activated elsewhere", lambda: Sent("/activation/ailleurs", {LINK_FIELD: town.activation_link()})
    yield "reopened", lambda: Sent("/reouverture/oui", {LINK_FIELD: town.link("reopening", is_closed=True)})


def _logouts(town: Town) -> Made:
    yield "without a session", lambda: Sent("/deconnexion", {})
    yield "15 KB beside the token", lambda: Sent("/deconnexion", {"a": "x" * FULL})


#: The forms of each act, and the path at which bodies that are no form of ours are sent.
FORMS: dict[str, tuple[str, Callable[[Town], Made]]] = {
    "login": ("/connexion", _logins),
    "pair": ("/inscription", _pairs),
    "signup": ("/inscription", _sign_ups),
    "resend": ("/inscription/courriel/adresse", _resends),
    "reset": ("/mot-de-passe-oublie", _resets),
    "reset again": ("/mot-de-passe-oublie", _resets_again),
    "message": ("/message", _messages),
    "report": ("/rapport-de-securite", _reports),
    "link": ("/mot-de-passe", _links),
    "logout": ("/deconnexion", _logouts),
}
