"""Metrics for Prometheus, from the database, so the same in every process."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import ColumnElement, case, func, select

from ..db import db, utcnow
from ..mail import outbox
from ..models import Account, Contract, Event, Import, Mail, MailState

#: Events are counted over this time, so that the query stays fast.
RECENT = timedelta(hours=1)

#: Help text and label by name; all may go down, so all are gauges.
_FIGURES = {
    "portal_accounts": ("Accounts, by what has become of them.", "state"),
    "portal_contracts": ("Contracts whose lease has not been marked as ended.", ""),
    "portal_roster_age_seconds": ("Time since the last import of contracts.", ""),
    "portal_mails": ("Mails in the outbox, by their fate.", "state"),
    "portal_oldest_mail_seconds": ("For how long the oldest mail has been waiting.", ""),
    "portal_events_last_hour": ("Events of the journal in the last hour, by name.", "name"),
}


def exposition() -> str:
    """Return every metric in Prometheus's text format."""
    lines: list[str] = []
    for name, figures in _figures().items():
        meaning, label = _FIGURES[name]
        lines += [f"# HELP {name} {meaning}", f"# TYPE {name} gauge"]
        lines += [f'{name}{{{label}="{key}"}} {value}' if label else f"{name} {value}" for key, value in figures]
    return "\n".join(lines) + "\n"


def _figures() -> dict[str, list[tuple[str, int]]]:
    now = utcnow()
    age = outbox.oldest_waiting_age()
    imported = db.session.scalar(select(func.max(Import.created_at)))
    running = select(func.count()).select_from(Contract).where(Contract.ended_at.is_(None))
    return {
        "portal_accounts": list(_counts(_account_state(), "pending", "activated", "finished", "frozen", "closed")),
        "portal_contracts": [("", db.session.scalar(running) or 0)],
        "portal_roster_age_seconds": [("", int((now - imported).total_seconds()))] if imported else [],
        "portal_mails": list(_counts(Mail.state, *MailState)),
        "portal_oldest_mail_seconds": [("", int(age.total_seconds()) if age else 0)],
        "portal_events_last_hour": list(_counts(Event.name, where=Event.created_at > now - RECENT)),
    }


def _account_state() -> ColumnElement[str]:
    return case(
        (Account.closed_at.is_not(None), "closed"),
        (Account.frozen_at.is_not(None), "frozen"),
        (Account.completed_at.is_not(None), "finished"),
        (Account.activated_at.is_not(None), "activated"),
        else_="pending",
    )


def _counts(key: object, *known: str, where: ColumnElement[bool] | None = None) -> Iterator[tuple[str, int]]:
    """Yield the number of rows by value, 0 for known values without rows."""
    column: ColumnElement[str] = key  # type: ignore[assignment]
    asked = select(column, func.count()).group_by(column).order_by(column)
    found = {str(value): count for value, count in db.session.execute(asked if where is None else asked.where(where))}
    yield from {**dict.fromkeys(map(str, known), 0), **found}.items()
