"""Whose are a reference and a password? Every failure is counted, and who has no account costs the same work."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import Table, and_, bindparam, exists, func, or_, select, update

from .. import audit
from ..contracts import lookup
from ..db import begin_write, db, utcnow
from ..models import REOPENING, Account, Contract, Login
from . import passwords, rate_limits, refusals, sessions
from .limited_acts import FREE_FAILURES, Per
from .rate_limits import RateLimitState

_contracts, _accounts, _logins = (cast(Table, model.__table__).c for model in (Contract, Account, Login))


_stands = or_(_accounts.closed_at.is_(None), _accounts.closed_at > bindparam("gone_before"))


_of_device = (
    _logins.account_id == func.coalesce(_accounts.id, sessions.NO_ACCOUNT_ID),
    _logins.device_hash == bindparam("device"),
)


#: All that a login asks before the hash, in plain rows: an object of the contract or its account takes thrice as long.
#: Whether there is an account costs no look more or less (F9).
_KEYS = select(
    _contracts.id,
    _contracts.reference,
    _accounts.id,
    _accounts.password_hash,
    _accounts.activated_at.is_not(None),
    exists().where(*_of_device),
).outerjoin(Account.__table__, and_(_accounts.id == _contracts.account_id, _stands))


_LOCKED = (
    select(_accounts.password_hash, _accounts.activated_at, _accounts.completed_at, _accounts.closed_at)
    .where(_accounts.id == bindparam("id"))
    .with_for_update(key_share=True)
)


class AuthenticatedAccount(NamedTuple):
    """Whoever typed the password of an account, in what a login asks of it: an object takes twice as long to read."""

    id: int
    is_activated: bool
    is_finished: bool
    is_closed: bool

    @property
    def account(self) -> Account:
        """The account as an object, for what happens once or seldom."""
        return db.session.get_one(Account, self.id)


@dataclass(frozen=True)
class LoginResult:
    """What became of a login: who it is, or nothing and how long the next try must wait."""

    holder: AuthenticatedAccount | None = None
    contract_id: int | None = None
    wait: timedelta | None = None
    #: Whether this device has logged in to the account before (ASVS 6.3.5).
    is_known_device: bool = False
    #: Whether an owner is to be told that somebody keeps failing, once a day at the most, and of which account (T21).
    is_alarm: bool = False
    alarmed_id: int | None = None


class LoginRow(NamedTuple):
    """The contract that a reference means, and what a login asks of its account unless that is gone."""

    contract_id: int | None = None
    reference: str = ""
    account_id: int | None = None
    password_hash: str | None = None
    is_activated: bool = False
    #: Whether a device of that mark has logged in to the account before: it has a counter of its own (T21).
    knows_device: bool = False


def authenticate(reference: str, password: str, *, device: str, origin: str, link_of: int | None = None) -> LoginResult:
    """Return whose a reference and a password are, counting the failures of whoever gets it wrong.

    A write is left open, for the caller to commit whatever became of it. Known or not, each reference costs the same.
    An account that was closed comes back as such: only who knows its password learns that it is. `link_of` is the
    number of the account whose activation link was opened: no stranger's tries hold up who holds that (X08).
    """
    found = find_login_row(reference, device)
    contract_id, account_id, password_hash = found.contract_id, found.account_id, found.password_hash
    is_known_device = bool(device) and found.knows_device
    per, whose = Per.ACCOUNT, str(account_id or f"reference {reference.lstrip('0')}")
    if is_known_device:
        per, whose = Per.DEVICE, f"{account_id}:{sessions.digest(device)[:32]}"
    elif link_of is not None and account_id == link_of:
        per = Per.LINK
    before = rate_limits.state_of("login", per, whose)
    around = rate_limits.state_of_origin("login", origin) if per is Per.ACCOUNT else RateLimitState()
    pause = before.wait or around.wait
    if pause is not None:
        begin_write()
        refusals.record_refusal("login_delayed", **_said_once(reference, found), step=12)
        return LoginResult(contract_id=contract_id, wait=pause)

    # From here on what is there and what is not costs the same looks, so that the time tells nothing (F9).
    db.session.rollback()  # no connection is kept busy while the hash is computed
    is_right = passwords.verify(password_hash, password)
    fresh_hash = passwords.hash(password) if is_right and passwords.needs_rehash(str(password_hash)) else password_hash

    begin_write()
    row = db.session.execute(_LOCKED, {"id": account_id or sessions.NO_ACCOUNT_ID}).one_or_none()
    if row is not None and row.password_hash != password_hash:
        # Changed or hashed anew meanwhile, by another login of the owner perhaps: what was computed tells nothing.
        db.session.rollback()
        return authenticate(reference, password, device=device, origin=origin, link_of=link_of)
    before = rate_limits.state_of("login", per, whose)  # others may have failed while this one was computed: they count
    if row is None or account_id is None or not is_right or before.wait is not None:
        failures = rate_limits.count_failure("login", per, whose)
        if per is Per.ACCOUNT:
            rate_limits.count_origin_failure("login", origin)
        there = found if row is not None else found._replace(account_id=None)  # erased meanwhile
        refusals.record_refusal("login_refused", **_said_once(reference, there), step=11)
        is_alarm = failures == FREE_FAILURES and not is_known_device
        alarmed_id = account_id if row is not None and row.completed_at is not None else None
        return LoginResult(contract_id=contract_id, wait=before.wait, is_alarm=is_alarm, alarmed_id=alarmed_id)
    if before.failures:
        rate_limits.clear_failures("login", per, whose)
        if per is Per.ACCOUNT:
            rate_limits.uncount_origin_failures("login", origin, before.failures)
    if fresh_hash != password_hash:
        db.session.execute(update(Account).where(Account.id == account_id).values(password_hash=str(fresh_hash)))
    is_activated, is_finished, is_closed = (moment is not None for moment in row[1:])
    holder = AuthenticatedAccount(account_id, is_activated, is_finished, is_closed)
    return LoginResult(holder=holder, contract_id=contract_id, is_known_device=is_known_device)


def find_login_row(reference: str, device: str) -> LoginRow:
    """Return what a login asks of the contract that is meant, and of its account unless that is gone."""
    spellings = lookup.reference_variants(reference)
    known = {**spellings, "device": sessions.digest(device), "gone_before": utcnow() - REOPENING}
    rows = db.session.execute(lookup.with_reference_in(_KEYS, len(spellings)), known)
    return lookup.exact_or_only(reference, [LoginRow(*row) for row in rows]) or LoginRow()


def _said_once(reference: str, row: LoginRow) -> dict[str, Any]:
    """Return by what a refusal is written down once an hour, and once more when the account has got on."""
    once = f"{reference.lstrip('0')}/{row.is_activated}"
    return {"per": Per.REFERENCE, "whose": once, "account": row.account_id, "contract": row.contract_id}


def finish(account: Account) -> None:
    """Finish the account: its first login is the twelfth step."""
    account.completed_at = utcnow()
    audit.record("finished", account=account, contract=account.contracts[0], step=12)
