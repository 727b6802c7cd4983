"""« Ce n'est pas moi »: who may freeze an account, what that undoes, and who thaws it (H07, T14).

docs/security.md has the table.
"""

import enum
from typing import NamedTuple, Protocol

from sqlalchemy import ColumnElement, and_

from .. import audit
from ..db import utcnow
from ..models import Account
from . import email_change, passwords, rate_limits, sessions
from .limited_acts import Per


class Freezer(enum.StrEnum):
    """Who froze an account; only what its tenant froze opens again by a new password."""

    TENANT = "tenant"  # reads the address on file, or the first address of a change
    ROSTER = "roster"  # reads the address that the landlord held
    STAFF = "staff"


class Freezable(Protocol):
    """What of an account tells whether it is frozen, and by whom."""

    @property
    def is_frozen(self) -> bool:
        """Tell whether it is frozen."""

    @property
    def frozen_by(self) -> str:
        """Return who froze it."""


class Undone(NamedTuple):
    """What a freeze has undone."""

    #: The address that a change had brought in.
    put_in: str | None
    was_closed: bool


def readers(account: Account) -> dict[str, Freezer]:
    """Return, by address in small letters, whose reader may freeze the account now.

    An address in doubt may not, nor one that a change brought in and another took away (X02).
    """
    may = {contract.email.lower(): Freezer.ROSTER for contract in account.contracts if contract.email}
    if account.email_doubted_at is None:
        may[account.email.lower()] = Freezer.TENANT
    oldest = email_change.oldest_open(account)
    if oldest is not None:
        may[oldest.old_email.lower()] = Freezer.TENANT
    return may


def has_frozen(account: Account, by: Freezer) -> bool:
    """Tell whether the account is as frozen as they could make it."""
    return account.is_frozen and by in (account.frozen_by, Freezer.TENANT)


def is_disputed(account: Freezable) -> bool:
    """Tell whether somebody else than its tenant has frozen it: its address may not be the tenant's."""
    return account.is_frozen and account.frozen_by != Freezer.TENANT


def disputed() -> ColumnElement[bool]:
    """Return `is_disputed` as a condition for accounts."""
    return and_(Account.frozen_at.is_not(None), Account.frozen_by != Freezer.TENANT)


def freeze(account: Account, by: Freezer) -> Undone | None:
    """Freeze the account; return what that undid, or None where it is frozen already.

    Sessions, known devices and open links end. A closing and the changes of address of the last days are undone.
    Whoever disputes the account itself, from outside, wins over its tenant: then a new password opens it no more.
    """
    if has_frozen(account, by):
        return None
    undone = Undone(email_change.undo(account), account.is_closed)
    account.frozen_at, account.frozen_by, account.closed_at = account.frozen_at or utcnow(), by, None
    sessions.end_all(account)
    sessions.forget_devices(account)
    for act in ("reset", "reset again"):  # the links of those mails are dead
        rate_limits.clear(act, Per.ACCOUNT, account.id)
    audit.record("account_frozen", account=account, contract=account.contracts[0], actor=by)
    return undone


def thaw(account: Account, *, actor: str) -> None:
    """Thaw the account; no password fits until another one is chosen by a link.

    What the office has judged is settled: links mailed before can freeze no more.
    """
    account.frozen_at, account.frozen_by, account.password_hash = None, "", passwords.unusable()
    if actor != Freezer.TENANT:
        account.thawed_at = utcnow()
    audit.record("account_thawed", account=account, contract=account.contracts[0], actor=actor)
