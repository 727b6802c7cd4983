"""Sessions: one row for each logged-in device, ended on the server."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, bindparam, exists, insert, select, update
from sqlalchemy.orm import joinedload

from ..db import db, utcnow
from ..errors import SessionOver
from ..models import Account, Login
from ..settings import settings

#: Of a session token and a device mark; ASVS 7.2.3 asks for 16.
TOKEN_BYTES = 32
#: No account has it.
NO_ACCOUNT_ID = 0

# Statements of each request are built once: building one takes longer than running it.
_logins, _accounts = cast(Table, Login.__table__).c, cast(Table, Account.__table__).c
_OF_TOKEN = (
    select(_logins.id, _logins.account_id, _logins.is_remembered, _accounts.email, _accounts.email_failed_at)
    .join_from(Login.__table__, Account.__table__, _accounts.id == _logins.account_id)
    .where(
        _logins.token_hash == bindparam("token_hash"),
        _logins.ended_at.is_(None),
        _logins.expires_at > bindparam("now"),
        _accounts.closed_at.is_(None),
        _accounts.frozen_at.is_(None),
    )
)
_ACCOUNT = select(Account).where(Account.id == bindparam("id")).options(joinedload(Account.contracts))
#: Without an object, which nobody would read.
_INSERT = insert(cast(Table, Login.__table__))


def start(account_id: int, *, device: str, device_name: str, remember: bool) -> str:
    """Start a session and return its token; the row holds its hash."""
    lifetime: timedelta = settings.remember_days if remember else settings.session_hours
    return _add(
        account_id, device, device_name=device_name[:100], is_remembered=remember, expires_at=utcnow() + lifetime
    )


@dataclass(frozen=True)
class Session:
    """A running session and what pages show of its account; the names are those of `_OF_TOKEN`."""

    id: int
    account_id: int
    is_remembered: bool
    email: str
    #: When a mail server refused this address for good (T09).
    email_failed_at: datetime | None

    @property
    def is_finished(self) -> bool:
        """Tell so: the first login finishes an account."""
        return True

    @property
    def is_closed(self) -> bool:
        """Tell that it is open: closing ends its sessions."""
        return False

    @property
    def is_frozen(self) -> bool:
        """Tell that it is not: freezing ends its sessions."""
        return False

    @cached_property
    def account(self) -> Account:
        """The account as an object, with its contracts, of which it has one at least; else raises `SessionOver`."""
        account = db.session.scalars(_ACCOUNT, {"id": self.account_id}).unique().one_or_none()
        if account is None or not account.contracts:
            raise SessionOver
        return account


def check(token: str) -> Session | None:
    """Return the session of a token, if it runs and its account is open."""
    row = db.session.execute(_OF_TOKEN, {"token_hash": digest(token), "now": utcnow()}).one_or_none()
    return Session(**row._mapping) if row is not None else None


def account_of(token: str) -> int | None:
    """Return the open account of a session that runs or ran out; one that was ended on purpose says nothing more."""
    row = select(Login.account_id).join(Login.account).where(Login.token_hash == digest(token))
    return db.session.scalar(row.where(Login.ended_at.is_(None), Account.closed_at.is_(None)))


def end(token: str) -> None:
    """End one session, and with it every copy of its cookie."""
    db.session.execute(
        update(Login).where(Login.token_hash == digest(token), Login.ended_at.is_(None)).values(ended_at=utcnow())
    )


def end_all(account: Account | None = None) -> int:
    """End every session, of one account or all; return how many ran."""
    return _end(Login.account_id == account.id) if account is not None else _end()


def end_others(account: Account, kept: Session, *, only: int | None = None) -> int:
    """End the account's other sessions, or `only` one; return how many ran."""
    conditions = [Login.account_id == account.id, Login.id != kept.id]
    return _end(*conditions) if only is None else _end(*conditions, Login.id == only)


def running(account: Account) -> list[Login]:
    """Return the running sessions of an account, newest first."""
    runs = Login.ended_at.is_(None), Login.expires_at > utcnow()
    rows = select(Login).where(Login.account_id == account.id, *runs).order_by(Login.id.desc())
    return list(db.session.scalars(rows))


def latest(account: Account, count: int) -> list[Login]:
    """Return the newest logins of an account, ended ones too; a noted device is none."""
    rows = select(Login).where(Login.account_id == account.id, Login.expires_at > Login.created_at)
    return list(db.session.scalars(rows.order_by(Login.id.desc()).limit(count)))


def knows_device(account: Account, device: str) -> bool:
    """Tell whether a device has logged in to the account."""
    known = exists().where(Login.account_id == account.id, Login.device_hash == digest(device))
    return bool(device) and bool(db.session.scalar(select(known)))


def is_another(own: Session, number: str) -> bool:
    """Tell whether that is the number of another login of the account, running or ended."""
    login = db.session.get(Login, int(number)) if re.fullmatch(r"[0-9]{1,9}", number) else None
    return login is not None and login.account_id == own.account_id and login.id != own.id


def forget_devices(account: Account) -> None:
    """Forget the known devices: one may be a thief's (X12)."""
    db.session.execute(update(Login).where(Login.account_id == account.id).values(device_hash=""))


def note_device(account: Account, device: str) -> None:
    """Make a device known without logging it in."""
    now = utcnow()
    _add(account.id, device, created_at=now, expires_at=now, ended_at=now)


def _add(account_id: int, device: str, **facts: Any) -> str:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    whose = {"account_id": account_id, "token_hash": digest(token), "device_hash": digest(device)}
    db.session.execute(_INSERT, {**whose, **facts})
    return token


def _end(*conditions: ColumnElement[bool]) -> int:
    runs = Login.ended_at.is_(None), Login.expires_at > utcnow()
    result: Any = db.session.execute(update(Login).where(*runs, *conditions).values(ended_at=utcnow()))
    return int(result.rowcount)


def digest(token: str) -> str:
    """Return the hash of a token; a fast one suffices for 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()
