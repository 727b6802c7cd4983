"""What an answer costs, without a clock: the statements sent, the rows written and the hashes computed for it."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import argon2.low_level
import pytest
from flask import Flask
from sqlalchemy import event

from tenant_portal.db import db


@contextmanager
def counted(app: Flask) -> Iterator[Counter[str]]:
    """Count the work done inside: `SELECT portal_accounts`, `INSERT portal_events`, `hash`."""
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
