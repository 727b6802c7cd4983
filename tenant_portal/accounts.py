"""Everything that can happen to an account, in the words of the trade; no page, no mail, no commit in here."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, cast

from sqlalchemy import Table, and_, bindparam, exists, func, or_, select, update

from . import addresses, audit, consents, contracts, passwords, sessions, throttle
from .db import begin_write, db, utcnow
from .models import REOPENING, Account, Contract, Login, Mail, Purpose
from .settings import settings

#: The same sign-up sent again within this time is a double click or a page reloaded, not a new wish (T38).
REPEAT = timedelta(minutes=2)
#: Mails that one contract's sign-ups, resends and resets may cause in an hour, each kind for itself.
MAILS_AN_HOUR = {"signup": 6, "resend": 3, "reset": 3}

_contracts, _accounts, _logins = (cast(Table, model.__table__).c for model in (Contract, Account, Login))
_stands = or_(_accounts.closed_at.is_(None), _accounts.closed_at > bindparam("gone_before"))
_of_device = (
    _logins.account_id == func.coalesce(_accounts.id, sessions.NOBODY),
    _logins.device_hash == bindparam("device"),
)
#: All that a login asks before the hash, in plain rows: an object of the contract or its account takes thrice as long.
#: Whether there is an account costs no look more or less (F9).
_KEYS = select(
    _contracts.id, _contracts.reference, _accounts.id, _accounts.password_hash, exists().where(*_of_device)
).outerjoin(Account.__table__, and_(_accounts.id == _contracts.account_id, _stands))
_PENDING = select(Account).join(Account.contracts).where(Contract.id == bindparam("contract_id"))
_LOCKED = (
    select(_accounts.password_hash, _accounts.activated_at, _accounts.completed_at, _accounts.closed_at)
    .where(_accounts.id == bindparam("id"))
    .with_for_update()
)


@dataclass(frozen=True)
class SignUp:
    """What became of a sign-up. `account` is the pending one, `existing` the finished one that stands already."""

    key: str
    account: Account | None = None
    existing: Account | None = None
    is_repeat: bool = False
    is_excessive: bool = False


class Holder(NamedTuple):
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
class Attempt:
    """What became of a login: who it is, or nothing and how long the next try must wait."""

    holder: Holder | None = None
    contract_id: int | None = None
    wait: timedelta | None = None
    #: Whether this device has logged in to the account before (ASVS 6.3.5).
    is_known_device: bool = False
    #: Whether an owner is to be told that somebody keeps failing, once a day at the most, and of which account (T21).
    is_alarm: bool = False
    alarmed_id: int | None = None


class _Key(NamedTuple):
    contract_id: int | None = None
    reference: str = ""
    account_id: int | None = None
    password_hash: str | None = None
    #: Whether a device of that mark has logged in to the account before: it has a counter of its own (T21).
    knows_device: bool = False


def new_key() -> str:
    """Return a name for one sign-up that nobody can guess."""
    return secrets.token_urlsafe(24)


def sign_up(contract: Contract, *, email: str, password: str, choices: Mapping[Purpose, bool], language: str) -> SignUp:
    """Sign up for a contract: the newest unfinished sign-up wins, a finished account is left as it is (T07, T13, T15).

    So is one that was closed and can still be opened again (T35): no stranger with the notice takes its place. The
    password is hashed before it is known which of these it is, so that all take the same time.
    """
    account = _account_of(contract)
    may_repeat = account is not None and _is_repeat(account, contract, email=email, choices=choices)
    former_hash = account.password_hash if account is not None and may_repeat else None
    contract_id = contract.id
    db.session.rollback()  # no connection is kept busy while the hash is computed
    is_repeat = former_hash is not None and passwords.verify(former_hash, password)
    password_hash = former_hash if former_hash is not None and is_repeat else passwords.hash(password)

    begin_write()
    contract = contracts.lock(contract_id)
    account = _account_of(contract)
    is_news = account is not None and account.password_hash != former_hash
    if account is not None and is_news and _is_repeat(account, contract, email=email, choices=choices):
        # Taken meanwhile: a double click sends both side by side. Its hash is asked outside of the write, as before.
        return sign_up(contract, email=email, password=password, choices=choices, language=language)
    if account is not None and account.is_finished:
        is_repeat = _has_mail_since(account, "already_registered")
        audit.record("signup_again", account=account, contract=contract)
        is_excessive = not _may_mail("signup", str(contract.id))
        return SignUp(key=new_key(), existing=account, is_repeat=is_repeat, is_excessive=is_excessive)
    if account is not None and is_repeat and account.password_hash == former_hash and account.email == email:
        return SignUp(key=account.signup_key, account=account, is_repeat=True)
    if not _may_mail("signup", str(contract.id)):
        return SignUp(key=new_key(), is_excessive=True)
    if account is None:
        account = Account()
        db.session.add(account)
        contract.account = account
    else:
        sessions.end_all(account)
    account.email, account.password_hash, account.signup_key = email, password_hash, new_key()
    account.language, account.created_at = language, utcnow()
    account.activated_at = account.email_failed_at = None
    db.session.flush()
    consents.record(account, contract, choices, channel="form")
    audit.record("signed_up", account=account, contract=contract, step=8)
    return SignUp(key=account.signup_key, account=account)


def pending_sign_up(contract_id: int, key: str) -> Account | None:
    """Return the unfinished account of that very sign-up; None once it is finished, or replaced by a newer one."""
    account = db.session.scalars(_PENDING, {"contract_id": contract_id}).one_or_none()
    if account is None or account.is_finished or account.is_closed:
        return None
    return account if secrets.compare_digest(account.signup_key, key) else None


def last_activation_mail(account: Account) -> datetime:
    """Return when the newest activation mail of a sign-up was written, on which its page's promise rests."""
    newest = select(func.max(Mail.created_at)).where(Mail.account_id == account.id, Mail.kind == "activation")
    return db.session.scalar(newest) or account.created_at


