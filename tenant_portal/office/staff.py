"""Who works here: invited, enrolled, reset, removed. The last owner can be neither removed nor demoted.

Whatever changes the staff is done one after the other (`begin`), so that no two decide on the same colleagues.
"""

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, exists, func, select, text, update

from .. import audit, public_urls
from ..accounts import passwords, rate_limits
from ..accounts.limited_acts import Per
from ..accounts.sessions import digest
from ..db import begin_write, db, utcnow
from ..errors import PortalError
from ..mail import landlord_mails
from . import OFFICE, OWNER, links, second_factor, sessions
from .models import KeptForm, RecoveryCode, Staff

#: PostgreSQL's advisory lock of changes to the staff: « staff » in ASCII.
_LOCK = 0x7374616666
#: What an address begins with that several people read.
_SHARED = re.compile(
    r"(accueil|admin(istration)?|agence|bonjour|bureau|compta(bilite)?|contact|courrier|direction|equipe|gestion|hello"
    r"|info(rmation)?|locataire|location|loyer|mail|mairie|noreply|office|patrimoine|postmaster|reception|secretariat"
    r"|service|standard|support|syndic|team|webmaster)s?"
)


class LastOwner(PortalError):
    """Nobody would be left who may see colleagues, lists and requests by law."""


class NameTaken(PortalError):
    """A colleague bears that name."""


class Invitation(NamedTuple):
    """Who is invited, and the address and end of his link."""

    staff: Staff
    link: str
    until: datetime


def exist() -> bool:
    """Tell whether anybody works here."""
    return bool(db.session.scalar(select(exists().where(Staff.id > 0))))


def everybody() -> list[Staff]:
    """Return all staff, owners first, in the order of their names."""
    return list(db.session.scalars(select(Staff).order_by(Staff.role == OFFICE, Staff.name_key, Staff.email)))


def find(email: str) -> Staff | None:
    """Return who has that address."""
    return db.session.scalars(select(Staff).where(Staff.email == email.lower())).one_or_none()


def looks_shared(email: str) -> bool:
    """Tell whether several people seem to read an address: contact@, accueil.nord@, info2@."""
    words = re.split(r"[._+\d-]+", email.partition("@")[0].lower())
    return any(_SHARED.fullmatch(word) for word in words)


def begin() -> None:
    """Begin a transaction that changes the staff, after any other one."""
    begin_write()
    if db.session.connection().dialect.name == "postgresql":
        db.session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def invite(email: str, *, role: str = "") -> Invitation | None:
    """Invite somebody by mail; inviting again renews the link, and gives him another role if one is named.

    None for who has an account already.
    """
    staff = find(email)
    if staff is not None and staff.is_enrolled:
        return None
    if staff is None:
        staff = Staff(email=email.lower(), role=OFFICE, password_hash=passwords.unusable())
        db.session.add(staff)
    staff.role = role or staff.role
    return _invite(staff)


def reset(staff: Staff) -> Invitation:
    """Invite anew who lost his password or telephone: neither counts any more, his sessions end."""
    if staff.is_enrolled:
        staff.password_hash, staff.totp_secret, staff.enrolled_at = passwords.unusable(), "", None
        db.session.execute(delete(RecoveryCode).where(RecoveryCode.staff_id == staff.id))
        sessions.end_all(staff)
        landlord_mails.staff_changed(staff.email, what="reset")
        audit.record("staff_reset", actor="staff", detail=f"staff {staff.id}")
    return _invite(staff)


def remove(staff: Staff) -> None:
    """Remove somebody with his sessions and codes; what he did stays in the journal under his name."""
    _keep_an_owner(staff)
    audit.record("staff_removed", actor="staff", detail=f"staff {staff.id}")
    db.session.execute(delete(Staff).where(Staff.id == staff.id))


