"""How long each thing is kept, and its erasure: the rules of `flask portal purge` (L24, L26, L30, T35)."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select, update

from ..db import Base, db, utcnow
from ..models import REOPENING, Account, Contract, EmailChange, Event, Login, Mail, MailState, Message, RateLimitCounter
from ..settings import settings

#: The journal, devices, messages, the fate of mails: 12 months (CNIL, recommendation on logging of 2021: 6 to 12).
JOURNAL = timedelta(days=365)
#: An account that nobody logs in to for so long is closed; its owner is told and has time to come back (L26).
IDLE = timedelta(days=2 * 365)
#: A former mail address: until nobody can object to its change any more, and a while for questions.
EMAIL_CHANGES = timedelta(days=30)
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
        "closed": (Account, Account.closed_at <= now - REOPENING),
        "email_changes": (EmailChange, EmailChange.created_at < now - EMAIL_CHANGES),
        "attempts": (RateLimitCounter, RateLimitCounter.since < now - COUNTERS),
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
        # The newest of each account stays: it tells for how long nobody has come.
        "logins": (Login, and_(Login.expires_at < now - JOURNAL, Login.id.not_in(_newest_logins()))),
        "events": (Event, Event.created_at < now - JOURNAL),
        "messages": (Message, Message.created_at < now - JOURNAL),
    }


def idle() -> list[Account]:
    """Return the open accounts that nobody has logged in to for two years; that a mail was opened does not count.

    They are kept from other writers: whoever comes back at this very moment keeps his account (X15).
    """
    ids = [id for id in db.session.scalars(_idle()) if id is not None]
    _lock(Account.id.in_(ids))
    still = select(Account).where(Account.id.in_(ids), Account.id.in_(_idle())).order_by(Account.id)
    return list(db.session.scalars(still.execution_options(populate_existing=True)))


def count() -> dict[str, int]:
    """Return how many rows of each kind have outlived their time."""
    return {
        name: db.session.scalar(select(func.count()).select_from(table).where(condition)) or 0
        for name, (table, condition) in rules(utcnow()).items()
    }


def purge() -> dict[str, int]:
    """Erase what has outlived its time and return how many rows of each kind.

    Consents go with their account only: closing it withdrew each yes, so nothing rests on them any more (L25). The
    journal keeps for its time when that was.
    """
    erased: dict[str, int] = {}
    for name, (table, condition) in rules(utcnow()).items():
        if table is Account:
            _lock(condition)
            _let_go(condition)
        result: Any = db.session.execute(delete(table).where(condition).execution_options(synchronize_session=False))
        erased[name] = result.rowcount
    return erased


def _newest_logins() -> Select[Any]:
    return select(func.max(Login.id)).group_by(Login.account_id)


def _idle() -> Select[Any]:
    long_ago = Login.id.in_(_newest_logins()), Login.created_at < utcnow() - IDLE
    stands = Account.closed_at.is_(None), Account.completed_at.is_not(None), Account.contracts.any()
    return select(Account.id).join(Login, Login.account_id == Account.id).where(*long_ago, *stands)


def _lock(condition: ColumnElement[bool]) -> None:
    """Keep these accounts, and their contracts before them as everywhere, from other writers until all is done."""
    of_them = select(Contract.id).join(Account, Account.id == Contract.account_id).where(condition)
    db.session.execute(of_them.order_by(Contract.id).with_for_update(key_share=True, of=Contract)).all()
    db.session.execute(select(Account.id).where(condition).order_by(Account.id).with_for_update(key_share=True)).all()


def _let_go(condition: ColumnElement[bool]) -> None:
    """Do what the foreign keys to these accounts say; a host's SQLite may not heed them (docs/embedding.md)."""
    erased = select(Account.id).where(condition)
    for table in Base.metadata.tables.values():
        for key in table.foreign_keys:
            if key.column is Account.__table__.c.id:
                rows = key.parent.in_(erased)
                change = update(table).where(rows).values({key.parent: None})
                db.session.execute(delete(table).where(rows) if key.ondelete == "CASCADE" else change)
