"""The login page, a login and a sign-up, portal and floor in the same process, one after the other."""

import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from . import floor, portal
from .browser import Browser, log_in, sign_up
from .table import Row, in_turns

ROUNDS, TENANTS, CONTRACTS = 200, 20, 2000
BARE = "a bare Flask application: the same fields, Flask-WTF's token, Flask-Login, one look-up, the same hash"


def rows() -> Iterator[Row]:
    """Measure the pages; what is bound to the processor by its time, which others on the machine do not change."""
    with tempfile.TemporaryDirectory() as folder:
        both = _both(Path(folder), **portal.CHEAPEST)
        mine, least = in_turns(ROUNDS * 3, *(by_page(browser) for browser in both))
        yield Row("login page, GET", BARE, "at least 0.80 of its pages a second", ratio(least / mine, mine, least))
        mine, least = in_turns(ROUNDS, *(by_login(browser, tenants=TENANTS) for browser in both))
        what = "complete login (form, POST, page behind it), the cheapest hash"
        yield Row(what, "the same", "at most 1.6 of its CPU", ratio(mine / least, mine, least))
        mine, least = in_turns(ROUNDS, *(by_sign_up(browser, tenants=TENANTS) for browser in both))
        what = "complete sign-up, the cheapest hash, one mail into the outbox"
        yield Row(
            what, "the same, the mail written to a file", "at most 1.8 of its CPU", ratio(mine / least, mine, least)
        )
    with tempfile.TemporaryDirectory() as folder:
        both = _both(Path(folder), **portal.DEFAULT)
        mine, least = in_turns(ROUNDS, *(by_login(browser, tenants=TENANTS) for browser in both))
        what = "complete login, the default hash"
        yield Row(what, "the same", "at least 0.90 of its logins a second", ratio(least / mine, mine, least))


def by_page(browser: Browser) -> Callable[[], float]:
    """Return a measure of the login page, for a browser that has never been there."""

    def work() -> float:
        browser.cookies, browser.processor = {}, 0.0
        browser.get("/")
        return browser.processor

    return work


def by_login(browser: Browser, *, tenants: int) -> Callable[[], float]:
    """Return a measure of a login, of one tenant after the other."""
    numbers = count()

    def work() -> float:
        browser.processor = 0.0
        log_in(browser, portal.reference(next(numbers) % tenants), portal.PASSWORD)
        return browser.processor

    for _ in range(tenants):
        work()  # from now on the device is known to each account
    return work


def by_sign_up(browser: Browser, *, tenants: int) -> Callable[[], float]:
    """Return a measure of a sign-up, for one contract after the other."""
    numbers = count(tenants)

    def work() -> float:
        number = next(numbers)
        browser.processor = 0.0
        sign_up(browser, portal.reference(number), portal.module(number), portal.PASSWORD)
        return browser.processor

    return work


def ratio(reached: float, mine: float, least: float) -> str:
    """Return a ratio in words, with what it was reckoned from."""
    return f"**{reached:.2f}** ({mine * 1000:.2f} against {least * 1000:.2f} ms of processor)"


def _both(folder: Path, *, memory: int, passes: int) -> tuple[Browser, Browser]:
    ours = portal.prepare(folder, memory=memory, passes=passes, contracts=CONTRACTS, tenants=TENANTS)
    bare = floor.create_app(folder, memory=memory, passes=passes)
    with bare.app_context():
        floor.add_accounts([portal.reference(number) for number in range(TENANTS)], portal.PASSWORD)
    return Browser(ours), Browser(bare)