def set_role(staff: Staff, *, is_owner: bool) -> None:
    """Make somebody an owner, or let him do the daily work alone."""
    if not is_owner:
        _keep_an_owner(staff)
    staff.role = OWNER if is_owner else OFFICE
    audit.record("staff_role_changed", actor="staff", detail=f"staff {staff.id} {staff.role}")


def enrol(staff: Staff, *, name: str, password_hash: str, secret: str, step: int) -> list[str]:
    """Take what an invitation asked for; return the recovery codes, which nobody can read again.

    `step` is that of the code that proved the second factor. Raises `NameTaken`.
    """
    key = name_key(name)
    if db.session.scalar(select(exists().where(Staff.name_key == key, Staff.id != staff.id))):
        raise NameTaken
    staff.name, staff.name_key, staff.password_hash = name, key, password_hash
    staff.totp_secret, staff.totp_step, staff.enrolled_at = second_factor.seal(secret), step, utcnow()
    codes = second_factor.new_recovery_codes()
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.staff_id == staff.id))
    db.session.add_all(RecoveryCode(staff_id=staff.id, code_hash=digest(second_factor.bare(code))) for code in codes)
    lift_waits(staff)
    audit.record("staff_enrolled", actor="staff", detail=f"staff {staff.id}")
    return codes


def choose_password(staff: Staff, password_hash: str) -> None:
    """Set the password of a link; sessions and waits end. The code is asked for at the login, as ever."""
    staff.password_hash = password_hash
    sessions.end_all(staff)
    lift_waits(staff)
    landlord_mails.staff_changed(staff.email, what="password")
    audit.record("staff_password_chosen", actor="staff", detail=f"staff {staff.id}")


def lift_waits(staff: Staff) -> None:
    """End the waits after refused tries."""
    rate_limits.clear("staff login", Per.ACCOUNT, staff.id)
    rate_limits.clear("staff code", Per.ACCOUNT, staff.id)


def recovery_codes_left(staff: Staff) -> int:
    """Return how many recovery codes are unused."""
    unused = select(func.count()).where(RecoveryCode.staff_id == staff.id, RecoveryCode.used_at.is_(None))
    return db.session.scalar(unused) or 0


def use_recovery_code(staff: Staff, typed: str) -> bool:
    """Use a recovery code up; tell whether it was one of his and still good."""
    mine = RecoveryCode.staff_id == staff.id, RecoveryCode.code_hash == digest(second_factor.bare(typed))
    used = update(RecoveryCode).where(*mine, RecoveryCode.used_at.is_(None)).values(used_at=utcnow())
    return bool(db.session.execute(used).rowcount)  # type: ignore[attr-defined]


def name_key(name: str) -> str:
    """Return a name as it is compared with others."""
    return " ".join(name.split()).casefold()


def forget_kept_form(staff_id: int) -> None:
    """Forget the form that waited for its clerk."""
    db.session.execute(delete(KeptForm).where(KeptForm.staff_id == staff_id))


def _invite(staff: Staff) -> Invitation:
    # A link dies with the moment that it names, so two within one tick of the clock must differ.
    staff.invited_at = max(utcnow(), (staff.invited_at or utcnow()) + timedelta(microseconds=1))
    db.session.flush()
    token, until = links.issue("invitation", staff), links.expires_at("invitation")
    link = public_urls.public("office.invitation.open_link", token=token)
    landlord_mails.staff_invitation(staff.email, link=link, until=until)
    audit.record("staff_invited", actor="staff", detail=f"staff {staff.id}")
    return Invitation(staff, link, until)


def _keep_an_owner(staff: Staff) -> None:
    """Raise `LastOwner` unless another owner stays: for who is enrolled, one who is enrolled too."""
    others = select(exists().where(Staff.role == OWNER, Staff.id != staff.id))
    if staff.is_enrolled:
        others = select(exists().where(Staff.role == OWNER, Staff.id != staff.id, Staff.enrolled_at.is_not(None)))
    if staff.is_owner and not db.session.scalar(others):
        raise LastOwner
