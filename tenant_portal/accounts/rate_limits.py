"""Count failures and uses, and tell who must wait, by the table of `limited_acts.py`."""

import ipaddress
import logging
import math
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar, cast

from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from sqlalchemy import ColumnElement, Integer, Table, bindparam, delete, func, or_, select, text, update

from ..db import UtcDateTime, db, utcnow
from ..models import RateLimitCounter
from ..settings import settings, state
from .limited_acts import ACTS, DAY, FREE_FAILURES, HOUR, FailureLimit, Per, Quota

#: A login must not wait for a store that hangs.
_REDIS_OPTIONS = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "retry": None}
STORE_REST = timedelta(seconds=5)

# Statements of each login are built once: building one takes longer than running it.
_counters = cast(Table, RateLimitCounter.__table__)
_SELECT_STATE = select(_counters.c.count.label("failures"), _counters.c.wait_until).where(
    _counters.c.key == bindparam("key")
)
_DELETE = delete(_counters).where(_counters.c.key == bindparam("key"))
_LOCK_ON_POSTGRESQL = text("SELECT pg_advisory_xact_lock(hashtext(:key))")
# One statement, so that parallel requests all count; as text it spares the import of PostgreSQL's dialect.
_INCREMENT = (
    text(
        "INSERT INTO portal_attempts (key, count, since) VALUES (:key, 1, :now) ON CONFLICT (key) DO UPDATE SET"
        " count = CASE WHEN portal_attempts.since <= :before THEN 1 ELSE portal_attempts.count + 1 END,"
        " since = CASE WHEN portal_attempts.since <= :before THEN :now ELSE portal_attempts.since END"
        " RETURNING count AS counted, since"
    )
    .bindparams(bindparam("now", type_=UtcDateTime), bindparam("before", type_=UtcDateTime))
    .columns(counted=Integer, since=UtcDateTime)
)

#: Some proxies write the port too: «203.0.113.1:50001», «[2001:db8::1]:443».
_WITH_PORT = re.compile(r"\[([^]]+)](?::[0-9]+)?|([^:]+):[0-9]+")

T = TypeVar("T")

log = logging.getLogger("tenant_portal")


class RateLimitState(NamedTuple):
    """How long the next try must wait, if at all, and the failures so far."""

    wait: timedelta | None = None
    failures: int = 0


class Failures(NamedTuple):
    """What a counter tells of failures: how many, when last if that is known, and how long the next try waits."""

    failures: int
    last_at: datetime | None
    waits_until: datetime | None


def state_of(act: str, per: Per, whose: object) -> RateLimitState:
    """Return the state of a counter."""
    row = db.session.execute(_SELECT_STATE, {"key": _key(act, per, whose)}).one_or_none()
    if row is None:
        return RateLimitState()
    rest = row.wait_until - utcnow() if row.wait_until is not None and settings.throttle else timedelta(0)
    return RateLimitState(rest if rest > timedelta(0) else None, row.failures)


def failures_of(act: str, whose: Iterable[tuple[Per, str]]) -> list[Failures]:
    """Return the counters of failures that exist among these, for whoever explains them."""
    limits = {_key(act, per, name): _failure_limit(act, per) for per, name in whose}
    now = utcnow()
    columns = (_counters.c.key, _counters.c.count, _counters.c.since, _counters.c.wait_until)
    found = []
    for key, count, since, until in db.session.execute(select(*columns).where(_counters.c.key.in_(limits))):
        is_for_the_day = until is None or until == since + DAY
        waits = settings.throttle and until is not None and until > now
        found.append(
            Failures(
                count, None if is_for_the_day else until - delay_after(count, limits[key]), until if waits else None
            )
        )
    return found


def lock_counter(act: str, per: Per, whose: object) -> None:
    """Lock a counter until the transaction ends; on SQLite every writer waits anyway."""
    if db.session.connection().dialect.name == "postgresql":
        db.session.execute(_LOCK_ON_POSTGRESQL, {"key": _key(act, per, whose)})


def count_failure(act: str, per: Per, whose: object) -> int:
    """Count a failure and set its wait; return the failures so far."""
    limit, key, now = _failure_limit(act, per), _key(act, per, whose), utcnow()
    failures, since = _increment(key, now, period=DAY)
    is_over = limit.per_day is not None and failures >= limit.per_day
    until = since + DAY if is_over else now + delay_after(failures, limit)
    db.session.execute(update(_counters).where(_counters.c.key == key).values(wait_until=until))
    return failures


def delay_after(failures: int, limit: FailureLimit) -> timedelta:
    """Return how long to wait after that many failures."""
    if failures < FREE_FAILURES:
        return timedelta(0)
    return min(timedelta(minutes=2.0 ** min(failures - FREE_FAILURES, 20)), limit.longest_wait)


def clear(act: str, per: Per, whose: object) -> None:
    """Delete a counter of failures or uses."""
    db.session.execute(_DELETE, {"key": _key(act, per, whose)})


def login_waits_until(account_id: int) -> datetime | None:
    """Return when the longest wait for logins to an account ends, of whatever device; None without any."""
    waits = select(func.max(_counters.c.wait_until)).where(_of_logins(account_id), _counters.c.wait_until > utcnow())
    return db.session.scalar(waits) if settings.throttle else None


def lift_login_waits(account_id: int) -> None:
    """Delete all counters of failed logins to an account; those of network addresses end by themselves."""
    db.session.execute(delete(_counters).where(_of_logins(account_id)))


