"""What an answer costs, without a clock, and a way to hold the hashing back."""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import argon2.low_level
import pytest
from flask import Flask
from sqlalchemy import event

from tenant_portal.accounts import passwords
from tenant_portal.db import db


@contextmanager
def counted(app: Flask) -> Iterator[Counter[str]]:
    """Count statements, rows and hashes inside: `SELECT portal_accounts`, `INSERT portal_events`, `hash`."""
    work: Counter[str] = Counter()

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        verb = statement.split(None, 1)[0].upper()
        found = re.search(r"\b(?:FROM|INTO|UPDATE)\s+(portal_\w+)", statement)
        work[f"{verb} {found[1] if found else ''}".strip()] += 1

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("hash_secret", "verify_secret"):
            computed = getattr(argon2.low_level, name)
            patch.setattr(f"argon2._password_hasher.{name}", _counting(computed, work))
        try:
            yield work
        finally:
            event.remove(engine, "before_cursor_execute", note)


def _counting(computed, work):  # type: ignore[no-untyped-def]
    def count(*given, **named):  # type: ignore[no-untyped-def]
        work["hash"] += 1
        return computed(*given, **named)

    return count


def hashers_of(app: Flask) -> ThreadPoolExecutor:
    with app.app_context():
        passwords.hash("makes the threads")
    (hashers,) = (value for value in app.extensions["portal"].cache.values() if isinstance(value, ThreadPoolExecutor))
    return hashers


@contextmanager
def hashing_held_back(app: Flask) -> Iterator[Callable[[], int]]:
    """Keep every hashing thread busy meanwhile; gives a function that counts the passwords that wait."""
    hashers, end = hashers_of(app), threading.Event()
    busy = threading.Barrier(hashers._max_workers + 1)

    def hold() -> None:
        busy.wait()
        end.wait()

    for _ in range(hashers._max_workers):
        hashers.submit(hold)
    busy.wait()
    try:
        yield hashers._work_queue.qsize
    finally:
        end.set()
