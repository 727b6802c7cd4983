"""One worker: how fast it starts, what memory it takes, and how long a page waits beside logins."""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from . import portal
from .server import BARE, LOGINS, OURS, ROOT, Server, environment, keep_logging_in, log_in_at_once, prepare, serving
from .table import Row, in_turns

STARTS, ROUNDS, PAGES, VISITORS = 11, 4, 80, 8
TENANTS, LOAD_PAGES, LOAD_SECONDS = 16, 1000, 8
EXTENSIONS = "bare Flask with the same extensions imported"
#: What a Python program says to have what a server is told to serve.
OURS_CODE, BARE_CODE = "from wsgi import app", "from benchmarks.bare import create; app = create()"


def rows() -> Iterator[Row]:
    """Measure one worker."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, **portal.DEFAULT, contracts=1000, tenants=TENANTS)
        mine, least = in_turns(STARTS, *(partial(_start, code, folder) for code in (OURS_CODE, BARE_CODE)))
        yield Row(
            "start to first answer",
            EXTENSIONS,
            "at most 1.5",
            f"**{mine / least:.2f}** ({mine:.2f} against {least:.2f} s of processor)",
        )
        mine_fresh, mine_loaded = _memory(OURS, folder)
        least_fresh, least_loaded = _memory(BARE, folder)
        yield Row(
            "memory of a worker, fresh and after load",
            EXTENSIONS,
            "at most 1.3",
            f"**{mine_fresh / least_fresh:.2f}** ({_megabytes(mine_fresh, least_fresh)}) and"
            f" **{mine_loaded / least_loaded:.2f}** ({_megabytes(mine_loaded, least_loaded)})",
        )
        with serving(folder, *OURS, **portal.DEFAULT) as server:
            *waits, alone = _waits(server)
        for what, beside in zip(LOGINS, waits, strict=True):
            yield Row(
                f"pages while {VISITORS} logins run ({what}) on {os.cpu_count()} processors",
                "pages alone",
                "p95 of a GET under 3 times",
                f"**{beside / alone:.2f}** ({beside * 1000:.1f} against {alone * 1000:.1f} ms)",
            )


def _start(code: str, folder: Path) -> float:
    """Return the processor time from nothing to the first page."""
    code += "; from benchmarks.browser import Browser; Browser(app).get('/')"
    process = subprocess.Popen(  # noqa: S603 (our own command)
        [sys.executable, "-c", code], cwd=ROOT, env=environment(folder, **portal.DEFAULT), stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, code
    return usage.ru_utime + usage.ru_stime


def _memory(target: tuple[str, ...], folder: Path) -> tuple[int, int]:
    """Return what a worker takes after its first page, and after many pages and logins, several at a time."""
    with serving(folder, *target, **portal.DEFAULT) as server:
        server.browser().get("/")
        fresh = server.worker_bytes()
        with ThreadPoolExecutor(VISITORS) as pool:
            work = [pool.submit(_look, server, LOAD_PAGES // VISITORS) for _ in range(VISITORS)]
            work += [pool.submit(keep_logging_in, server.port, LOAD_SECONDS, number) for number in range(VISITORS)]
            for one in work:
                one.result()
        return fresh, server.worker_bytes()


def _megabytes(mine: int, least: int) -> str:
    return f"{mine / 1e6:.0f} against {least / 1e6:.0f} MB"


def _look(server: Server, times: int) -> list[float]:
    """Return for how long each page let itself be waited for."""
    browser, waits = server.browser(), []
    for _ in range(times):
        browser.cookies, browser.clock = {}, 0.0
        browser.get("/")
        waits.append(browser.clock)
    return waits


def _waits(server: Server) -> list[float]:
    """Return the p95 of a page beside the two kinds of logins and alone; the logins come from another process."""
    _look(server, PAGES)

    def beside(is_whole: bool) -> float:
        with ProcessPoolExecutor(1) as pool:
            running = pool.submit(log_in_at_once, server.port, 4.0, VISITORS, is_whole=is_whole)
            waits = []
            while not running.done():
                waits += _look(server, 5)
            assert running.result()
        return _p95(waits)

    logins = [partial(beside, is_whole) for is_whole in LOGINS.values()]
    return in_turns(ROUNDS, *logins, lambda: _p95(_look(server, PAGES)))


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]
