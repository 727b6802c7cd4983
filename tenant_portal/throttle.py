"""May this go on? Delays that grow with failures, per reference, per device and per address of origin; never a lock."""

import logging
import math
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar, cast

from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from sqlalchemy import Integer, Table, bindparam, delete, select, text, update

from .db import UtcDateTime, db, utcnow
from .models import Attempts
from .settings import settings, state

#: Failures that cost nothing, then 1, 2, 4 … minutes, an hour at most, and no more tries in a day than this
#: (PRODUCT 1; CNIL 2022-100 asks for a delay over a minute after 5 failures and 25 failures a day at most).
FREE_FAILURES = 5
LONGEST_WAIT = timedelta(hours=1)
DAY = timedelta(hours=24)
DAILY_FAILURES = 25

#: What a counter store has for each answer: a login must not wait for one that hangs, nor ask it again at once.
_STORE_LIMITS = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "retry": None}
#: How long a store that did not answer is left alone.
STORE_REST = timedelta(seconds=5)

# Asked at each login, so built once: that takes longer than the database needs to answer.
_attempts = cast(Table, Attempts.__table__)
_STANDING = select(_attempts.c.count.label("failures"), _attempts.c.wait_until).where(
    _attempts.c.key == bindparam("key")
)
_FORGOTTEN = delete(_attempts).where(_attempts.c.key == bindparam("key"))
# In words that both databases understand: the dialect of PostgreSQL takes longer to import than the rest of this file.
# One statement, so that of several at once each is counted.
_COUNTED = (
    text(
        "INSERT INTO portal_attempts (key, count, since) VALUES (:key, 1, :now) ON CONFLICT (key) DO UPDATE SET"
        " count = CASE WHEN portal_attempts.since <= :before THEN 1 ELSE portal_attempts.count + 1 END,"
        " since = CASE WHEN portal_attempts.since <= :before THEN :now ELSE portal_attempts.since END"
        " RETURNING count, since"
    )
    .bindparams(bindparam("now", type_=UtcDateTime), bindparam("before", type_=UtcDateTime))
    .columns(count=Integer, since=UtcDateTime)
)

Answer = TypeVar("Answer")

log = logging.getLogger("tenant_portal")


def delay_after(failures: int) -> timedelta:
    """Return how long to wait after that many failures in a row."""
    if failures < FREE_FAILURES:
        return timedelta(0)
    return min(timedelta(minutes=2.0 ** (failures - FREE_FAILURES)), LONGEST_WAIT)


class Standing(NamedTuple):
    """How a key stands: how long the next try must wait, if it must, and how many failures are counted."""

    wait: timedelta | None = None
    failures: int = 0


def standing(key: str) -> Standing:
    """Return whether the next try of that key may go on."""
    row = db.session.execute(_STANDING, {"key": key}).one_or_none()
    if row is None:
        return Standing()
    rest = row.wait_until - utcnow() if row.wait_until is not None and settings.throttle else timedelta(0)
    return Standing(rest if rest > timedelta(0) else None, row.failures)


def fail(key: str) -> int:
    """Count one failure and set the wait that follows; return how many there are now. Races are counted one by one."""
    now = utcnow()
    failures, since = _count(key, now, within=DAY)
    until = since + DAY if failures >= DAILY_FAILURES else now + delay_after(failures)
    db.session.execute(update(_attempts).where(_attempts.c.key == key).values(wait_until=until))
    return failures


def succeed(key: str) -> None:
    """Forget the failures of that key."""
    db.session.execute(_FORGOTTEN, {"key": key})


def allow(key: str, *, times: int, within: timedelta) -> bool:
    """Count one use and tell whether it is still within so many in that time: for mails, which cost others."""
    uses, _ = _count(key, utcnow(), within=within)
    return uses <= times or not settings.throttle


def _count(key: str, now: datetime, *, within: timedelta) -> tuple[int, datetime]:
    """Count one more and return how many there are since when; what is as old as `within` no longer counts."""
    count, since = db.session.execute(_COUNTED, {"key": key, "now": now, "before": now - within}).one()
    return count, since


def origin_wait(kind: str, origin: str) -> timedelta | None:
    """Return how long an address of origin must wait; a counter store out of reach never stops a tenant."""

    def look(store: Storage) -> timedelta | None:
        key = f"portal/{kind}/wait/{origin}"
        if not store.get(key):
            return None
        return timedelta(seconds=max(1, math.ceil(store.get_expiry(key) - utcnow().timestamp())))

    return _ask(look, otherwise=None) if settings.throttle else None


def origin_fail(kind: str, origin: str) -> int:
    """Count one failure of an address of origin and return how many there are today."""

    def count(store: Storage) -> int:
        failures = store.incr(f"portal/{kind}/fail/{origin}", int(DAY.total_seconds()))
        pause = DAY if failures >= DAILY_FAILURES else delay_after(failures)
        if pause:
            key = f"portal/{kind}/wait/{origin}"
            store.clear(key)
            store.incr(key, int(pause.total_seconds()))
        return failures

    return _ask(count, otherwise=0)


def _ask(question: Callable[[Storage], Answer], *, otherwise: Answer) -> Answer:
    """Ask the counter store; one that failed is left alone for a while, so that it slows down one login and not all."""
    now = utcnow()
    if now < state.cache.get("rate_storage_rests_until", now):
        return otherwise
    try:
        return question(_store())
    except StorageError as trouble:
        log.warning(
            "origin counters out of reach (%s), the delays per reference go on", type(trouble.__cause__).__name__
        )
        state.cache["rate_storage_rests_until"] = now + STORE_REST
        return otherwise


def _store() -> Storage:
    if "rate_storage" not in state.cache:
        uri = settings.rate_storage_uri
        limits: Any = _STORE_LIMITS if re.match(r"(redis|valkey)", uri) else {}
        state.cache["rate_storage"] = storage_from_string(uri, wrap_exceptions=True, **limits)
    storage: Storage = state.cache["rate_storage"]
    return storage