def count_use(act: str, per: Per, whose: object) -> int | None:
    """Count a use; return how many came before it in this period, or None above the quota.

    The period starts at its first use, so a refused one prolongs nothing.
    """
    quota = _quota(act, per)
    uses, _ = _increment(_key(act, per, whose), utcnow(), period=quota.period)
    return uses - 1 if uses <= quota.uses or not settings.throttle else None


def uncount_use(act: str, per: Per, whose: object) -> None:
    """Take a use back."""
    key = _counters.c.key == _key(act, per, whose)
    db.session.execute(update(_counters).where(key, _counters.c.count > 0).values(count=_counters.c.count - 1))


def state_of_origin(act: str, origin: str) -> RateLimitState:
    """Return the state of a network address.

    While the store is unavailable, none waits and none counts as free of failures.
    """

    def read(store: Storage) -> RateLimitState:
        failures, wait = store.get(_origin_key(act, "fail", origin)), None
        if failures and store.get(waits := _origin_key(act, "wait", origin)):
            wait = timedelta(seconds=max(1, math.ceil(store.get_expiry(waits) - utcnow().timestamp())))
        return RateLimitState(wait, failures)

    return _ask_store(read, otherwise=RateLimitState(failures=1)) if settings.throttle else RateLimitState()


def count_origin_failure(act: str, origin: str) -> None:
    """Count a failure of a network address and set its wait."""
    limit = _failure_limit(act, Per.ORIGIN)

    def count(store: Storage) -> None:
        pause = delay_after(store.incr(_origin_key(act, "fail", origin), int(DAY.total_seconds())), limit)
        if pause:
            waits = _origin_key(act, "wait", origin)
            store.clear(waits)
            store.incr(waits, int(pause.total_seconds()))

    _ask_store(count, otherwise=None)


def forgive_origin(act: str, origin: str, whose: object) -> None:
    """Take slips off a network address for who gets in there: the first time a day, so that nobody earns free tries."""

    def is_first(store: Storage) -> bool:
        if not store.get(_origin_key(act, "fail", origin)):
            return False
        return store.incr(_origin_key(act, f"in/{whose}", origin), int(DAY.total_seconds())) == 1

    if _ask_store(is_first, otherwise=False):
        uncount_origin_failures(act, origin, FREE_FAILURES)


def uncount_origin_failures(act: str, origin: str, failures: int) -> None:
    """Take a tenant's failures back from his network address, once he succeeds."""

    def uncount(store: Storage) -> None:
        key = _origin_key(act, "fail", origin)
        left = store.get(key) - failures
        lifetime = math.ceil(store.get_expiry(key) - utcnow().timestamp())
        store.clear(key)
        if left > 0 and lifetime > 0:
            store.incr(key, lifetime, amount=left)

    _ask_store(uncount, otherwise=None)


def count_once(act: str, per: Per, what: str, *, otherwise: bool) -> bool:
    """Count an event; tell whether it is the first of its hour, within everybody's quota (X20, X23).

    Only those are written down: a flood fills neither disk nor memory.
    """
    seconds = int(HOUR.total_seconds())

    def count(store: Storage) -> bool:
        most = _quota(act, Per.EVERYBODY).uses
        if store.get(f"portal/{act}") >= most or store.incr(f"portal/{act}/{what}", seconds) > _quota(act, per).uses:
            return False
        return store.incr(f"portal/{act}", seconds) <= most

    return _ask_store(count, otherwise=otherwise)


def is_quota_used_up(act: str) -> bool:
    """Tell whether everybody's quota of this hour is used up."""
    return _ask_store(lambda store: store.get(f"portal/{act}") >= _quota(act, Per.EVERYBODY).uses, otherwise=False)


def forget_origins() -> None:
    """Delete the counters of all network addresses."""
    _ask_store(lambda store: store.reset(), otherwise=None)


def origin_of(address: str | None) -> str:
    """Return the key of a network address: IPv4 whole, IPv6 cut to its /64, which one home owns."""
    found = _WITH_PORT.fullmatch((address or "").strip(' "'))
    try:
        ip = ipaddress.ip_address((found[1] or found[2] if found else address or "").split("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is None:
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(getattr(ip, "ipv4_mapped", None) or ip)


def _of_logins(account_id: int) -> ColumnElement[bool]:
    own = [_key("login", per, account_id) for per in (Per.ACCOUNT, Per.LINK)]
    return or_(_counters.c.key.in_(own), _counters.c.key.startswith(_key("login", Per.DEVICE, f"{account_id}:")))


def _key(act: str, per: Per, whose: object) -> str:
    assert per in ACTS[act].limits
    return f"{act}:{per}:{whose}"


def _origin_key(act: str, what: str, origin: str) -> str:
    return f"portal/{act}/{what}/{origin}"


def _failure_limit(act: str, per: Per) -> FailureLimit:
    limit = ACTS[act].limits[per]
    assert isinstance(limit, FailureLimit)
    return limit


def _quota(act: str, per: Per) -> Quota:
    limit = ACTS[act].limits[per]
    assert isinstance(limit, Quota)
    return limit


def _increment(key: str, now: datetime, *, period: timedelta) -> tuple[int, datetime]:
    """Add one to a counter, anew after `period`; return its count and start."""
    row = db.session.execute(_INCREMENT, {"key": key, "now": now, "before": now - period}).one()
    return row.counted, row.since


def _ask_store(question: Callable[[Storage], T], *, otherwise: T) -> T:
    """Ask the store of origins; one that failed rests, so that few logins wait for it."""
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
        options: Any = _REDIS_OPTIONS if re.match(r"(redis|valkey)", uri) else {}
        state.cache["rate_storage"] = storage_from_string(uri, wrap_exceptions=True, **options)
    storage: Storage = state.cache["rate_storage"]
    return storage
