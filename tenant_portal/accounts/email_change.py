"""The change of a mail address: who may undo what stands in docs/security.md.

The *first address* is the one before the oldest change that can still be undone; such a change brings a *young
address*.
"""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, and_, exists, func, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .. import audit
from ..db import Base, UtcDateTime, addresses_index, db, utcnow
from ..errors import TooManyMails
from ..models import OBJECTION, Account, Mail, MailState
from ..settings import settings
from ..text import EMAIL_MAX
from . import passwords, rate_limits, sessions
from .limited_acts import REPEAT_WINDOW, Per

#: How long the address that the office was told can prove itself (`office_email_change.py`).
PROOF = timedelta(hours=72)


class EmailChange(Base):
    """A change of the mail address (F3); it ends when stopped, replaced or undone.

    The office's has `counts_at`: it counts from then on, once the new address has proved itself (F27).
    """

    __tablename__ = "portal_email_changes"
    __table_args__ = addresses_index("portal_email_changes", "old_email")

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("portal_accounts.id", ondelete="CASCADE"), index=True)
    old_email: Mapped[str] = mapped_column(String(EMAIL_MAX))
    new_email: Mapped[str] = mapped_column(String(EMAIL_MAX))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, index=True)
    counts_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    proved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    account: Mapped[Account] = relationship()

    @property
    def is_by_office(self) -> bool:
        """Tell whether the office asked for it."""
        return self.counts_at is not None


#: Neither done nor ended.
WAITS = and_(EmailChange.confirmed_at.is_(None), EmailChange.ended_at.is_(None))


def pending(account: Account) -> EmailChange | None:
    """Return the change that waits: for its confirmation, or one of the office for its day."""
    now = utcnow()
    is_own = and_(EmailChange.counts_at.is_(None), EmailChange.created_at > now - settings.email_change_hours)
    is_offices = and_(
        EmailChange.counts_at.is_not(None),
        or_(EmailChange.proved_at.is_not(None), EmailChange.created_at > now - PROOF),
    )
    rows = select(EmailChange).where(EmailChange.account_id == account.id, WAITS, or_(is_own, is_offices))
    return db.session.scalars(rows.order_by(EmailChange.id.desc()).limit(1)).one_or_none()


def oldest_open(account: Account) -> EmailChange | None:
    """Return the oldest change that can be undone; its former address can undo all since."""
    is_change = func.lower(EmailChange.old_email) != func.lower(EmailChange.new_email)
    is_open = EmailChange.confirmed_at > utcnow() - OBJECTION, EmailChange.ended_at.is_(None), is_change
    rows = select(EmailChange).where(EmailChange.account_id == account.id, *is_open).order_by(EmailChange.id)
    return db.session.scalars(rows.limit(1)).one_or_none()


def is_younger(account: Account, age: timedelta) -> bool:
    """Tell whether a change that counts was asked for less than that ago: its former address was told then."""
    is_change = func.lower(EmailChange.old_email) != func.lower(EmailChange.new_email)
    counts = EmailChange.confirmed_at.is_not(None), EmailChange.ended_at.is_(None), is_change
    is_young = EmailChange.account_id == account.id, EmailChange.created_at > utcnow() - age
    return bool(db.session.scalar(select(exists().where(*counts, *is_young))))


def is_new(account: Account, email: str) -> bool:
    """Tell whether an address is worth asking for: another one, or the present one that failed or is in doubt."""
    is_fine = account.email_failed_at is None and account.email_doubted_at is None
    return email.lower() != account.email.lower() or not is_fine


def ask(account: Account, email: str) -> EmailChange | None:
    """Request a change of address, in the place of one that waits; return None for a double click.

    Raises `TooManyMails`.
    """
    waiting = pending(account)
    is_same = waiting is not None and not waiting.is_by_office and waiting.new_email == email
    if is_same and waiting is not None and utcnow() - waiting.created_at < REPEAT_WINDOW:
        return None
    if rate_limits.count_use("email_change", Per.ACCOUNT, account.id) is None:
        raise TooManyMails
    drop(account)
    change = EmailChange(account_id=account.id, old_email=account.email, new_email=email)
    db.session.add(change)
    db.session.flush()
    audit.record("email_change_asked", account=account)
    return change


def drop(account: Account) -> None:
    """End the change that waits; its link is dead."""
    db.session.execute(update(EmailChange).where(EmailChange.account_id == account.id, WAITS).values(ended_at=utcnow()))


def doubt(account: Account) -> EmailChange | None:
    """Doubt a young address after its password was changed by hand; return the change that would confirm it.

    Until its reader confirms it with the new password, no reset link goes there. Returns None without doubt, or when no
    more mail may leave.
    """
    if oldest_open(account) is None:
        return None
    account.email_doubted_at = utcnow()
    try:
        return ask(account, account.email)
    except TooManyMails:
        return None


def confirm(change: EmailChange) -> bool:
    """Set the new address; links to the former one are dead (F4). Tell whether another password must be chosen.

    A change back to the first address undoes all since. A thief who set the address between knows the password,
    unless it was changed by hand since.
    """
    account, oldest = change.account, oldest_open(change.account)
    is_password_own = account.email_doubted_at is not None
    account.email, account.email_failed_at, account.email_doubted_at = change.new_email, None, None
    change.confirmed_at = utcnow()
    audit.record("email_changed", account=account)
    if oldest is None or change.new_email.lower() != oldest.old_email.lower():
        return False
    change.ended_at = change.confirmed_at
    _end_since(oldest)
    if is_password_own:
        return False
    _shut_out(account)
    return True


def undo(account: Account) -> str | None:
    """Put the first address back and end every change; return the address that a change had brought in."""
    drop(account)
    oldest = oldest_open(account)
    if oldest is None:
        return None
    put_in = account.email
    account.email, account.email_failed_at, account.email_doubted_at = oldest.old_email, None, None
    _end_since(oldest)
    audit.record("email_change_undone", account=account)
    return put_in


def has_failed(change: EmailChange) -> bool:
    """Tell whether the new address was refused for good (T09)."""
    failed = (
        Mail.state.in_((MailState.REFUSED, MailState.BOUNCED)),
        Mail.kind.in_(("email_change", "office_email_change")),
    )
    to_it = Mail.account_id == change.account_id, Mail.recipient == change.new_email
    return bool(db.session.scalar(select(exists().where(*failed, *to_it, Mail.created_at >= change.created_at))))


def _end_since(change: EmailChange) -> None:
    since = EmailChange.account_id == change.account_id, EmailChange.id >= change.id, EmailChange.ended_at.is_(None)
    db.session.execute(update(EmailChange).where(*since).values(ended_at=utcnow()))


def _shut_out(account: Account) -> None:
    account.password_hash = passwords.unusable()
    sessions.end_all(account)
    sessions.forget_devices(account)
