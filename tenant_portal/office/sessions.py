"""The sessions of the staff: a row, and a cookie of their own that no tenant's login or log-out touches.

The cookie holds a random token and the minute of the last request. It is given to who only looks at the login, too:
the tokens of forms are bound to it.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from flask import g, request
from sqlalchemy import bindparam, exists, select, update

from ..accounts import signed_links
from ..accounts.sessions import TOKEN_BYTES, digest
from ..db import db, utcnow
from ..web import cookies
from ..web.device_names import device_name
from ..web.forms import FormOwner
from .models import Staff, StaffLogin

COOKIE = "staff"
#: The longest login, the longest pause, and the time to give the code after the password.
LONGEST, IDLE, FOR_CODE = timedelta(hours=8), timedelta(minutes=30), timedelta(minutes=10)


_OF_TOKEN = (
    select(StaffLogin.staff_id, StaffLogin.proved_at, StaffLogin.expires_at, Staff.name, Staff.role)
    .join(Staff, Staff.id == StaffLogin.staff_id)
    .where(
        StaffLogin.token_hash == bindparam("token_hash"),
        StaffLogin.ended_at.is_(None),
        Staff.enrolled_at.is_not(None),
    )
)


@dataclass(frozen=True)
class Visit:
    """What this browser's cookie tells."""

    token: str
    #: Of the login that runs, if one does; it may still lack the code.
    staff_id: int | None = None
    name: str = ""
    role: str = ""
    is_proved: bool = False
    #: Whose full login ran out here, if nobody ended it.
    left_id: int | None = None


def visit() -> Visit:
    """Read the cookie, once a request, and bind the forms of the page to it."""
    found: Visit | None = g.get("portal_staff_visit")
    if found is None:
        token, _, seen = signed_links.unseal(COOKIE, request.cookies.get(cookies.cookie_name(COOKIE), "")).partition(
            "."
        )
        found = _visit_of(token, seen) if token else Visit(secrets.token_urlsafe(TOKEN_BYTES))
        if not token or (found.staff_id is not None and seen != _minute()):
            _set_cookie(found.token)
        _remember(found)
    return found


def start(staff: Staff, *, is_proved: bool) -> None:
    """Begin a login in the place of the one that runs: with the password alone, or with the code too."""
    now = utcnow()
    _end_running()
    token = secrets.token_urlsafe(TOKEN_BYTES)
    login = StaffLogin(
        staff_id=staff.id,
        token_hash=digest(token),
        device_hash=digest(cookies.remember_device()) if is_proved else "",
        device_name=device_name(request.user_agent.string)[:100],
        expires_at=now + (LONGEST if is_proved else FOR_CODE),
        proved_at=now if is_proved else None,
    )
    db.session.add(login)
    _set_cookie(token)
    _remember(Visit(token, staff.id, staff.name, staff.role, is_proved))


def end() -> None:
    """End the login of this browser, and take its cookie away."""
    _end_running()
    cookies.set_cookie(COOKIE, "", 0)


def end_all(staff: Staff) -> None:
    """End every login of somebody."""
    running = StaffLogin.staff_id == staff.id, StaffLogin.ended_at.is_(None)
    db.session.execute(update(StaffLogin).where(*running).values(ended_at=utcnow()))


def knows_device(staff_id: int, device: str) -> bool:
    """Tell whether somebody has logged in with that device, code included."""
    logins = StaffLogin.staff_id == staff_id, StaffLogin.device_hash == digest(device)
    return bool(db.session.scalar(select(exists().where(*logins)))) and bool(device)


def last_login(staff: Staff) -> StaffLogin | None:
    """Return the newest full login of somebody."""
    proved = StaffLogin.staff_id == staff.id, StaffLogin.proved_at.is_not(None)
    return db.session.scalars(select(StaffLogin).where(*proved).order_by(StaffLogin.id.desc()).limit(1)).first()


def _visit_of(token: str, seen: str) -> Visit:
    row = db.session.execute(_OF_TOKEN, {"token_hash": digest(token)}).one_or_none()
    if row is None:
        return Visit(token)
    is_proved = row.proved_at is not None
    is_idle = timedelta(minutes=int(_minute()) - int(seen)) > IDLE
    if is_idle or row.expires_at <= utcnow():
        return Visit(token, left_id=row.staff_id if is_proved else None)
    return Visit(token, row.staff_id, row.name, row.role, is_proved)


def _end_running() -> None:
    running = StaffLogin.token_hash == digest(visit().token), StaffLogin.ended_at.is_(None)
    db.session.execute(update(StaffLogin).where(*running).values(ended_at=utcnow()))


def _remember(found: Visit) -> None:
    g.portal_staff_visit = found
    g.portal_form_owner = FormOwner(cookies.cookie_name(COOKIE), digest(f"forms of {found.token}"))


def _set_cookie(token: str) -> None:
    cookies.set_cookie(COOKIE, signed_links.seal(COOKIE, f"{token}.{_minute()}"), None)


def _minute() -> str:
    return str(int(utcnow().timestamp()) // 60)
