"""A row per logged-in device: started at login, asked at each request, listed, and ended on the server."""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import exists, select, update

from .db import db, utcnow
from .models import Account, Login
from .settings import settings

#: Random bytes of a session token and of a device mark: 256 bits, twice what ASVS 7.2.3 asks for.
TOKEN_BYTES = 32
#: The number of no account.
NOBODY = 0


def start(account: Account, *, device: str, device_name: str, remember: bool) -> tuple[str, Login]:
    """Start a session and return its token, which only the cookie holds, and its row, which holds the token's hash."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    lives: timedelta = settings.remember_days if remember else settings.session_hours
    row = Login(
        account_id=account.id,
        token_hash=digest(token),
        device_hash=digest(device),
        device_name=device_name[:100],
        is_remembered=remember,
        expires_at=utcnow() + lives,
    )
    db.session.add(row)
    return token, row


def check(token: str) -> Login | None:
    """Return the session of a token if it still runs and its account stands."""
    row = db.session.scalars(select(Login).where(Login.token_hash == digest(token))).one_or_none()
    if row is None or row.ended_at is not None or row.expires_at <= utcnow() or row.account.is_closed:
        return None
    return row


def end(token: str) -> None:
    """End one session: its cookies are dead from now on, wherever a copy of them is."""
    db.session.execute(
        update(Login).where(Login.token_hash == digest(token), Login.ended_at.is_(None)).values(ended_at=utcnow())
    )


def end_all(account: Account) -> None:
    """End every session of an account, remembered devices too."""
    db.session.execute(
        update(Login).where(Login.account_id == account.id, Login.ended_at.is_(None)).values(ended_at=utcnow())
    )


def knows_device(account: Account | None, device: str) -> bool:
    """Tell whether this device has logged in to the account before: it has a counter of failures of its own (T21).

    Without an account the same is looked for in vain, so that the answer takes as long as for one.
    """
    known = exists().where(Login.account_id == (account.id if account else NOBODY), Login.device_hash == digest(device))
    return bool(device and db.session.scalar(select(known)))


def note_device(account: Account, device: str) -> None:
    """Note that this device belongs to the account's owner, without logging it in."""
    _, row = start(account, device=device, device_name="", remember=False)
    row.expires_at = row.ended_at = utcnow()


def digest(token: str) -> str:
    """Return what the database keeps of a token; it is random and long, so a fast hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
