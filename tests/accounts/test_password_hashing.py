"""Hashing is costly on purpose: it waits its turn, and nothing else waits for it (ASVS 15.1.3)."""

import itertools
import os
import re
import select
import socket
import string
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import argon2
import pytest
from flask import Flask
from zxcvbn_rs_py import zxcvbn

from tenant_portal.accounts import passwords
from tenant_portal.accounts.passwords import PASSWORD_CONTEXT
from tenant_portal.db import db

from ..conftest import SETTINGS, MakeApp
from ..support.live import COMMANDS, Live, serve
from ..support.people import Tenant, open_account
from ..support.portal_client import ANY_STATUS, Form, Portal
from ..support.post import Mailbox
from ..support.steps import PASSWORD, Lease, fill_login, fill_new_password, fill_sign_up, forget, log_in
from ..support.work import hashers_of, hashing_held_back

pytestmark = [
    pytest.mark.security,
    # With a single connection, whoever keeps it stops all others.
    pytest.mark.settings(SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 1, "max_overflow": 0, "pool_timeout": 5}),
]

#: α with three accents, the largest when typed apart.
LETTER, APART = "\u1f82", "\u03b1\u0313\u0300\u0345"
#: zxcvbn tries them as letters, in every combination.
SIGNS = "4@8({[<369!1|0$5+7%2"


class Acts:
    """Forms that have a password hashed, ready to be sent."""

    def __init__(self, app: Flask, mailbox: Mailbox, tenant: Tenant, lease: Lease) -> None:
        self.app, self.mailbox, self.tenant, self.lease = app, mailbox, tenant, lease

    def login(self) -> Form:
        return fill_login(Portal(self.app).get("/connexion"), self.tenant.lease.reference, self.tenant.password)

    def sign_up(self) -> Form:
        return fill_sign_up(Portal(self.app), self.lease)

    def double_click(self) -> Form:
        """Return a sign-up sent already."""
        form = self.sign_up()
        form.click()
        self.mailbox.read()
        return form

    def reset(self) -> Form:
        browser = Portal(self.app)
        forget(browser, self.tenant.lease.reference)
        return fill_new_password(browser.get(self.mailbox.read().link))

    def devices(self) -> Form:
        self.tenant.log_in(Portal(self.app))
        self.mailbox.read_all()
        return self._own("/espace/connexions")

    def address(self) -> Form:
        return self._own("/espace/compte/adresse").fill("Ma nouvelle adresse mail", "elodie@free.fr")

    def new_password(self) -> Form:
        form = self.tenant.browser.get("/espace/compte/mot-de-passe").form()
        form.fill("Mon mot de passe actuel", self.tenant.password)
        return form.fill("Mon nouveau mot de passe", PASSWORD[::-1]).fill(
            "Confirmez votre nouveau mot de passe", PASSWORD[::-1]
        )

    def closing(self) -> Form:
        return self._own("/espace/compte/fermeture")

    def _own(self, address: str) -> Form:
        return self.tenant.browser.get(address).form().fill("Mon mot de passe", self.tenant.password)


ACTS = [name for name in vars(Acts) if not name.startswith("_")]


@pytest.mark.parametrize("act", ACTS)
def test_pages_are_answered_while_a_password_waits_for_its_turn(
    app: Flask,
    an_account: Callable[..., Tenant],
    a_contract: Callable[..., Lease],
    mailbox: Mailbox,
    act: str,
) -> None:
    tenant = an_account()
    form = getattr(Acts(app, mailbox, tenant, a_contract()), act)()
    with ThreadPoolExecutor(1) as pool:
        with hashing_held_back(app) as waiting:
            answer = pool.submit(form.click, status=ANY_STATUS)
            while not waiting():
                assert not answer.done()
            tenant.browser.get("/espace")
            assert not answer.done()
        assert answer.result().status == 200
    mailbox.read_all()


def test_two_devices_get_in_at_once_though_the_hash_is_made_anew(
    make_app: MakeApp, an_account: Callable[..., Tenant]
) -> None:
    tenant = an_account()
    dearer = make_app(PORTAL_ARGON2_PASSES=3)
    forms = []
    for browser in (Portal(dearer), Portal(dearer)):
        forms.append(fill_login(browser.get("/connexion"), tenant.lease.reference, tenant.password))
    with ThreadPoolExecutor(2) as pool:
        with hashing_held_back(dearer) as waiting:
            answers = [pool.submit(form.click) for form in forms]
            while waiting() < len(forms):
                pass
        assert [answer.result().path for answer in answers] == ["/espace", "/espace"]


def test_longest_password_is_taken_however_it_is_typed(app: Flask) -> None:
    with app.app_context():
        kept = passwords.hash(LETTER * 128)
        assert passwords.verify(kept, APART * 128)
        assert not passwords.verify(kept, APART * 128 + "\u0301")
        assert passwords.weakness(APART * 128 + "\u0301", []) == "long"


