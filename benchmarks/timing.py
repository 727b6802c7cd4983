"""`python -m benchmarks.timing`: does the clock tell whether a reference has an account? (docs/security.md, F9)"""

import itertools
import logging
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from . import portal
from .browser import Browser
from .table import in_turns

PAIRS = 100
_ORIGINS = itertools.count(1)


def main() -> None:
    """Measure pairs of answers, the one for an account and the other without, in turns, and print their medians."""
    logging.getLogger("tenant_portal").setLevel(logging.WARNING)
    print(f"| what is sent, {PAIRS} pairs | with an account | without | ratio |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        app = portal.prepare(Path(folder), **portal.DEFAULT, contracts=3 * PAIRS, tenants=PAIRS)
        for name, known, other in _pairs(app):
            known(), other()  # what is computed once for all
            with_account, without = in_turns(PAIRS - 1, known, other)
            ratio = with_account / without
            print(f"| {name} | {with_account * 1000:.1f} ms | {without * 1000:.1f} ms | {ratio:.2f} |", flush=True)


def _pairs(app: Any) -> Iterator[tuple[str, Callable[[], float], Callable[[], float]]]:
    def sent(path: str, lead: Callable[[Browser, int], dict[str, str]], first: int) -> Callable[[], float]:
        numbers = itertools.count(first)

        def measure() -> float:
            browser = Browser(_from_somewhere(app))
            fields = lead(browser, next(numbers))
            browser.clock = 0.0
            browser.send(path, **fields)
            return browser.clock

        return measure

    for name, path, lead in (
        ("login, wrong password", "/connexion", _login),
        ("forgotten password", "/mot-de-passe-oublie", _forgotten),
        ("sign-up, wrong module", "/inscription", _sign_up_without_paper),
        ("sign-up with the paper", "/inscription", _sign_up),
        ("« Renvoyer l'e-mail » after it", "/inscription/courriel/renvoi", _resend),
    ):
        # Without: numbers of no contract; who holds the paper has a contract, but no account yet.
        first = {_sign_up: PAIRS, _resend: 2 * PAIRS}.get(lead, 1_000_000)
        yield name, sent(path, lead, 0), sent(path, lead, first)


def _from_somewhere(app: Any) -> Callable[[dict[str, Any], Any], Any]:
    """Ask from an address of origin of its own, so that nobody is slowed down."""
    number = next(_ORIGINS)
    origin = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    return lambda environ, start_response: app({**environ, "REMOTE_ADDR": origin}, start_response)


def _login(browser: Browser, number: int) -> dict[str, str]:
    browser.get("/connexion")
    return {"reference": portal.reference(number), "password": "pas le bon mot de passe"}


def _forgotten(browser: Browser, number: int) -> dict[str, str]:
    browser.get("/mot-de-passe-oublie")
    return {"reference": portal.reference(number)}


def _sign_up(browser: Browser, number: int) -> dict[str, str]:
    browser.get("/inscription")
    password = "quatre chats dorment dehors"  # noqa: S105 (of a fictional tenant)
    fields = {"reference": portal.reference(number), "module": portal.module(number), "email": "nouveau@free.fr"}
    fields |= {"password": password, "confirmation": password}
    return {**fields, "e_notice": "non", "commercial": "non", "general": "oui"}


def _sign_up_without_paper(browser: Browser, number: int) -> dict[str, str]:
    return {**_sign_up(browser, number), "module": "31415926"}


def _resend(browser: Browser, number: int) -> dict[str, str]:
    browser.send("/inscription", **_sign_up(browser, number))
    return {}


if __name__ == "__main__":
    main()
