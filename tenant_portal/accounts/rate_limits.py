"""May this go on? The table of `acts.py` says what is counted; this module alone decides by it."""

import ipaddress
import logging
import math
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar, cast

from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from sqlalchemy import Integer, Table, bindparam, delete, select, text, update

from ..db import UtcDateTime, db, utcnow
from ..models import RateLimitCounter
from ..settings import settings, state
from .limited_acts import ACTS, DAY, FREE_FAILURES, HOUR, Per, Quota, Tries

#: What a counter store has for each answer: a login must not wait for one that hangs, nor ask it again at once.
_STORE_LIMITS = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "retry": None}


#: How long a store that did not answer is left alone.
STORE_REST = timedelta(seconds=5)


# Asked at each login, so built once: that takes longer than the database needs to answer.
_attempts = cast(Table, RateLimitCounter.__table__)


_STANDING = select(_attempts.c.count.label("failures"), _attempts.c.wait_until).where(
    _attempts.c.key == bindparam("key")
)


_HELD = text("SELECT pg_advisory_xact_lock(hashtext(:key))")


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


def delay_after(failures: int, limit: Tries) -> timedelta:
    """Return how long to wait after that many failures in a row."""
    if failures < FREE_FAILURES:
        return timedelta(0)
    return min(timedelta(minutes=2.0 ** min(failures - FREE_FAILURES, 20)), limit.longest)


class RateLimitState(NamedTuple):
    """How a key stands: how long the next try must wait, if it must, and how many failures are counted."""

    wait: timedelta | None = None
    failures: int = 0


def standing(act: str, per: Per, whose: object) -> RateLimitState:
    """Return whether the next try may go on."""
    row = db.session.execute(_STANDING, {"key": _key(act, per, whose)}).one_or_none()
    if row is None:
        return RateLimitState()
    rest = row.wait_until - utcnow() if row.wait_until is not None and settings.throttle else timedelta(0)
    return RateLimitState(rest if rest > timedelta(0) else None, row.failures)


def hold(act: str, per: Per, whose: object) -> None:
    """Have others who count the same wait until this write ends; on SQLite every writer waits anyway."""
    if db.session.connection().dialect.name == "postgresql":
        db.session.execute(_HELD, {"key": _key(act, per, whose)})


def fail(act: str, per: Per, whose: object) -> int:
    """Count one failure and set the wait that follows; return how many there are now. Races are counted one by one."""
    limit, key, now = _tries(act, per), _key(act, per, whose), utcnow()
    failures, since = _count(key, now, within=DAY)
    is_over = limit.a_day is not None and failures >= limit.a_day
    until = since + DAY if is_over else now + delay_after(failures, limit)
    db.session.execute(update(_attempts).where(_attempts.c.key == key).values(wait_until=until))
    return failures


def succeed(act: str, per: Per, whose: object) -> None:
    """Forget the failures of that key."""
    db.session.execute(_FORGOTTEN, {"key": _key(act, per, whose)})


def use(act: str, per: Per, whose: object) -> int:
    """Count one act; return how many there were before it in this time, or -1 if it is one too many.

    The time runs from the first one, so nobody's wait grows by what is too many.
    """
    quota = ACTS[act].limits[per]
    assert isinstance(quota, Quota)
    uses, _ = _count(_key(act, per, whose), utcnow(), within=quota.within)
    return uses - 1 if uses <= quota.times or not settings.throttle else -1


def give_back(act: str, per: Per, whose: object) -> None:
    """Take one act off the count again, because nothing came of it."""
    key = _attempts.c.key == _key(act, per, whose)
    db.session.execute(update(_attempts).where(key, _attempts.c.count > 0).values(count=_attempts.c.count - 1))


def origin_standing(act: str, origin: str) -> RateLimitState:
    """Return how an address of origin stands; a counter store out of reach stops nobody, but vouches for nobody."""

    def look(store: Storage) -> RateLimitState:
        failures, wait = store.get(_origin_key(act, "fail", origin)), None
        if failures and store.get(waits := _origin_key(act, "wait", origin)):
            wait = timedelta(seconds=max(1, math.ceil(store.get_expiry(waits) - utcnow().timestamp())))
        return RateLimitState(wait, failures)

    return _ask(look, otherwise=RateLimitState(failures=1)) if settings.throttle else RateLimitState()


def origin_fail(act: str, origin: str) -> None:
    """Count one failure of an address of origin and set the wait that follows."""
    limit = _tries(act, Per.ORIGIN)

    def count(store: Storage) -> None:
        pause = delay_after(store.incr(_origin_key(act, "fail", origin), int(DAY.total_seconds())), limit)
        if pause:
            waits = _origin_key(act, "wait", origin)
            store.clear(waits)
            store.incr(waits, int(pause.total_seconds()))

    _ask(count, otherwise=None)


def origin_forgive(act: str, origin: str, failures: int) -> None:
    """Take the slips of whoever got it right in the end off the counter of his address."""

    def forgive(store: Storage) -> None:
        key = _origin_key(act, "fail", origin)
        left = store.get(key) - failures
        lives = math.ceil(store.get_expiry(key) - utcnow().timestamp())
        store.clear(key)
        if left > 0 and lives > 0:
            store.incr(key, lives, amount=left)

    _ask(forgive, otherwise=None)


def is_news(act: str, per: Per, what: str, *, otherwise: bool) -> bool:
    """Tell whether this is new within the hour, and the quota of everybody is not used up (X20, X23).

    Only then a row of the journal or a line of the log is written: a thousand refusals fill neither disk nor memory.
    """
    seconds = int(HOUR.total_seconds())

    def ask(store: Storage) -> bool:
        most = _quota(act, Per.EVERYBODY)
        if store.get(f"portal/{act}") >= most or store.incr(f"portal/{act}/{what}", seconds) > _quota(act, per):
            return False
        return store.incr(f"portal/{act}", seconds) <= most

    return _ask(ask, otherwise=otherwise)


def is_spent(act: str) -> bool:
    """Tell whether the quota of everybody is used up for this hour."""
    return _ask(lambda store: store.get(f"portal/{act}") >= _quota(act, Per.EVERYBODY), otherwise=False)


def _key(act: str, per: Per, whose: object) -> str:
    assert per in ACTS[act].limits
    return f"{act}:{per}:{whose}"


def _tries(act: str, per: Per) -> Tries:
    limit = ACTS[act].limits[per]
    assert isinstance(limit, Tries)
    return limit


def _quota(act: str, per: Per) -> int:
    limit = ACTS[act].limits[per]
    assert isinstance(limit, Quota)
    return limit.times


def _origin_key(act: str, what: str, origin: str) -> str:
    return f"portal/{act}/{what}/{origin}"


def _count(key: str, now: datetime, *, within: timedelta) -> tuple[int, datetime]:
    """Count one more and return how many there are since when; what is as old as `within` no longer counts."""
    count, since = db.session.execute(_COUNTED, {"key": key, "now": now, "before": now - within}).one()
    return count, since


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


def origin_of(address: str | None) -> str:
    """Return the address of origin that counters use: IPv4 whole, IPv6 cut to its /64, which one home owns."""
    try:
        ip = ipaddress.ip_address((address or "").split("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is None:
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(getattr(ip, "ipv4_mapped", None) or ip)