def test_too_long_a_password_is_refused_like_a_wrong_one(app: Flask, an_account: Callable[..., Tenant]) -> None:
    tenant = an_account()
    page = log_in(Portal(app), tenant.lease.reference, "a" + "\u0301\u0327" * 1_200)
    assert page.says("la référence contrat ou le mot de passe ne correspond pas")


def test_only_the_beginning_of_a_long_password_is_weighed(app: Flask) -> None:
    with app.app_context():
        assert passwords.weakness("motdepasse" * 4 + "girafe violette sous l'évier", []) == "guessable"
        assert passwords.weakness((SIGNS * 7)[:128], []) is None
        assert passwords.weakness("p4$$w0rdp4$$w0rd", []) == "guessable"


@pytest.mark.parametrize("signs", [SIGNS, "1!|7+4@({[", "({[<1!|7+4@$569", "%9o({<e(z|83ts{7[t(31(e(18|03935"])
def test_password_of_many_signs_is_weighed_a_few_times_only(signs: str) -> None:
    typed = (signs * 32)[:128]
    weighed = passwords._scorable(typed)
    assert passwords._choices(weighed) <= passwords._CHOICES_MAX < passwords._choices(typed[:32])
    pairs = dict(zip(typed, weighed, strict=False))
    assert weighed == "".join(pairs[sign] for sign in typed[:32]), "each sign stays the same one everywhere"
    assert len(set(pairs.values())) == len(pairs), "and another one than every other"


@pytest.mark.parametrize(
    "password", ["quatre angers dehors", "sregna quatre chats", "4n6er$ quatre chats", "ÉLODIE dort", "nartin ang|+in"]
)
def test_password_that_zxcvbn_finds_the_town_in_is_weighed_with_it(app: Flask, password: str) -> None:
    words = ["Angers", "Élodie", "tintin"]
    with app.app_context():
        is_found = zxcvbn(password, words).guesses < zxcvbn(password).guesses
        assert passwords.may_hold(password, words) >= is_found
        assert not passwords.may_hold("girafe violette sous l'évier", words)


@pytest.mark.parametrize(
    "word", ["banana", "baseball", "chocolate", "elephant", "george", "hunter", "maxwell", "mickey"]
)
def test_no_other_sign_stands_for_a_letter(word: str) -> None:
    for letter, sign in itertools.product(word, set(string.punctuation + string.digits) - passwords._SIGNS):
        assert zxcvbn(word.replace(letter, sign)).guesses > zxcvbn(word.replace(letter, "é")).guesses / 10, sign


