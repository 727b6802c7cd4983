"""Another address for a tenant who has lost his own: the office asks, the new address proves itself (F27).

The address on file hears of it at once. The new one counts a day later, or at once for who stands at the counter.
docs/security.md says who may undo what.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, select

from .. import audit
from ..db import begin_write, db, utcnow
from ..models import Account
from . import email_change
from .email_change import EmailChange
from .locks import lock_accounts

#: How long the address on file can object before another one counts.
DELAY = timedelta(hours=24)


def ask(account: Account, email: str, *, at_counter: bool) -> EmailChange:
    """Ask for another address in the place of any change that waits.

    The caller holds the lock of the account, and `office_rules` allows it.
    """
    now = utcnow()
    email_change.drop(account)
    change = EmailChange(account_id=account.id, old_email=account.email, new_email=email)
    change.created_at, change.counts_at = now, now if at_counter else now + DELAY
    db.session.add(change)
    db.session.flush()
    audit.record("email_change_asked", account=account, actor="staff")
    return change


def told(account: Account) -> list[str]:
    """Return who hears of the request, and may freeze the account: the address on file, and the first address."""
    oldest = email_change.oldest_open(account)
    return list(dict.fromkeys([account.email, *([oldest.old_email] if oldest is not None else [])]))


def prove(change: EmailChange) -> bool:
    """Note that the reader of the new address has agreed; tell whether it counts now.

    The caller holds the lock of the account, and has verified the link.
    """
    if change.proved_at is None:
        change.proved_at = utcnow()
        audit.record("email_change_proved", account=change.account)
    return _settle(change)


def settle_due() -> list[EmailChange]:
    """Let the proved addresses count whose day has come, under locks; return their changes. The caller commits."""
    is_due = email_change.WAITS, EmailChange.proved_at.is_not(None), EmailChange.counts_at <= utcnow()
    found = db.session.execute(select(EmailChange.id, EmailChange.account_id).where(*is_due)).all()
    if not found:
        return []
    begin_write()
    lock_accounts(*(account_id for _, account_id in found))
    these = select(EmailChange).where(EmailChange.id.in_([number for number, _ in found])).order_by(EmailChange.id)
    changes = db.session.scalars(these.execution_options(populate_existing=True)).all()
    return [change for change in changes if _settle(change)]  # but those that were stopped meanwhile


def next_at() -> datetime | None:
    """Return when the next address may count."""
    is_open = email_change.WAITS, EmailChange.counts_at > utcnow()
    return db.session.scalar(select(func.min(EmailChange.counts_at)).where(*is_open))


def _settle(change: EmailChange) -> bool:
    """Set the new address if all that it waits for is there."""
    is_open = change.confirmed_at is None and change.ended_at is None and change.proved_at is not None
    if not is_open or change.counts_at is None or change.counts_at > utcnow():
        return False
    email_change.confirm(change)
    return True
