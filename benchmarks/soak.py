"""Tenants log in while a stranger floods: `python -m benchmarks.soak [seconds] [--nginx]` (X03).

The server is granian as shipped, alone or behind nginx as shipped. The stranger has one address and keeps his pace,
answered or not; each tenant has another address and logs in one time after the other.
"""

import argparse
import http.client
import itertools
import logging
import socket
import ssl
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.packaging.test_deploy import ADDRESS, NAME, nginx
from tests.support.live import COMMANDS, serve

from . import portal
from .browser import Browser, log_in
from .server import over_network
from .strangers import Stranger, Way, filled_up, ways
from .town import Town

SECONDS, FORMS_A_SECOND, VISITORS = 600, 20, 4
CONTRACTS, TENANTS = 2000, 500
#: Forms that may wait for their answers at once, and seconds that an answer is waited for.
WAITING_MAX, PATIENCE = 64, 30
#: Seconds from one login of a visitor to the next: each is three requests, and nginx allows an address 20 a second.
EVERY = 0.2
MEDIAN_MAX = 1.0
#: Bytes of cookies that nginx takes.
COOKIES = 7_000
#: The ways that cost most without anybody's link, and bodies that are hard to take apart.
WORDS = {
    ("login", "a wrong password of 128 letters with three accents each"),
    ("login", "a password of 15 KB"),
    ("pair", "a wrong module, a password of many signs"),
    ("pair", "the same, an address of many words"),
    ("signup", "the right pair, a password of many signs"),
    ("reset", "for an account"),
    ("message", "60 KB of 'mdp\\n'"),
    ("message", "4,000 signs of 'x\\n'"),
    ("report", "5,000 reports without a page"),
    ("pair", "1,000 parts"),
    ("pair", "5,000 signs that are no UTF-8"),
    ("pair", "many fields without a value"),
}

Connect = Callable[[str], http.client.HTTPConnection]


def main() -> None:
    """Flood, log in meanwhile, print what came of it, and end with code 1 if logins took too long or failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak")
    parser.add_argument("seconds", type=int, nargs="?", default=SECONDS)
    parser.add_argument("--nginx", action="store_true", help="behind nginx as shipped")
    asked = parser.parse_args()
    logging.getLogger("tenant_portal").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as name, _portal(Path(name), is_behind_nginx=asked.nginx) as (town, connect):
        end = time.monotonic() + asked.seconds
        with ThreadPoolExecutor(VISITORS) as pool:
            visits = [pool.submit(_keep_logging_in, connect, number, end) for number in range(VISITORS)]
            answers = _flood(town, partial(connect, "127.0.0.1"), end)
        times = sorted(itertools.chain.from_iterable(visit.result()[0] for visit in visits))
        errors = sum((visit.result()[1] for visit in visits), Counter[str]())
    median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"{asked.seconds} s, granian {'behind nginx' if asked.nginx else 'alone'}")
    print(f"complete logins: {len(times)}, median {median:.3f} s, p95 {p95:.3f} s, longest {times[-1]:.3f} s")
    print(f"errors of logins: {dict(errors) or 'none'}")
    print(f"hostile forms: {sum(answers.values())}, answers {dict(sorted(answers.items()))}")
    if median >= MEDIAN_MAX or errors:
        sys.exit(f"not reached: a median under {MEDIAN_MAX:.0f} s and no error")


@contextmanager
def _portal(folder: Path, *, is_behind_nginx: bool) -> Iterator[tuple[Town, Connect]]:
    """Serve a portal as shipped; gives its people, and how to connect to it from an address."""
    app = portal.prepare(folder, **portal.DEFAULT, contracts=CONTRACTS, tenants=TENANTS)
    town = Town(app, first=VISITORS, tenants=TENANTS)
    settings = portal.config(folder, **portal.DEFAULT)
    if is_behind_nginx:
        settings |= {"PORTAL_PUBLIC_URL": ADDRESS, "PORTAL_PROXY_HOPS": 1}
    with serve(COMMANDS["granian"], folder, settings) as live:
        if not is_behind_nginx:
            yield town, partial(_plain, live.port)
            return
        own = folder / "nginx"
        own.mkdir()
        with nginx(own, live.port) as front:
            yield town, partial(_secure, front.port, ssl.create_default_context(cafile=str(front.certificate)))


def _plain(port: int, source: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE, source_address=(source, 0))


def _secure(port: int, context: ssl.SSLContext, source: str) -> http.client.HTTPConnection:
    line = socket.create_connection(("127.0.0.1", port), PATIENCE, source_address=(source, 0))
    connection = http.client.HTTPSConnection(NAME, port)
    connection.sock = context.wrap_socket(line, server_hostname=NAME)
    return connection


def _keep_logging_in(connect: Connect, number: int, end: float) -> tuple[list[float], Counter[str]]:
    """Log in again and again from one address, each time over a new connection; return the times, and what failed."""
    times, errors, reference = list[float](), Counter[str](), portal.reference(number)
    cookies = dict[str, str]()
    while (begun := time.monotonic()) < end:
        try:
            connection = connect(f"127.0.0.{number + 2}")
            browser = Browser(over_network(connection))
            browser.cookies = cookies
            log_in(browser, reference, portal.PASSWORD)
            connection.close()
            cookies = browser.cookies
            times.append(time.monotonic() - begun)
        except (OSError, http.client.HTTPException, AssertionError) as trouble:
            errors[f"{type(trouble).__name__} {str(trouble)[:60]}"] += 1
        time.sleep(max(0.0, EVERY - (time.monotonic() - begun)))
    return times, errors


def _flood(town: Town, connect: Callable[[], http.client.HTTPConnection], end: float) -> Counter[str]:
    """Send forms at their pace until the end; return the answers by their status, and what was not answered."""
    stranger, answers, waiting = Stranger(connect), Counter[str](), set[Future[str]]()
    chosen = [way for way in ways(town) if (way.act, way.words) in WORDS]
    assert len(chosen) == len(WORDS), chosen
    begun = time.monotonic()
    with ThreadPoolExecutor(WAITING_MAX) as pool:
        for number, way in enumerate(itertools.cycle(chosen)):
            time.sleep(max(0.0, begun + number / FORMS_A_SECOND - time.monotonic()))
            if time.monotonic() >= end:
                break
            done = {answer for answer in waiting if answer.done()}
            answers.update(answer.result() for answer in done)
            waiting -= done
            if len(waiting) >= WAITING_MAX:
                answers["not sent, too many wait"] += 1
            else:
                waiting.add(pool.submit(_send, stranger, way))
    answers.update(answer.result() for answer in waiting)
    return answers


def _send(stranger: Stranger, way: Way) -> str:
    try:
        return str(stranger.send(filled_up(way.make(), cookies=COOKIES)))
    except (OSError, http.client.HTTPException) as trouble:
        return type(trouble).__name__


if __name__ == "__main__":
    main()