def may_resend(contract_id: int) -> bool:
    """Count one more mail of a sign-up and tell whether it may leave."""
    return _may_mail("resend", str(contract_id))


def change_sign_up_email(account: Account, email: str) -> None:
    """Put the address of an unfinished sign-up right; links to the former address are dead from now on (T07)."""
    if account.email != email:
        account.email, account.activated_at, account.email_failed_at = email, None, None
        audit.record("signup_email_changed", account=account, contract=account.contracts[0], step=6)


def activate(account: Account) -> None:
    """Note that the link of the activation mail was used; alone it opens nothing (S39)."""
    if not account.is_activated:
        account.activated_at = utcnow()
        audit.record("activated", account=account, contract=account.contracts[0], step=9)


def authenticate(reference: str, password: str, *, device: str, origin: str) -> Attempt:
    """Return whose a reference and a password are, counting the failures of whoever gets it wrong.

    A write is left open, for the caller to commit whatever became of it. Known or not, each reference costs the same.
    An account that was closed comes back as such: only who knows its password learns that it is.
    """
    key = _key(reference, device)
    contract_id, account_id, password_hash = key.contract_id, key.account_id, key.password_hash
    is_known_device = bool(device) and key.knows_device
    counter = _counter(reference, account_id, device if is_known_device else "")
    pause = throttle.standing(counter).wait or (None if is_known_device else throttle.origin_wait("login", origin))
    if pause is not None:
        begin_write()
        audit.record("login_delayed", contract=contract_id, step=12)
        return Attempt(contract_id=contract_id, wait=pause)

    # From here on what is there and what is not costs the same looks, so that the time tells nothing (F9).
    db.session.rollback()  # no connection is kept busy while the hash is computed
    is_right = passwords.verify(password_hash, password)
    fresh_hash = passwords.hash(password) if is_right and passwords.needs_rehash(str(password_hash)) else password_hash

    begin_write()
    row = db.session.execute(_LOCKED, {"id": account_id or sessions.NOBODY}).one_or_none()
    if row is not None and row.password_hash != password_hash:
        # Changed or hashed anew meanwhile, by another login of the owner perhaps: what was computed tells nothing.
        db.session.rollback()
        return authenticate(reference, password, device=device, origin=origin)
    standing = throttle.standing(counter)  # others may have failed while this one was computed: they count first
    if row is None or account_id is None or not is_right or standing.wait is not None:
        failures = throttle.fail(counter)
        if not is_known_device:
            throttle.origin_fail("login", origin)
        audit.record("login_refused", account=account_id if row is not None else None, contract=contract_id, step=11)
        is_alarm = failures == throttle.FREE_FAILURES and not is_known_device
        alarmed_id = account_id if row is not None and row.completed_at is not None else None
        return Attempt(contract_id=contract_id, wait=standing.wait, is_alarm=is_alarm, alarmed_id=alarmed_id)
    if standing.failures:
        throttle.succeed(counter)
    if fresh_hash != password_hash:
        db.session.execute(update(Account).where(Account.id == account_id).values(password_hash=str(fresh_hash)))
    is_activated, is_finished, is_closed = (moment is not None for moment in row[1:])
    holder = Holder(account_id, is_activated, is_finished, is_closed)
    return Attempt(holder=holder, contract_id=contract_id, is_known_device=is_known_device)


