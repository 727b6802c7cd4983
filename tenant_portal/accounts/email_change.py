"""The change of a mail address: asked for, confirmed from the new address, objected to from the former one.

Who may undo what, and for how long, stands in docs/security.md. All of it rests on two words. The *first address* is
the one that stood before the oldest change that can still be objected to. A *young address* came in by such a change.
"""

from datetime import datetime

from sqlalchemy import exists, func, select, update

from .. import audit
from ..db import db, utcnow
from ..errors import LinkExpired, LinkReplaced, TooManyMails
from ..models import OBJECTION, Account, EmailChange, Mail, MailState
from ..settings import settings
from . import passwords, rate_limits, sessions
from .limited_acts import REPEAT_WINDOW, Per


def pending(account: Account) -> EmailChange | None:
    """Return the change of address that waits for its link to be opened, if there is one."""
    waits = EmailChange.confirmed_at.is_(None), EmailChange.ended_at.is_(None)
    is_young = EmailChange.created_at > utcnow() - settings.email_change_hours
    rows = select(EmailChange).where(EmailChange.account_id == account.id, *waits, is_young)
    return db.session.scalars(rows.order_by(EmailChange.id.desc()).limit(1)).one_or_none()


def oldest_open(account: Account) -> EmailChange | None:
    """Return the oldest change that can still be objected to; the address before it can undo all that came since."""
    is_change = func.lower(EmailChange.old_email) != func.lower(EmailChange.new_email)
    is_open = EmailChange.confirmed_at > utcnow() - OBJECTION, EmailChange.ended_at.is_(None), is_change
    rows = select(EmailChange).where(EmailChange.account_id == account.id, *is_open).order_by(EmailChange.id)
    return db.session.scalars(rows.limit(1)).one_or_none()


def may_object(change: EmailChange) -> bool:
    """Tell whether the address before a change may object to it: a young address can object to nothing (X02)."""
    brought_in = select(
        exists().where(
            EmailChange.account_id == change.account_id,
            EmailChange.id < change.id,
            EmailChange.confirmed_at > change.created_at - OBJECTION,
            EmailChange.ended_at.is_(None),
            func.lower(EmailChange.new_email) == change.old_email.lower(),
            func.lower(EmailChange.old_email) != change.old_email.lower(),
        )
    )
    return change.new_email.lower() != change.old_email.lower() and not db.session.scalar(brought_in)


def check_objection(change: EmailChange, token: str) -> None:
    """Raise `LinkReplaced` where the former address may not object, `LinkExpired` where it no longer may."""
    if not may_object(change):
        raise LinkReplaced("email_objection")
    until = objection_until(change)
    if until <= utcnow():
        raise LinkExpired("email_objection", token, until)


def objection_until(change: EmailChange) -> datetime:
    """Return until when a change can be objected to: for seven days after it came true, or was asked for."""
    return (change.confirmed_at or change.created_at) + OBJECTION


def ask(account: Account, email: str) -> EmailChange | None:
    """Ask for another address; it takes the place of one that waits. The same wish twice is one, and returns nothing.

    Raises `TooManyMails` when so many were asked for that no more mails leave within the hour.
    """
    waiting = pending(account)
    if waiting is not None and waiting.new_email == email and utcnow() - waiting.created_at < REPEAT_WINDOW:
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
    """Let go of a change that waits: its link is dead from now on."""
    waits = EmailChange.confirmed_at.is_(None), EmailChange.ended_at.is_(None)
    db.session.execute(
        update(EmailChange).where(EmailChange.account_id == account.id, *waits).values(ended_at=utcnow())
    )


def doubt(account: Account) -> EmailChange | None:
    """Doubt a young address once the password was changed by hand, and ask it to prove itself anew.

    Whoever put it in may not know the new password: no link for another one goes there until its reader has shown both.
    Returns the change that its link confirms, or nothing where there is no doubt or no more mail may leave.
    """
    if oldest_open(account) is None:
        return None
    account.email_doubted_at = utcnow()
    try:
        return ask(account, account.email)
    except TooManyMails:
        return None


def confirm(change: EmailChange) -> bool:
    """Put the new address in the place of the former one; links to that are dead from now on (F4).

    A change back to the first address counts as its objection. Returns whether another password must be chosen: whoever
    put the former address in knows the present one, unless it was changed by hand since.
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


def object_to(change: EmailChange) -> str | None:
    """Stop a change that its former owner knows nothing of; return the address that it had put in his place, if any.

    Whoever asked for it knew the password, so no password fits any more: every session ends, and the owner chooses
    another one. Changes that were asked for since then end with it.
    """
    account = change.account
    put_in = account.email if change.confirmed_at is not None else None
    account.email, account.email_failed_at, account.email_doubted_at = change.old_email, None, None
    _end_since(change)
    _shut_out(account)
    audit.record("email_change_objected", account=account)
    return put_in


def has_failed(change: EmailChange) -> bool:
    """Tell whether a mail server said for good that nobody reads the new address (T09)."""
    failed = Mail.state.in_((MailState.REFUSED, MailState.BOUNCED)), Mail.kind == "email_change"
    to_it = Mail.account_id == change.account_id, Mail.recipient == change.new_email
    return bool(db.session.scalar(select(exists().where(*failed, *to_it, Mail.created_at >= change.created_at))))


def _end_since(change: EmailChange) -> None:
    """End a change and all that were asked for since."""
    since = EmailChange.account_id == change.account_id, EmailChange.id >= change.id, EmailChange.ended_at.is_(None)
    db.session.execute(update(EmailChange).where(*since).values(ended_at=utcnow()))


def _shut_out(account: Account) -> None:
    """Let nobody in before another password is chosen."""
    account.password_hash = passwords.unusable()
    sessions.end_all(account)
    sessions.forget_devices(account)
