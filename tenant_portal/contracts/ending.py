"""When a lease ended, and until when what is kept about it stays (H08, T34)."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from sqlalchemy import ColumnElement, or_

from ..models import Contract
from ..settings import settings
from .lookup import today


class Ending(Protocol):
    """What of a contract tells its end."""

    @property
    def ends_on(self) -> date | None:
        """Return its last day, from the roster."""

    @property
    def ended_at(self) -> datetime | None:
        """Return when the roster lacked it."""


def ended_on(lease: Ending) -> date | None:
    """Return the day on which a lease ended, or None while it has not."""
    days = [lease.ends_on] if lease.ends_on is not None else []
    if lease.ended_at is not None:
        days.append(lease.ended_at.astimezone(settings.timezone).date())
    elif lease.ends_on is None or lease.ends_on >= today():
        return None
    return min(days)


def due_on(end: date) -> date:
    """Return the day until which what belongs to a lease stays at least."""
    return _months_later(end, settings.after_lease_months)


def may_be_due(ahead: timedelta) -> ColumnElement[bool]:
    """Return a condition for every lease due by then, and a few that are not."""
    first = _months_later(today() + ahead, -settings.after_lease_months) + timedelta(days=4)  # months differ by three
    return or_(Contract.ends_on <= first, Contract.ended_at <= datetime(first.year, first.month, first.day, tzinfo=UTC))


def is_over() -> ColumnElement[bool]:
    """Return a condition for leases that have ended."""
    return or_(Contract.ends_on < today(), Contract.ended_at.is_not(None))


def _months_later(day: date, count: int) -> date:
    """Return the same day so many months later, or the last of a shorter month."""
    months = day.year * 12 + day.month - 1 + count
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