def finish(account: Account) -> None:
    """Finish the account: its first login is the twelfth step."""
    account.completed_at = utcnow()
    audit.record("finished", account=account, contract=account.contracts[0], step=12)


def request_reset(reference: str) -> tuple[Account | None, Contract | None, bool]:
    """Return the account that a reset mail is for and its contract, if any, and whether a mail may leave at all."""
    begin_write()
    contract = contracts.find(reference)
    account = _account_of(contract)
    may_mail = _may_mail("reset", reference.lstrip("0"))
    if _has_mail_since(account, "reset" if account is None or account.is_activated else "activation"):
        may_mail = False  # the button was pressed twice (T38)
    audit.record("reset_requested", account=account, contract=contract)
    return account, contract if account is not None else None, may_mail


def reset_password(account: Account, password_hash: str, *, device: str) -> None:
    """Set the password of a reset link: every session ends, every open link dies, every delay is lifted.

    The password comes hashed: whoever begins a write must not wait for a hash. The device counts as known from now on:
    whoever reads the owner's mail is not held up by a stranger's tries (T21).
    """
    account.password_hash = password_hash
    sessions.end_all(account)
    addresses.drop(account)
    sessions.note_device(account, device)
    throttle.succeed(_counter("", account.id, ""))
    audit.record("password_reset", account=account)


def change_password(account: Account, password_hash: str) -> None:
    """Set another password, which comes hashed: every session ends, every open link dies (F4)."""
    account.password_hash = password_hash
    sessions.end_all(account)
    addresses.drop(account)
    audit.record("password_changed", account=account)


def close(account: Account, *, actor: str = "tenant") -> list[str]:
    """Close the account: every session ends, every open link dies, each yes becomes a no; its password opens it again.

    Returns the references of the contracts whose answers have changed.
    """
    account.closed_at = utcnow()
    sessions.end_all(account)
    addresses.drop(account)
    withdrawn = consents.withdraw(account, channel="closing")
    audit.record("account_closed", account=account, contract=account.contracts[0], actor=actor)
    return [contract.reference for contract in withdrawn]


def reopen(account: Account) -> None:
    """Open a closed account again; what was answered before it was closed stays withdrawn."""
    account.closed_at = None
    audit.record("account_reopened", account=account, contract=account.contracts[0])


def known_words(contract: Contract | None, *more: str) -> list[str]:
    """Return what a guesser knows of a tenant, for the check of his password."""
    words = [settings.landlord_name, settings.landlord_email, *more]
    if contract is not None:
        words += [contract.reference, contract.module, contract.first_name, contract.last_name, contract.city]
    return [word for word in words if word]


def _account_of(contract: Contract | None) -> Account | None:
    """Return the account of a contract, open or to be opened again; one that is gone is none."""
    account = contract.account if contract is not None else None
    return None if account is None or account.is_gone else account


def _key(reference: str, device: str) -> _Key:
    """Return what a login asks of the contract that is meant, and of its account unless that is gone."""
    spellings = contracts.spellings(reference)
    known = {**spellings, "device": sessions.digest(device), "gone_before": utcnow() - REOPENING}
    rows = db.session.execute(contracts.spelt(_KEYS, len(spellings)), known)
    return contracts.the_one(reference, [_Key(*row) for row in rows]) or _Key()


def _counter(reference: str, account_id: int | None, device: str) -> str:
    if account_id is None:
        return f"reference:{reference.lstrip('0')}"
    return f"device:{account_id}:{sessions.digest(device)[:32]}" if device else f"account:{account_id}"


def _may_mail(kind: str, whose: str) -> bool:
    return throttle.allow(f"{kind}:{whose}", times=MAILS_AN_HOUR[kind], within=timedelta(hours=1))


def _is_repeat(account: Account, contract: Contract, *, email: str, choices: Mapping[Purpose, bool]) -> bool:
    """Tell whether this is, but for the password, the sign-up that was just taken, sent twice."""
    if account.is_finished or account.email != email or utcnow() - account.created_at > REPEAT:
        return False
    given = {purpose: row.answer for purpose, row in consents.current(account.id, contract.id).items()}
    return given == dict(choices)


def _has_mail_since(account: Account | None, *kinds: str) -> bool:
    """Tell whether such a mail was written for the account within the time of a repeat."""
    whose = Mail.account_id == (account.id if account is not None else sessions.NOBODY)
    recent = exists().where(whose, Mail.kind.in_(kinds), Mail.created_at > utcnow() - REPEAT)
    return bool(db.session.scalar(select(recent)))
