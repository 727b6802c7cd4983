"""A row per logged-in device: started at login, asked at each request, listed, and ended on the server."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, Table, bindparam, insert, select, update
from sqlalchemy.orm import joinedload

from .db import db, utcnow
from .models import Account, Login
from .settings import settings

#: Random bytes of a session token and of a device mark: 256 bits, twice what ASVS 7.2.3 asks for.
TOKEN_BYTES = 32
#: The number of no account.
NOBODY = 0

# Asked at each login or request of a tenant, so built once: that takes longer than the database needs to answer.
_logins = cast(Table, Login.__table__).c
_OF_TOKEN = (
    select(_logins.id, Account, _logins.is_remembered, _logins.expires_at)
    .join(Account, Account.id == _logins.account_id)
    .where(_logins.token_hash == bindparam("token_hash"), _logins.ended_at.is_(None))
    .options(joinedload(Account.contracts))
)
#: No object is made of a row that the next request will read.
_ROW = insert(cast(Table, Login.__table__))


def start(account: Account, *, device: str, device_name: str, remember: bool) -> str:
    """Start a session and return its token, which only the cookie holds: the row holds the token's hash."""
    lives: timedelta = settings.remember_days if remember else settings.session_hours
    return _add(account, device, device_name=device_name[:100], is_remembered=remember, expires_at=utcnow() + lives)


class Session(NamedTuple):
    """A session that runs: the number of its row, its account, and whether the device is remembered."""

    id: int
    account: Account
    is_remembered: bool


def check(token: str) -> Session | None:
    """Return the session of a token if it still runs and its account stands."""
    row = db.session.execute(_OF_TOKEN, {"token_hash": digest(token)}).unique().one_or_none()
    if row is None or row.expires_at <= utcnow() or row.Account.is_closed:
        return None
    return Session(row.id, row.Account, row.is_remembered)


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


def note_device(account: Account, device: str) -> None:
    """Note that this device belongs to the account's owner, without logging it in."""
    now = utcnow()
    _add(account, device, created_at=now, expires_at=now, ended_at=now)


def _add(account: Account, device: str, **facts: Any) -> str:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    whose = {"account_id": account.id, "token_hash": digest(token), "device_hash": digest(device)}
    db.session.execute(_ROW, {**whose, **facts})
    return token


def _end(*conditions: ColumnElement[bool]) -> int:
    runs = Login.ended_at.is_(None), Login.expires_at > utcnow()
    result: Any = db.session.execute(update(Login).where(*runs, *conditions).values(ended_at=utcnow()))
    return int(result.rowcount)


def digest(token: str) -> str:
    """Return what the database keeps of a token; it is random and long, so a fast hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
