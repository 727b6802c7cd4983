"""Which server goes on answering under slow visitors, and how fast it is without: `python -m benchmarks.servers`.

Each server serves the same empty portal; good requests are asked one after the other while the slow ones stay open.
"""

import http.client
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from tenant_portal import create_app
from tests.conftest import SETTINGS
from tests.support.live import COMMANDS, Live, serve

SERVERS = {
    "granian, as shipped": COMMANDS["granian"],
    "gunicorn, as shipped": COMMANDS["gunicorn"],
    "gunicorn, 4 threads": ["gunicorn", "--threads", "4", "--bind", "127.0.0.1:{port}", "wsgi:app"],
    "gunicorn, sync worker": [
        "gunicorn",
        *("--worker-class", "sync", "--threads", "1", "--bind", "127.0.0.1:{port}", "wsgi:app"),
    ],
}
SLOW = (40, 200)
#: Seconds that a good request is waited for, and how many there are.
PATIENCE, GOOD = 5, 5
#: Pages asked over kept connections, and how many connections.
PAGES, VISITORS = 600, 8
HEAD = b"POST /connexion HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
KINDS = {"headers": (HEAD[:30], HEAD[30:]), "bodies": (HEAD + b"Content-Length: 400\r\n\r\n", b"reference=1111")}


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        settings = empty_portal(Path(folder))
        names = [f"{count} slow {kind}" for kind in KINDS for count in SLOW]
        print(f"| server | {' | '.join(names)} | pages a second | MiB |\n|---|{'---|' * (len(names) + 2)}")
        for server, command in SERVERS.items():
            with serve(command, Path(folder), settings) as live:
                speed = pages_a_second(live)
                cells = [under_slow(live, kind, count) for kind in KINDS for count in SLOW]
                print(f"| {server} | {' | '.join(cells)} | {speed:.0f} | {live.peak_kib() / 1024:.0f} |")
                sys.stdout.flush()


def empty_portal(folder: Path) -> dict[str, Any]:
    """Make a database and return the settings of a portal over it."""
    own = {"SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder}/portal.sqlite3", "PORTAL_DATA_DIR": str(folder)}
    settings = {**SETTINGS, "TESTING": False, "MAIL_PORT": 1, **own}
    create_app(settings).test_cli_runner().invoke(args=["portal", "db", "upgrade"], catch_exceptions=False)
    return settings


def pages_a_second(live: Live) -> float:
    """Return how many login pages leave in a second, over kept connections."""

    def visit(_: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", live.port)
        for _page in range(PAGES // VISITORS):
            connection.request("GET", "/connexion")
            connection.getresponse().read()
        connection.close()

    start = time.perf_counter()
    with ThreadPoolExecutor(VISITORS) as pool:
        list(pool.map(visit, range(VISITORS)))
    return PAGES / (time.perf_counter() - start)


def under_slow(live: Live, kind: str, count: int) -> str:
    """Return how long good requests take while so many slow ones are open, each of which sends a byte between them."""
    at_once, rest = KINDS[kind]
    with ExitStack() as stack:
        slow = [stack.enter_context(live.connect()) for _ in range(count)]
        for connection in slow:
            connection.sendall(at_once)
        times = []
        for number in range(GOOD):
            for connection in slow:
                connection.sendall(rest[number : number + 1])
            times += good_requests(live)
    lost = GOOD - len(times)
    return f"{lost} of {GOOD} unanswered" if lost else f"{median(times):.0f} ms, longest {max(times):.0f}"


def good_requests(live: Live) -> Iterator[float]:
    """Ask for a page and give the milliseconds until it is there; nothing when patience ends."""
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=PATIENCE)
    start = time.perf_counter()
    try:
        connection.request("GET", "/connexion")
        connection.getresponse().read()
        yield (time.perf_counter() - start) * 1000
    except OSError:
        return
    finally:
        connection.close()


if __name__ == "__main__":
    main()
