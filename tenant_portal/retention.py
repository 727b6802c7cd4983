"""How long each thing is kept, and its erasure: the rules of `flask portal purge` (L24, L30)."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select

from .db import Base, db, utcnow
from .models import Account, Attempts, Event, Login, Mail, MailState, Message
from .settings import settings

#: The journal, devices, messages, the fate of mails: 12 months (CNIL, recommendation on logging of 2021: 6 to 12).
JOURNAL = timedelta(days=365)
#: Counters of failures look back one day; the rows that stand for nobody's mail tell nothing after that either.
COUNTERS = timedelta(days=2)


def rules(now: datetime) -> dict[str, tuple[type[Base], ColumnElement[bool]]]:
    """Return what has outlived its time, by name: a table and the condition on its rows."""
    done = Mail.state != MailState.WAITING
    return {
        "unfinished": (
            Account,
            and_(Account.completed_at.is_(None), Account.created_at < now - settings.unfinished_days),
        ),
        "attempts": (Attempts, Attempts.since < now - COUNTERS),
        "mails": (
            Mail,
            and_(
                done,
                or_(
                    Mail.created_at < now - JOURNAL,
                    and_(Mail.state == MailState.NOBODY, Mail.created_at < now - COUNTERS),
                ),
            ),
        ),
        "logins": (Login, Login.expires_at < now - JOURNAL),
        "events": (Event, Event.created_at < now - JOURNAL),
        "messages": (Message, Message.created_at < now - JOURNAL),
    }


def count() -> dict[str, int]:
    """Return how many rows of each kind have outlived their time."""
    return {
        name: db.session.scalar(select(func.count()).select_from(table).where(condition)) or 0
        for name, (table, condition) in rules(utcnow()).items()
    }


def purge() -> dict[str, int]:
    """Erase what has outlived its time and return how many rows of each kind; consents go with their account only."""
    erased: dict[str, int] = {}
    for name, (table, condition) in rules(utcnow()).items():
        result: Any = db.session.execute(delete(table).where(condition).execution_options(synchronize_session=False))
        erased[name] = result.rowcount
    return erased
