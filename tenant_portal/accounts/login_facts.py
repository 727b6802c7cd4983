"""What the office is told about the logins of an account: tries, delays, the last one, a link for a new password."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select

from ..db import db, utcnow
from ..models import Account, Event, Login
from ..settings import settings
from . import rate_limits
from .limited_acts import Per

_REFUSALS = ("login_refused", "login_delayed")


@dataclass(frozen=True)
class LoginFacts:
    """How the logins of an account went; tries are counted since the last one, or since the activation."""

    last_login_at: datetime | None = None
    #: At least so many: the journal notes one an hour.
    refused: int = 0
    refused_at: datetime | None = None
    #: The longest of its delays: a known device has one of its own. Those of a network address concern no account.
    waits_until: datetime | None = None
    #: While its link is valid, and nobody has used it or logged in since.
    reset_asked_at: datetime | None = None


class _Noted(NamedTuple):
    times: int = 0
    at: datetime | None = None


def of(account: Account) -> LoginFacts:
    """Return the facts of an account, each by an index."""
    devices = {device: at for device, at in db.session.execute(_DEVICES.where(Login.account_id == account.id))}
    last = max(devices.values(), default=None)
    since = last or account.activated_at or account.created_at
    noted = _noted_since(account, since)
    whose = [(Per.ACCOUNT, str(account.id)), (Per.LINK, str(account.id))]
    whose += [(Per.DEVICE, f"{account.id}:{device[:32]}") for device in devices]
    counters = rate_limits.failures_of("login", whose)
    tries = [counter for counter in counters if counter.last_at is None or counter.last_at > since]
    refusals = [noted[name] for name in _REFUSALS if name in noted]
    moments = [at for at in (*(one.at for one in refusals), *(one.last_at for one in tries)) if at is not None]
    waits = [counter.waits_until for counter in counters if counter.waits_until is not None]
    return LoginFacts(
        last_login_at=last,
        refused=max(sum(one.times for one in refusals), sum(one.failures for one in tries)),
        refused_at=max(moments, default=None),
        waits_until=max(waits, default=None),
        reset_asked_at=_open_wish(noted),
    )


_DEVICES = select(Login.device_hash, func.max(Login.created_at)).group_by(Login.device_hash)


def _noted_since(account: Account, since: datetime) -> dict[str, _Noted]:
    """Return how often the journal has each of these since then, and when last."""
    names = (*_REFUSALS, "reset_requested", "password_reset")
    rows = select(Event.name, func.count(), func.max(Event.created_at)).group_by(Event.name)
    rows = rows.where(Event.account_id == account.id, Event.name.in_(names), Event.created_at > since)
    return {name: _Noted(times, at) for name, times, at in db.session.execute(rows)}


def _open_wish(noted: dict[str, _Noted]) -> datetime | None:
    asked, done = (noted.get(name, _Noted()).at for name in ("reset_requested", "password_reset"))
    is_open = asked is not None and asked > utcnow() - settings.reset_hours and (done is None or done < asked)
    return asked if is_open else None
