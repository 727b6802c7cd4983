"""The login page, a login and a sign-up, portal and floor in the same process, one after the other."""

import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from . import floor, portal
from .browser import Browser, log_in, sign_up
from .table import Row, in_turns

ROUNDS, TENANTS, CONTRACTS = 300, 50, 2000
BARE = "a bare Flask application: the same fields, Flask-WTF's token, Flask-Login, one look-up, the same hash"


def rows() -> Iterator[Row]:
    """Measure the pages."""
    with tempfile.TemporaryDirectory() as folder:
        ours, bare = _both(Path(folder), **portal.CHEAPEST)
        mine, least = in_turns(ROUNDS * 2, *(_page(browser) for browser in (ours, bare)))
        yield Row("login page, GET", BARE, "at least 0.80 of its pages a second", _ratio(least / mine, mine, least))
        mine, least = in_turns(ROUNDS, *(_login(browser, by_clock=False) for browser in (ours, bare)))
        yield Row(
            "complete login, the cheapest hash", "the same", "at most 1.6 of its CPU", _ratio(mine / least, mine, least)
        )
        mine, least = in_turns(ROUNDS, *(_sign_up(browser) for browser in (ours, bare)))
        yield Row(
            "complete sign-up, the cheapest hash, one mail into the outbox",
            "the same, the mail written to a file",
            "at most 1.8 of its CPU",
            _ratio(mine / least, mine, least),
        )
    with tempfile.TemporaryDirectory() as folder:
        ours, bare = _both(Path(folder), **portal.DEFAULT)
        mine, least = in_turns(ROUNDS, *(_login(browser, by_clock=True) for browser in (ours, bare)))
        yield Row(
            "complete login, the default hash",
            "the same",
            "at least 0.90 of its logins a second",
            _ratio(least / mine, mine, least),
        )


def _both(folder: Path, *, memory: int, passes: int) -> tuple[Browser, Browser]:
    ours = portal.prepare(folder, memory=memory, passes=passes, contracts=CONTRACTS, tenants=TENANTS)
    bare = floor.create_app(folder, memory=memory, passes=passes)
    with bare.app_context():
        floor.add_accounts([portal.reference(number) for number in range(TENANTS)], portal.PASSWORD)
    return Browser(ours), Browser(bare)


def _page(browser: Browser) -> Callable[[], float]:
    def work() -> float:
        browser.cookies, browser.processor = {}, 0.0
        browser.get("/")
        return browser.processor

    return work


def _login(browser: Browser, *, by_clock: bool) -> Callable[[], float]:
    numbers = count()

    def work() -> float:
        browser.processor = browser.clock = 0.0
        log_in(browser, portal.reference(next(numbers) % TENANTS), portal.PASSWORD)
        return browser.clock if by_clock else browser.processor

    return work


def _sign_up(browser: Browser) -> Callable[[], float]:
    numbers = count(TENANTS)

    def work() -> float:
        number = next(numbers)
        browser.processor = 0.0
        sign_up(browser, portal.reference(number), portal.module(number), portal.PASSWORD)
        return browser.processor

    return work


def _ratio(ratio: float, mine: float, least: float) -> str:
    return f"**{ratio:.2f}** ({mine * 1000:.2f} against {least * 1000:.2f} ms)"
