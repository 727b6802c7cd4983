"""A password that was accepted while another field of its sign-up was not: nobody types it four times (H14).

It is cut into two halves, each of them random by itself. The page holds one, a row the other, for the idle time of a
visit. The row is found only with the token of the visitor's session.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

from sqlalchemy import delete

from ..db import db, utcnow
from ..models import KeptPassword
from ..settings import settings
from . import passwords, rate_limits
from .limited_acts import Per
from .sessions import digest

#: As each half is as long as the longest password, none tells how long its own is.
_LENGTH = 4 * passwords.PASSWORD_MAX


def keep(password: str, *, visit: str, origin: str) -> str:
    """Store one half of a password and return the other, for the page; empty above the quota of the origin."""
    db.session.execute(delete(KeptPassword).where(KeptPassword.created_at <= utcnow() - settings.session_idle_minutes))
    if rate_limits.count_use("keep", Per.ORIGIN, origin) is None:
        return ""
    own = secrets.token_bytes(_LENGTH)
    text = passwords.normalized(password).encode().ljust(_LENGTH, b"\0")
    other = _text_of(bytes(one ^ two for one, two in zip(text, own, strict=True)))
    db.session.add(KeptPassword(id=_id(other, visit), half=_text_of(own)))
    return other


def restore(other: str, *, visit: str) -> str:
    """Return the password whose half a page of this visit holds; empty when there is none or it is too old."""
    row = db.session.get(KeptPassword, _id(other, visit))
    if row is None or row.created_at <= utcnow() - settings.session_idle_minutes:
        return ""
    return (
        bytes(one ^ two for one, two in zip(_bytes_of(other), _bytes_of(row.half), strict=True)).rstrip(b"\0").decode()
    )


def _id(other: str, visit: str) -> str:
    return digest(f"{visit}/{other}")


def _text_of(half: bytes) -> str:
    return urlsafe_b64encode(half).decode()


def _bytes_of(text: str) -> bytes:
    return urlsafe_b64decode(text)
