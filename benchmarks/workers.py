"""Two workers: how many logins a second they bear, against nothing but the hash, and what the bare one bears."""

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from argon2 import PasswordHasher

from . import portal
from .server import BARE, LOGINS, OURS, Server, log_in_at_once, prepare, serving
from .table import Row, in_turns

ROUNDS, SECONDS, VISITORS = 5, 4.0, 8


def rows() -> Iterator[Row]:
    """Measure two workers."""
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(2) as pool:
        folder = Path(name)
        prepare(folder, **portal.DEFAULT, contracts=1000, tenants=VISITORS)
        two = {"workers": 2, **portal.DEFAULT}
        with serving(folder, *OURS, **two) as ours, serving(folder, *BARE, **two) as bare:
            measures = [partial(_logins, server, is_whole) for is_whole in LOGINS.values() for server in (ours, bare)]
            *logins, most = in_turns(ROUNDS, *measures, lambda: _hashes(pool))
        for what, mine, least in zip(LOGINS, logins[::2], logins[1::2], strict=True):
            yield Row(
                f"logins a second ({what}), the default hash, 2 workers, the browsers on the same machine",
                "Argon2 alone in 2 processes, same parameters",
                "at least 0.80",
                f"**{mine / most:.2f}** ({mine:.1f} against {most:.1f} a second; the bare one {least / most:.2f})",
            )


def _logins(server: Server, is_whole: bool) -> float:
    return log_in_at_once(server.port, SECONDS, VISITORS, is_whole=is_whole) / SECONDS


def _hashes(pool: ProcessPoolExecutor) -> float:
    return sum(pool.map(_verify, [SECONDS] * 2)) / SECONDS


def _verify(seconds: float) -> int:
    """Verify a password again and again and return how often."""
    hasher = PasswordHasher(time_cost=portal.DEFAULT["passes"], memory_cost=portal.DEFAULT["memory"], parallelism=1)
    known, count, end = hasher.hash(portal.PASSWORD), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        hasher.verify(known, portal.PASSWORD)
        count += 1
    return count
