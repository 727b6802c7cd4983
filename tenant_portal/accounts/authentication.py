"""Login: failures are counted, and an unknown account costs the same work."""

from dataclasses import dataclass
from datetime import datetime, timedelta
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


@dataclass(frozen=True, kw_only=True)
class AuthenticatedAccount:
    """The account whose password was just verified, with only the columns that login needs.

    Loading the object takes twice as long.
    """

    id: int
    is_activated: bool
    is_finished: bool
    is_closed: bool
    email: str
    email_doubted_at: datetime | None
    language: str
    signup_key: str
    frozen_at: datetime | None
    frozen_by: str
    thawed_at: datetime | None

    @property
    def is_frozen(self) -> bool:
        """Tell whether nobody may log in."""
        return self.frozen_at is not None

    @property
    def account(self) -> Account:
        """The account as an object."""
        return db.session.get_one(Account, self.id)


class KnownContract(NamedTuple):
    """The contract of a login, with only what a mail needs."""

    id: int | None
    reference: str


@dataclass(frozen=True, kw_only=True)
class LoginResult:
    """How a login ended; `authenticate` explains each way."""

    holder: AuthenticatedAccount | None = None
    contract_id: int | None = None
    reference: str = ""
    wait: timedelta | None = None
    #: Whether this device has logged in to the account before (ASVS 6.3.5).
    is_known_device: bool = False
    #: Whether the owner of `alarmed_id` must hear of failures, once a day at most (T21).
    is_alarm: bool = False
    alarmed_id: int | None = None


class LoginRow(NamedTuple):
    """The contract of a reference and its account, unless that is gone; the names are those of `_LOGIN_ROW`."""

    contract_id: int | None = None
    reference: str = ""
    account_id: int | None = None
    password_hash: str | None = None
    is_activated: bool = False
    #: Such a device has a counter of its own (T21).
    knows_device: bool = False


_LOCKED_ACCOUNT = (
    select(
        *(_accounts.password_hash, _accounts.activated_at, _accounts.completed_at, _accounts.closed_at),
        *(_accounts.email, _accounts.email_doubted_at, _accounts.language, _accounts.signup_key),
        *(_accounts.frozen_at, _accounts.frozen_by, _accounts.thawed_at),
    )
    .where(_accounts.id == bindparam("id"))
    .with_for_update(key_share=True)
)


def authenticate(reference: str, password: str, *, device: str, origin: str, link_of: int | None = None) -> LoginResult:
    """Check a reference and password; count the failure if they are wrong.

    Leaves a transaction open for the caller to commit. It ends in one of three ways:

    1. Delayed: `wait` is set, after too many failures before or in parallel.
    2. Refused: the account is unknown or the password wrong; both take the same time.
    3. Authenticated: `holder` is set. The account may be pending, closed or frozen: only its password reveals that.

    `link_of` is the account whose activation link was opened; strangers' failures do not delay it (X08).
    """
    found = find_login_row(reference, device)
    contract_id, account_id, password_hash = found.contract_id, found.account_id, found.password_hash
    per, whose = _counter_of(found, reference, device=device, link_of=link_of)
    before = rate_limits.state_of("login", per, whose)
    of_origin = rate_limits.state_of_origin("login", origin) if per is Per.ACCOUNT else RateLimitState()
    wait = before.wait or of_origin.wait
    if wait is not None:
        begin_write()
        refusals.record_refusal("login_delayed", **_refusal_facts(reference, found), step=12)
        return LoginResult(contract_id=contract_id, wait=wait)

    # Do the same work for existing and unknown accounts from here on, so that response time reveals nothing (F9).
    db.session.rollback()  # frees the connection while hashing
    fit = passwords.verify(password_hash, password)
    fresh_hash = passwords.hash(password) if fit and passwords.needs_rehash(str(password_hash), fit) else password_hash

    begin_write()
    row = db.session.execute(_LOCKED_ACCOUNT, {"id": account_id or sessions.NO_ACCOUNT_ID}).one_or_none()
    if row is not None and row.password_hash != password_hash:
        # The hash changed meanwhile (perhaps a parallel login rehashed it): our result is stale, so start again.
        db.session.rollback()
        return authenticate(reference, password, device=device, origin=origin, link_of=link_of)
    before = rate_limits.state_of("login", per, whose)  # parallel tries may have failed meanwhile
    if row is None or account_id is None or not fit or before.wait is not None:
        failures = rate_limits.count_failure("login", per, whose)
        if per is Per.ACCOUNT:
            rate_limits.count_origin_failure("login", origin)
        present = found if row is not None else found._replace(account_id=None)  # erased meanwhile
        refusals.record_refusal("login_refused", **_refusal_facts(reference, present), step=11)
        is_alarm = failures == FREE_FAILURES and per is not Per.DEVICE
        alarmed_id = account_id if row is not None and row.completed_at is not None else None
        return LoginResult(contract_id=contract_id, wait=before.wait, is_alarm=is_alarm, alarmed_id=alarmed_id)
    if before.failures:
        rate_limits.clear("login", per, whose)
        if per is Per.ACCOUNT:
            rate_limits.uncount_origin_failures("login", origin, before.failures)
    rate_limits.forgive_origin("login", origin, account_id)
    if fresh_hash != password_hash:
        db.session.execute(update(Account).where(Account.id == account_id).values(password_hash=str(fresh_hash)))
    holder = _holder(account_id, row)
    if holder.is_frozen:
        refusals.record_refusal("login_frozen", **_refusal_facts(reference, found), step=12)
    is_known = per is Per.DEVICE
    return LoginResult(holder=holder, contract_id=contract_id, reference=found.reference, is_known_device=is_known)


