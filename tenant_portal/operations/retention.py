"""The retention rules of `flask portal purge` (L24, L26, L30, T35)."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select, update

from ..accounts import office_visits
from ..accounts.email_change import EmailChange
from ..accounts.office_acts import OfficeAct
from ..accounts.office_visits import OfficeVisit
from ..contracts import ending
from ..db import Base, db, utcnow
from ..messages import drafts
from ..messages.models import Draft, Message
from ..models import (
    REOPENING,
    Account,
    Contract,
    Event,
    KeptPassword,
    Login,
    Mail,
    MailState,
    RateLimitCounter,
)
from ..settings import settings

#: Journals, devices, messages, mails: 12 months (CNIL, recommendation on logging of 2021: 6 to 12).
JOURNAL = timedelta(days=365)
#: An account without a login for so long is closed; its owner is told and can reopen it (L26).
IDLE = timedelta(days=2 * 365)
#: Former addresses: the time to object, and some for questions.
EMAIL_CHANGES = timedelta(days=30)
#: Counters look back one day; mails without recipient are needed no longer either.
COUNTERS = timedelta(days=2)


def rules(now: datetime) -> dict[str, tuple[type[Base], ColumnElement[bool]]]:
    """Return the table and condition of expired rows, by name."""
    done = Mail.state != MailState.WAITING
    return {
        "unfinished": (
            Account,
            and_(Account.completed_at.is_(None), Account.created_at < now - settings.unfinished_days),
        ),
        "closed": (Account, Account.closed_at <= now - REOPENING),
        "email_changes": (EmailChange, EmailChange.created_at < now - EMAIL_CHANGES),
        "attempts": (RateLimitCounter, RateLimitCounter.since < now - COUNTERS),
        "kept_passwords": (KeptPassword, KeptPassword.created_at <= now - settings.session_idle_minutes),
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
        # The newest login of an account stays, as `IDLE` counts from it.
        "logins": (Login, and_(Login.expires_at < now - JOURNAL, Login.id.not_in(_newest_logins()))),
        "events": (Event, Event.created_at < now - JOURNAL),
        "office_acts": (OfficeAct, OfficeAct.created_at < now - JOURNAL),
        "office_visits": (OfficeVisit, OfficeVisit.latest_at < now - office_visits.LONGEST),
        "drafts": (Draft, Draft.created_at < now - drafts.LIFETIME),
        "messages": (Message, Message.last_entry_at < now - JOURNAL),
        **{table.__tablename__: (table, table.expired(now)) for table in tables_with_own_rule()},
    }


def tables_with_own_rule() -> list[Any]:
    """Return the tables of rooms above, imported by who needs them, that say themselves which rows have expired."""
    return [mapper.class_ for mapper in Base.registry.mappers if hasattr(mapper.class_, "expired")]


def lock_idle() -> list[Account]:
    """Return the open accounts without a login for `IDLE`, but those that nobody can log in to.

    They are locked, then read again: a tenant who logs in now keeps the account (X15).
    """
    ids = [id for id in db.session.scalars(_idle()) if id is not None]
    _lock(Account.id.in_(ids))
    still = select(Account).where(Account.id.in_(ids), Account.id.in_(_idle())).order_by(Account.id)
    return list(db.session.scalars(still.execution_options(populate_existing=True)))


def count() -> dict[str, int]:
    """Return the number of expired rows by name."""
    return {
        name: db.session.scalar(select(func.count()).select_from(table).where(condition)) or 0
        for name, (table, condition) in rules(utcnow()).items()
    }


def purge() -> dict[str, int]:
    """Delete expired rows and return their number by name.

    Consents are deleted with their account only: closing it withdrew them (L25), and the journal says when.
    """
    erased: dict[str, int] = {}
    for name, (table, condition) in rules(utcnow()).items():
        if table is Account:
            _lock(condition)
        erased[name] = delete_rows(table, condition)
    return erased


def delete_rows(table: type[Base], condition: ColumnElement[bool]) -> int:
    """Delete rows and do what the foreign keys say: a host's SQLite may ignore them (docs/embedding.md)."""
    erased = select(_key_of(table)).where(condition)
    if table is Account:  # its mails say what it chose, which goes with it
        of_them = Mail.account_id.in_(erased), Mail.state != MailState.WAITING
        db.session.execute(
            update(Mail).where(*of_them).values(content=None).execution_options(synchronize_session=False)
        )
    for other in Base.metadata.tables.values():
        for key in other.foreign_keys:
            if key.column is _key_of(table):
                rows = key.parent.in_(erased)
                change = update(other).where(rows).values({key.parent: None})
                db.session.execute(delete(other).where(rows) if key.ondelete == "CASCADE" else change)
    result: Any = db.session.execute(delete(table).where(condition).execution_options(synchronize_session=False))
    return int(result.rowcount)


def _newest_logins() -> Select[Any]:
    return select(func.max(Login.id)).group_by(Login.account_id)


def _idle() -> Select[Any]:
    long_ago = Login.id.in_(_newest_logins()), Login.created_at < utcnow() - IDLE
    stands = Account.closed_at.is_(None), Account.completed_at.is_not(None), Account.contracts.any()
    leaves = Account.contracts.any(ending.is_over())  # documents of an ended lease stay until a day of their own
    can_come = Account.frozen_at.is_(None)
    return select(Account.id).join(Login, Login.account_id == Account.id).where(*long_ago, *stands, can_come, ~leaves)


def _lock(condition: ColumnElement[bool]) -> None:
    """Lock contracts, then accounts, in the order used everywhere."""
    of_them = select(Contract.id).join(Account, Account.id == Contract.account_id).where(condition)
    db.session.execute(of_them.order_by(Contract.id).with_for_update(key_share=True, of=Contract)).all()
    db.session.execute(select(Account.id).where(condition).order_by(Account.id).with_for_update(key_share=True)).all()


def _key_of(table: type[Base]) -> Any:
    return next(iter(table.__table__.primary_key))
