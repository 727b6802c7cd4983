"""Real servers for the benchmarks: portal and floor under granian with the very options that we ship, and loads."""

import http.client
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from . import floor, portal
from .browser import Browser, log_in, send_login

#: The two kinds of logins that are kept up, by name, and whether form and page behind it belong to them.
LOGINS = {"sent forms": False, "form, POST and page behind it": True}
#: What a server is told to serve.
OURS, BARE = ("wsgi:app",), ("--factory", "benchmarks.bare:create")
ROOT = Path(__file__).parent.parent
_START_SECONDS, _PAGE = 60, os.sysconf("SC_PAGE_SIZE")
#: What clock_getcpuclockid(3) makes of a process's number, which Python has for threads alone.
_CPUCLOCK_SCHED = 2


def environment(folder: Path, **cost: int) -> dict[str, str]:
    """Return the environment in which `wsgi:app` is the portal of a folder, and `benchmarks.bare` its floor."""
    settings = {f"FLASK_{key}": str(value) for key, value in portal.config(folder, **cost).items()}
    own = {name: value for name, value in os.environ.items() if not name.startswith("FLASK_")}
    return {**own, **settings, "PYTHON_DOTENV_DISABLED": "1", "BENCHMARK_FOLDER": str(folder)}


def prepare(folder: Path, *, contracts: int, tenants: int, **cost: int) -> None:
    """Lay a portal and its floor ready in a folder, with the same tenants."""
    portal.prepare(folder, **cost, contracts=contracts, tenants=tenants)
    with floor.create_app(folder, **cost).app_context():
        floor.add_accounts([portal.reference(number) for number in range(tenants)], portal.PASSWORD)


@contextmanager
def serving(
    folder: Path, *target: str, workers: int = 1, proxy_hops: int = 0, mail_port: int = 0, **cost: int
) -> Iterator["Server"]:
    """Serve an application as the unit of `deploy/` does, by so many workers and behind so many proxies.

    With a mail server's port it delivers its mails there.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    line = (ROOT / "deploy" / "granian.sh").read_text(encoding="utf-8").replace("\\\n", " ").rpartition("exec ")[2]
    command = [word for word in shlex.split(line) if word not in {"$@", "wsgi:app"}]
    options, own = f"--workers {workers}", {"FLASK_PORTAL_PROXY_HOPS": str(proxy_hops)}
    if mail_port:
        own |= {"FLASK_PORTAL_MAIL_AFTER_RESPONSE": "true", "FLASK_MAIL_PORT": str(mail_port)}
    command[0] = str(Path(sys.executable).parent / command[0])
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 (our own command)
            [*command, "--port", str(port), *shlex.split(options), *target],
            cwd=ROOT,
            env={**environment(folder, **cost), **own, "PORTAL_SERVER_OPTIONS": options},
            stdout=log,
            stderr=log,
        )
    try:
        server, end = Server(process.pid, port), time.monotonic() + _START_SECONDS
        while not server.answers():
            assert process.poll() is None and time.monotonic() < end, (folder / "server.log").read_text()
            time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        process.wait(_START_SECONDS)


class Server:
    """A running server."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid, self.port = pid, port

    def answers(self) -> bool:
        """Tell whether somebody listens."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def worker_bytes(self) -> int:
        """Return the memory that its only worker has in use."""
        return int(Path(f"/proc/{self._worker()}/statm").read_text().split()[1]) * _PAGE

    def processor(self) -> float:
        """Return the seconds of processor that its only worker has taken so far, the system's part of it too."""
        return time.clock_gettime(~self._worker() << 3 | _CPUCLOCK_SCHED)

    def _worker(self) -> int:
        (worker,) = _children(self.pid)
        return worker

    def browser(self) -> Browser:
        """Return a browser with a connection of its own, which stays open."""
        return Browser(over_network(self.connect()))

    def connect(self) -> http.client.HTTPConnection:
        """Return a new connection."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)


def keep_logging_in(port: int, seconds: float, first: int, *, is_whole: bool = True) -> int:
    """Log in again and again on one device and return how often; if not as a whole, then by the sent form alone."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    browser, reference = Browser(over_network(connection)), portal.reference(first)
    log_in(browser, reference, portal.PASSWORD)
    browser.cookies = {name: value for name, value in browser.cookies.items() if name.endswith("device")}
    browser.get("/")
    work, count, end = log_in if is_whole else send_login, 0, time.monotonic() + seconds
    while time.monotonic() < end:
        work(browser, reference, portal.PASSWORD)
        count += 1
    return count


def log_in_at_once(port: int, seconds: float, visitors: int, *, is_whole: bool) -> int:
    """Have so many visitors keep logging in, and return how often they did."""
    work = partial(keep_logging_in, port, seconds, is_whole=is_whole)
    with ThreadPoolExecutor(visitors) as pool:
        return sum(pool.map(work, range(visitors)))


def over_network(connection: http.client.HTTPConnection) -> Callable[..., list[bytes]]:
    """Return what looks like a WSGI application and asks a server."""

    def ask(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        query = environ["QUERY_STRING"]
        headers = {"User-Agent": environ["HTTP_USER_AGENT"], "Accept-Encoding": "identity"}
        if "HTTP_COOKIE" in environ:
            headers["Cookie"] = environ["HTTP_COOKIE"]
        if "CONTENT_TYPE" in environ:
            headers["Content-Type"] = environ["CONTENT_TYPE"]
        path = environ["PATH_INFO"] + (f"?{query}" if query else "")
        connection.request(environ["REQUEST_METHOD"], path, environ["wsgi.input"].read() or None, headers)
        answer = connection.getresponse()
        start_response(f"{answer.status} {answer.reason}", answer.getheaders())
        return [answer.read()]

    return ask


def _children(pid: int) -> list[int]:
    return [int(number) for number in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
