"""A row per logged-in device: started at login, asked at each request, listed, and ended on the server."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, bindparam, insert, select, update
from sqlalchemy.orm import joinedload

from ..db import db, utcnow
from ..models import Account, Login
from ..settings import settings

#: Random bytes of a session token and of a device mark: 256 bits, twice what ASVS 7.2.3 asks for.
TOKEN_BYTES = 32
#: The number of no account.
NO_ACCOUNT_ID = 0

# Asked at each login or request of a tenant, so built once: that takes longer than the database needs to answer.
_logins, _accounts = cast(Table, Login.__table__).c, cast(Table, Account.__table__).c
_OF_TOKEN = (
    select(_logins.id, _logins.account_id, _logins.is_remembered, _accounts.email, _accounts.email_failed_at)
    .join_from(Login.__table__, Account.__table__, _accounts.id == _logins.account_id)
    .where(
        _logins.token_hash == bindparam("token_hash"),
        _logins.ended_at.is_(None),
        _logins.expires_at > bindparam("now"),
        _accounts.closed_at.is_(None),
    )
)
_ACCOUNT = select(Account).where(Account.id == bindparam("id")).options(joinedload(Account.contracts))
#: No object is made of a row that the next request will read.
_ROW = insert(cast(Table, Login.__table__))


def start(account_id: int, *, device: str, device_name: str, remember: bool) -> str:
    """Start a session and return its token, which only the cookie holds: the row holds the token's hash."""
    lives: timedelta = settings.remember_days if remember else settings.session_hours
    return _add(account_id, device, device_name=device_name[:100], is_remembered=remember, expires_at=utcnow() + lives)


@dataclass(frozen=True)
class Session:
    """A session that runs: the number of its row, whose it is, and what each page may show of him."""

    id: int
    account_id: int
    is_remembered: bool
    email: str
    #: When a mail server said for good that nobody reads this address (T09).
    email_failed_at: datetime | None

    @cached_property
    def account(self) -> Account:
        """The account as an object, with its contracts, for a page that changes something."""
        return db.session.scalars(_ACCOUNT, {"id": self.account_id}).unique().one()


def check(token: str) -> Session | None:
    """Return the session of a token if it still runs and its account stands."""
    row = db.session.execute(_OF_TOKEN, {"token_hash": digest(token), "now": utcnow()}).one_or_none()
    return Session(**row._mapping) if row is not None else None


def end(token: str) -> None:
    """End one session: its cookies are dead from now on, wherever a copy of them is."""
    db.session.execute(
        update(Login).where(Login.token_hash == digest(token), Login.ended_at.is_(None)).values(ended_at=utcnow())
    )


def end_all(account: Account | None = None) -> int:
    """End every session of an account, or of all of them, remembered devices too; return how many ran."""
    return _end(Login.account_id == account.id) if account is not None else _end()


def end_others(account: Account, kept: Session, *, only: int | None = None) -> int:
    """End the account's other sessions, or only the one with that number; return how many ran."""
    conditions = [Login.account_id == account.id, Login.id != kept.id]
    return _end(*conditions) if only is None else _end(*conditions, Login.id == only)


def running(account: Account) -> list[Login]:
    """Return the sessions of an account that have not ended, the newest first."""
    runs = Login.ended_at.is_(None), Login.expires_at > utcnow()
    rows = select(Login).where(Login.account_id == account.id, *runs).order_by(Login.id.desc())
    return list(db.session.scalars(rows))


def latest(account: Account, count: int) -> list[Login]:
    """Return the newest logins of an account, whether they still run or not; a device only noted is none."""
    rows = select(Login).where(Login.account_id == account.id, Login.expires_at > Login.created_at)
    return list(db.session.scalars(rows.order_by(Login.id.desc()).limit(count)))


def forget_devices(account: Account) -> None:
    """Forget which devices belong to the account's owner: after a theft one of them may be the thief's (X12)."""
    db.session.execute(update(Login).where(Login.account_id == account.id).values(device_hash=""))


def note_device(account: Account, device: str) -> None:
    """Note that this device belongs to the account's owner, without logging it in."""
    now = utcnow()
    _add(account.id, device, created_at=now, expires_at=now, ended_at=now)


def _add(account_id: int, device: str, **facts: Any) -> str:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    whose = {"account_id": account_id, "token_hash": digest(token), "device_hash": digest(device)}
    db.session.execute(_ROW, {**whose, **facts})
    return token


def _end(*conditions: ColumnElement[bool]) -> int:
    runs = Login.ended_at.is_(None), Login.expires_at > utcnow()
    result: Any = db.session.execute(update(Login).where(*runs, *conditions).values(ended_at=utcnow()))
    return int(result.rowcount)


def digest(token: str) -> str:
    """Return what the database keeps of a token; it is random and long, so a fast hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