_is_not_gone = or_(_accounts.closed_at.is_(None), _accounts.closed_at > bindparam("gone_before"))
_is_of_device = and_(
    _logins.account_id == func.coalesce(_accounts.id, sessions.NO_ACCOUNT_ID),
    _logins.device_hash == bindparam("device"),
)
#: Plain columns take a third of the time of objects. The query takes the same time whether or not an account exists,
#: so timing reveals nothing (F9).
_LOGIN_ROW = select(
    _contracts.id.label("contract_id"),
    _contracts.reference,
    _accounts.id.label("account_id"),
    _accounts.password_hash,
    _accounts.activated_at.is_not(None).label("is_activated"),
    exists().where(_is_of_device).label("knows_device"),
).outerjoin(Account.__table__, and_(_accounts.id == _contracts.account_id, _is_not_gone))


def find_login_row(reference: str, device: str) -> LoginRow:
    """Return the row of the contract that is meant, or an empty one."""
    spellings = lookup.reference_variants(reference)
    known = {**spellings, "device": sessions.digest(device), "gone_before": utcnow() - REOPENING}
    rows = db.session.execute(lookup.with_reference_in(_LOGIN_ROW, len(spellings)), known)
    return lookup.exact_or_only(reference, [LoginRow(**row._mapping) for row in rows]) or LoginRow()


def finish(account: Account) -> None:
    """Finish the account at its first login, the twelfth step."""
    account.completed_at = utcnow()
    audit.record("finished", account=account, contract=account.contracts[0], step=12)


def _holder(account_id: int, row: Any) -> AuthenticatedAccount:
    """Return the account of a row of `_LOCKED_ACCOUNT`."""
    return AuthenticatedAccount(
        id=account_id,
        is_activated=row.activated_at is not None,
        is_finished=row.completed_at is not None,
        is_closed=row.closed_at is not None,
        email=row.email,
        email_doubted_at=row.email_doubted_at,
        language=row.language,
        signup_key=row.signup_key,
        frozen_at=row.frozen_at,
        frozen_by=row.frozen_by,
        thawed_at=row.thawed_at,
    )


def _counter_of(found: LoginRow, reference: str, *, device: str, link_of: int | None) -> tuple[Per, str]:
    """Return which counter the failures go to: of a known device, an opened link, the account, or the reference."""
    if device and found.knows_device:
        return Per.DEVICE, f"{found.account_id}:{sessions.digest(device)[:32]}"
    per = Per.LINK if link_of is not None and link_of == found.account_id else Per.ACCOUNT
    return per, str(found.account_id or f"reference {reference.lstrip('0')}")


def _refusal_facts(reference: str, row: LoginRow) -> dict[str, Any]:
    """Return the facts of a refusal and its key: once an hour, and again after the activation."""
    key = f"{reference.lstrip('0')}/{row.is_activated}"
    return {"per": Per.REFERENCE, "whose": key, "account": row.account_id, "contract": row.contract_id}
