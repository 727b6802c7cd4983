"""The tables of the staff's own accounts; a host names its staff itself and leaves them empty."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import JSON, ColumnElement, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Base, UtcDateTime, utcnow
from ..i18n import lazy_gettext as _l
from ..operations.retention import JOURNAL
from ..text import EMAIL_MAX
from . import OFFICE, OWNER

#: Of the name that colleagues see.
NAME_MAX = 60
#: How long a form that was sent after the end of a session waits for its clerk.
KEPT = timedelta(hours=1)


class Staff(Base):
    """Somebody who works for the landlord; invited, until he has chosen a password and proved a second factor."""

    __tablename__ = "portal_staff"
    __table_args__ = (UniqueConstraint("email"), UniqueConstraint("name_key"))

    id: Mapped[int] = mapped_column(primary_key=True)
    #: In small letters.
    email: Mapped[str] = mapped_column(String(EMAIL_MAX))
    name: Mapped[str] = mapped_column(String(NAME_MAX), default="")
    #: The name without capitals and spaces too many: no two are alike.
    name_key: Mapped[str | None] = mapped_column(String(2 * NAME_MAX))
    role: Mapped[str] = mapped_column(String(20), default=OFFICE)
    password_hash: Mapped[str] = mapped_column(String(255))
    #: Sealed by a key that is not in the database (`second_factor.seal`).
    totp_secret: Mapped[str] = mapped_column(String(200), default="")
    #: The newest code used, as the number of its half minute: it and those before open nothing any more.
    totp_step: Mapped[int] = mapped_column(default=0)
    invited_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    enrolled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def is_enrolled(self) -> bool:
        """Tell whether the invitation was used: he can log in."""
        return self.enrolled_at is not None

    @property
    def is_owner(self) -> bool:
        """Tell whether he may see colleagues, lists with addresses and requests by law."""
        return self.role == OWNER

    @property
    def known_as(self) -> str:
        """Return his name, or the address of who has not chosen one yet."""
        return self.name or self.email


class StaffLogin(Base):
    """A login of the staff: first the password alone, then with the code. The row stands behind a cookie."""

    __tablename__ = "portal_staff_logins"
    __table_args__ = (UniqueConstraint("token_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("portal_staff.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64))
    device_hash: Mapped[str] = mapped_column(String(64), default="")
    device_name: Mapped[str] = mapped_column(String(100), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: When the code was given; without it the login opens nothing.
    proved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    purged_as: ClassVar = _l("Connexions du bureau")

    @classmethod
    def expired(cls, now: datetime) -> ColumnElement[bool]:
        """Return which rows `flask portal purge` erases."""
        return cls.expires_at < now - JOURNAL


class RecoveryCode(Base):
    """A code that takes the place of the telephone, once."""

    __tablename__ = "portal_staff_recovery_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("portal_staff.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class KeptForm(Base):
    """What a clerk sent after the end of his session, the newest of each: he finds it again after the login."""

    __tablename__ = "portal_staff_kept_forms"

    staff_id: Mapped[int] = mapped_column(ForeignKey("portal_staff.id", ondelete="CASCADE"), primary_key=True)
    #: Where it was sent to, and the page on which it stood.
    path: Mapped[str] = mapped_column(Text)
    page: Mapped[str] = mapped_column(Text)
    fields: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    purged_as: ClassVar = _l("Formulaires du bureau en attente d'une connexion")

    @classmethod
    def expired(cls, now: datetime) -> ColumnElement[bool]:
        """Return which rows `flask portal purge` erases."""
        return cls.created_at <= now - KEPT
