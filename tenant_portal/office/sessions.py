"""The sessions of the staff: a row, and a cookie of their own that no tenant's login or log-out touches.

The cookie holds a random token and the minute of the last request. It is given to who only looks at the login, too:
the tokens of forms are bound to it.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from flask import g, request
from sqlalchemy import exists, select, update
from sqlalchemy.orm import joinedload

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


@dataclass(frozen=True)
class Visit:
    """What this browser's cookie tells."""

    token: str
    #: The login that runs; it may still lack the code.
    login: StaffLogin | None = None
    #: Whose full login ran out here, if nobody ended it.
    left: Staff | None = None

    @property
    def staff(self) -> Staff | None:
        """Return who is logged in, code included."""
        return self.login.staff if self.login is not None and self.login.proved_at is not None else None


def visit() -> Visit:
    """Read the cookie, once a request, and bind the forms of the page to it."""
    found: Visit | None = g.get("portal_staff_visit")
    if found is None:
        token, _, seen = signed_links.unseal(COOKIE, request.cookies.get(cookies.cookie_name(COOKIE), "")).partition(
            "."
        )
        found = _visit_of(token, seen) if token else Visit(secrets.token_urlsafe(TOKEN_BYTES))
        if not token or (found.login is not None and seen != _minute()):
            _set_cookie(found.token)
        _remember(found)
    return found


def start(staff: Staff, *, is_proved: bool) -> None:
    """Begin a login in the place of the one that runs: with the password alone, or with the code too."""
    now, running = utcnow(), visit().login
    if running is not None:
        running.ended_at = now
    token = secrets.token_urlsafe(TOKEN_BYTES)
    login = StaffLogin(
        staff=staff,
        token_hash=digest(token),
        device_hash=digest(cookies.remember_device()) if is_proved else "",
        device_name=device_name(request.user_agent.string)[:100],
        expires_at=now + (LONGEST if is_proved else FOR_CODE),
        proved_at=now if is_proved else None,
    )
    db.session.add(login)
    _set_cookie(token)
    _remember(Visit(token, login))


def end() -> None:
    """End the login of this browser, and take its cookie away."""
    running = visit().login
    if running is not None:
        running.ended_at = utcnow()
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
    of_token = StaffLogin.token_hash == digest(token), StaffLogin.ended_at.is_(None)
    login = db.session.scalars(select(StaffLogin).where(*of_token).options(joinedload(StaffLogin.staff))).one_or_none()
    if login is None or not login.staff.is_enrolled:
        return Visit(token)
    is_idle = timedelta(minutes=int(_minute()) - int(seen)) > IDLE
    if is_idle or login.expires_at <= utcnow():
        return Visit(token, left=login.staff if login.proved_at is not None else None)
    return Visit(token, login)


def _remember(found: Visit) -> None:
    g.portal_staff_visit = found
    g.portal_form_owner = FormOwner(cookies.cookie_name(COOKIE), digest(f"forms of {found.token}"))


def _set_cookie(token: str) -> None:
    cookies.set_cookie(COOKIE, signed_links.seal(COOKIE, f"{token}.{_minute()}"), None)


def _minute() -> str:
    return str(int(utcnow().timestamp()) // 60)
