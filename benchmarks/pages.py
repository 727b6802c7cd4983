"""The login page, a login and a sign-up, portal and floor under the same server, one after the other."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from . import portal
from .browser import log_in, sign_up
from .server import BARE, OURS, Server, prepare, serving
from .table import Row, in_turns

ROUNDS, TENANTS, CONTRACTS = 60, 20, 2000
#: How often a piece of work is done in one turn, so that what a server does after its answer is counted too.
AT_ONCE = 5
BARE_APP = "a bare Flask application: the same fields, Flask-WTF's token, Flask-Login, one look-up, the same hash"


def rows() -> Iterator[Row]:
    """Measure the pages by the processor time of the server's worker, which others on the machine do not change."""
    with _both(**portal.CHEAPEST) as both:
        mine, least = in_turns(ROUNDS * 3, *(by_page(server) for server in both))
        yield Row("login page, GET", BARE_APP, "at least 0.80 of its pages a second", ratio(least / mine, mine, least))
        mine, least = in_turns(ROUNDS, *(by_login(server, tenants=TENANTS) for server in both))
        what = "complete login (form, POST, page behind it), the cheapest hash"
        yield Row(what, "the same", "at most 1.6 of its CPU", ratio(mine / least, mine, least))
        mine, least = in_turns(ROUNDS, *(by_sign_up(server, tenants=TENANTS) for server in both))
        what = "complete sign-up, the cheapest hash, one mail into the outbox"
        yield Row(
            what, "the same, the mail written to a file", "at most 1.8 of its CPU", ratio(mine / least, mine, least)
        )
    with _both(**portal.DEFAULT) as both:
        mine, least = in_turns(ROUNDS, *(by_login(server, tenants=TENANTS) for server in both))
        what = "complete login, the default hash"
        yield Row(what, "the same", "at least 0.90 of its logins a second", ratio(least / mine, mine, least))


def by_page(server: Server) -> Callable[[], float]:
    """Return a measure of the login page, for a browser that has never been there."""
    browser = server.browser()

    def work() -> None:
        browser.cookies = {}
        browser.get("/")

    return _measure(server, work)


def by_login(server: Server, *, tenants: int) -> Callable[[], float]:
    """Return a measure of a login, of one tenant after the other."""
    browser, numbers = server.browser(), count()

    def work() -> None:
        log_in(browser, portal.reference(next(numbers) % tenants), portal.PASSWORD)

    for _ in range(tenants):
        work()  # from now on the device is known to each account
    return _measure(server, work)


def by_sign_up(server: Server, *, tenants: int) -> Callable[[], float]:
    """Return a measure of a sign-up, for one contract after the other."""
    browser, numbers = server.browser(), count(tenants)

    def work() -> None:
        number = next(numbers)
        sign_up(browser, portal.reference(number), portal.module(number), portal.PASSWORD)

    return _measure(server, work)


def ratio(reached: float, mine: float, least: float) -> str:
    """Return a ratio in words, with what it was reckoned from."""
    return f"**{reached:.2f}** ({mine * 1000:.2f} against {least * 1000:.2f} ms of processor)"


def _measure(server: Server, work: Callable[[], None]) -> Callable[[], float]:
    def measure() -> float:
        begun = server.processor()
        for _ in range(AT_ONCE):
            work()
        return (server.processor() - begun) / AT_ONCE

    return measure


@contextmanager
def _both(*, memory: int, passes: int) -> Iterator[tuple[Server, Server]]:
    cost = {"memory": memory, "passes": passes}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, **cost, contracts=CONTRACTS, tenants=TENANTS)
        with serving(folder, *OURS, **cost) as ours, serving(folder, *BARE, **cost) as bare:
            yield ours, bare