@pytest.mark.parametrize(
    "password", [SIGNS * 7, SIGNS[::-1] * 7, "1!|[{(<4@3$5" * 5, "0123456789" * 12, "ab4@8({[<369&#!17" * 4]
)
def test_x03_few_signs_and_few_short_words_are_weighed(
    app: Flask, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    """What zxcvbn gets decides how long it takes."""
    weighed = []

    def look(text: str, words: list[str]) -> Any:
        weighed.append((text, words))
        return zxcvbn(text, words)

    monkeypatch.setattr(passwords, "zxcvbn", look)
    flood = ["a.b@" + "mot.suivant." * 6_000, *(f"mot{number}" for number in range(500))]
    with app.app_context():
        passwords.weakness(password[:128], flood)
    ((text, words),) = weighed
    assert len(text) <= 32 and passwords._choices(text) <= passwords._CHOICES_MAX
    own = set(words) - set(PASSWORD_CONTEXT)
    assert len(own) <= 40 and max(map(len, own)) <= 40


def test_x03_password_is_weighed_without_a_connection_and_without_what_is_faulty(
    app: Flask, portal: Portal, a_contract: Callable[..., Lease], monkeypatch: pytest.MonkeyPatch
) -> None:
    lease, seen = a_contract(), []

    def look(text: str, words: list[str]) -> Any:
        with app.app_context():
            seen.append((db.engine.pool.checkedout(), words))  # type: ignore[attr-defined]
        return zxcvbn(text, words)

    monkeypatch.setattr(passwords, "zxcvbn", look)
    form = fill_sign_up(portal, lease, email="a@" + "mot.suivant." * 1_000)
    assert form.click("Je valide la création de mon compte").faults[0].startswith("Vérifiez le format")
    form = fill_sign_up(portal, Lease(lease.reference, "1"))
    form.click("Je valide la création de mon compte")
    assert [connections for connections, _ in seen] == [0, 0]
    assert not [word for word in seen[0][1] if "suivant" in word]


CHEAP, DEAR = {"PORTAL_ARGON2_MEMORY_KIB": 16, "PORTAL_ARGON2_PASSES": 2}, {"PORTAL_ARGON2_MEMORY_KIB": 64}


@pytest.mark.parametrize(("then", "now"), [(CHEAP, DEAR), (DEAR, CHEAP)], ids=["dearer now", "cheaper now"])
def test_x14_every_login_fills_as_many_blocks_whatever_the_parameters_of_its_hash(
    make_app: MakeApp, mailbox: Mailbox, a_contract: Callable[..., Lease], monkeypatch: pytest.MonkeyPatch, then, now
) -> None:
    old, new = a_contract(), a_contract()
    open_account(Portal(make_app(**then)), mailbox, old)
    app = make_app(**now)
    open_account(Portal(app), mailbox, new)
    log_in(Portal(app), "27182818", "the first login of a process makes what the others are compared with")
    work = blocks_filled(monkeypatch)
    costs = []
    for reference in (old.reference, new.reference, "31415926", old.reference):
        work.clear()
        log_in(Portal(app), reference, "pas le bon mot de passe")
        costs.append(sum(work))
    assert len(set(costs)) == 1 and costs[0] >= 64, costs
    mailbox.read_all()


def blocks_filled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return where the blocks of every hash are noted."""
    work: list[int] = []
    kept_hash, kept_verify = argon2.PasswordHasher.hash, argon2.PasswordHasher.verify

    def hash_(self: Any, *given: Any, **more: Any) -> Any:
        work.append(self.memory_cost * self.time_cost)
        return kept_hash(self, *given, **more)

    def verify(self: Any, password_hash: str, *given: Any) -> Any:
        found = argon2.extract_parameters(password_hash)
        work.append(found.memory_cost * found.time_cost)
        return kept_verify(self, password_hash, *given)

    monkeypatch.setattr(argon2.PasswordHasher, "hash", hash_)
    monkeypatch.setattr(argon2.PasswordHasher, "verify", verify)
    return work


@pytest.mark.parametrize("workers", [1, os.cpu_count() or 1, 1000])
def test_threads_that_hash_are_shared_among_the_workers_and_let_pages_go_first(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setenv("PORTAL_SERVER_OPTIONS", f"--host 127.0.0.1 --workers {workers}")
    processors = os.cpu_count() or 1
    count = max(1, processors // workers)
    app, together = make_app(), threading.Barrier(count)

    def thread() -> tuple[int, int, int]:
        together.wait(60)
        number = threading.get_native_id()
        return number, os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, number)

    hashers = hashers_of(app)
    assert hashers._max_workers == count
    found = [hashers.submit(thread) for _ in range(count)]
    assert len({future.result()[0] for future in found}) == count
    for future in found:
        _, policy, priority = future.result()
        assert policy == os.SCHED_IDLE if processors > 1 else priority == 10


#: Memory for logins at once: 19 MiB a processor,
#: and half a mebibyte a thread.
LOGINS = 200
LOGINS_KIB_MAX = (20 * (os.cpu_count() or 1) + LOGINS // 2) * 1024


def login_request(live: Live, tenant: Tenant) -> bytes:
    """Return the request that sends the login form."""
    with live.connect() as connection:
        connection.sendall(b"GET /connexion HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        page = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    (token,) = set(re.findall(r'name="csrf_token" type="hidden" value="([^"]+)"', page))
    (cookie,) = re.findall(r"(?im)^set-cookie: ([^;]+)", page)
    body = urlencode({"csrf_token": token, "reference": tenant.lease.reference, "password": tenant.password})
    head = ["POST /connexion HTTP/1.1", "Host: localhost", f"Cookie: {cookie}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "Content-Type: application/x-www-form-urlencoded", "", body]).encode()


def send(live: Live, request: bytes) -> socket.socket:
    """Send a request without waiting for the answer."""
    connection = live.connect()
    connection.sendall(request)
    return connection


@pytest.mark.slow
@pytest.mark.parametrize("server", COMMANDS)
def test_two_hundred_logins_at_once_are_all_answered_and_pages_go_on(
    make_app: MakeApp, an_account: Callable[..., Tenant], tmp_path: Path, server: str
) -> None:
    tenant = an_account()
    dear = {name: value for name, value in SETTINGS.items() if "ARGON2" not in name and name != "TESTING"}
    own = {"SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path}/portal.sqlite3", "PORTAL_DATA_DIR": str(tmp_path)}
    with serve(COMMANDS[server], tmp_path, {**dear, **own}) as live:
        with send(live, login_request(live, tenant)) as first:  # rehashes at full cost
            assert first.recv(1000).split(b" ")[1] == b"302"
        requests = [login_request(live, tenant) for _ in range(LOGINS)]
        before = live.forget_peak()
        waiting = [send(live, request) for request in requests]
        try:
            assert live.get("/inscription")[0] == 200
            answered, _, _ = select.select(waiting, [], [], 0)
            assert len(answered) < LOGINS, "a page was asked for too late to tell anything"
            answers = [connection.recv(1000) for connection in waiting]
        finally:
            for connection in waiting:
                connection.close()
        assert {answer.split(b" ")[1] for answer in answers} == {b"302"}, live.said()
        assert live.peak_kib() - before < LOGINS_KIB_MAX
        assert "Traceback" not in live.said()
