"""The change of a mail address: asked for, confirmed from the new address, objected to from the former one."""

from datetime import timedelta

from sqlalchemy import exists, select, update

from . import audit, sessions, throttle
from .db import db, utcnow
from .errors import TooManyMails
from .models import Account, EmailChange, Mail, MailState
from .settings import settings

#: The same wish sent again within this time is a double click or a page reloaded (T38).
REPEAT = timedelta(minutes=2)
#: Changes that one account may ask for in an hour, as each one writes to an address that somebody typed.
CHANGES_AN_HOUR = 3


def pending(account: Account) -> EmailChange | None:
    """Return the change of address that waits for its link to be opened, if there is one."""
    waits = EmailChange.confirmed_at.is_(None), EmailChange.ended_at.is_(None)
    is_young = EmailChange.created_at > utcnow() - settings.email_change_hours
    rows = select(EmailChange).where(EmailChange.account_id == account.id, *waits, is_young)
    return db.session.scalars(rows.order_by(EmailChange.id.desc()).limit(1)).one_or_none()


def ask(account: Account, email: str) -> EmailChange | None:
    """Ask for another address; it takes the place of one that waits. The same wish twice is one, and returns nothing.

    Raises `TooManyMails` when so many were asked for that no more mails leave within the hour.
    """
    waiting = pending(account)
    if waiting is not None and waiting.new_email == email and utcnow() - waiting.created_at < REPEAT:
        return None
    if not throttle.allow(f"email_change:{account.id}", times=CHANGES_AN_HOUR, within=timedelta(hours=1)):
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


def confirm(change: EmailChange) -> None:
    """Put the new address in the place of the former one; links to that are dead from now on (F4)."""
    account = change.account
    account.email, account.email_failed_at = change.new_email, None
    change.confirmed_at = utcnow()
    audit.record("email_changed", account=account)


def object_to(change: EmailChange, *, unknown_hash: str) -> str | None:
    """Stop a change that its former owner knows nothing of; return the address that it had put in his place, if any.

    Whoever asked for it knew the password, so a hash that fits none takes its place: every session ends, and the owner
    chooses another password. Changes that were asked for since then end with it.
    """
    account = change.account
    put_in = account.email if change.confirmed_at is not None else None
    account.email, account.email_failed_at = change.old_email, None
    account.password_hash = unknown_hash
    newer = EmailChange.account_id == account.id, EmailChange.id >= change.id, EmailChange.ended_at.is_(None)
    db.session.execute(update(EmailChange).where(*newer).values(ended_at=utcnow()))
    sessions.end_all(account)
    audit.record("email_change_objected", account=account)
    return put_in


def has_failed(change: EmailChange) -> bool:
    """Tell whether a mail server said for good that nobody reads the new address (T09)."""
    failed = Mail.state.in_((MailState.REFUSED, MailState.BOUNCED)), Mail.kind == "email_change"
    to_it = Mail.account_id == change.account_id, Mail.recipient == change.new_email
    return bool(db.session.scalar(select(exists().where(*failed, *to_it, Mail.created_at >= change.created_at))))
