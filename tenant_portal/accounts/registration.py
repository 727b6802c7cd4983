"""Everything that can happen to an account, in the words of the trade; no page, no mail, no commit in here."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, exists, func, select

from .. import audit
from ..contracts import lookup
from ..db import begin_write, db, utcnow
from ..models import Account, Contract, EmailChange, Mail, Purpose
from ..settings import settings
from . import authentication, consents, email_change, passwords, rate_limits, sessions
from .limited_acts import REPEAT, Per

# Rows are locked in one order, contract before account, and so that others may still refer to them (`key_share`).
_LOCKED = (
    select(Account)
    .where(Account.id == bindparam("id"))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_OF_CONTRACT = select(Account).join(Account.contracts).where(Contract.id == bindparam("contract_id"))


@dataclass(frozen=True)
class SignUp:
    """What became of a sign-up. `account` is the pending one, `existing` the finished one that stands already."""

    key: str
    account: Account | None = None
    existing: Account | None = None
    is_repeat: bool = False
    is_excessive: bool = False


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
    contract = lookup.lock(contract_id)
    account = lock_account_of(contract) if contract.account_id is not None else None
    is_news = account is not None and account.password_hash != former_hash
    if account is not None and is_news and _is_repeat(account, contract, email=email, choices=choices):
        # Taken meanwhile: a double click sends both side by side. Its hash is asked outside of the write, as before.
        return sign_up(contract, email=email, password=password, choices=choices, language=language)
    if account is not None and account.is_finished:
        if _has_mail_since(account, "already_registered"):
            return SignUp(key=new_key(), existing=account, is_repeat=True)
        is_excessive = rate_limits.use("signup", Per.CONTRACT, contract.id) < 0
        if not is_excessive:
            audit.record("signup_again", account=account, contract=contract)
        return SignUp(key=new_key(), existing=account, is_excessive=is_excessive)
    if account is not None and is_repeat and account.password_hash == former_hash and account.email == email:
        return SignUp(key=account.signup_key, account=account, is_repeat=True)
    if rate_limits.use("signup", Per.CONTRACT, contract.id) < 0:
        return SignUp(key=new_key(), is_excessive=True)
    if account is None:
        account = Account()
        db.session.add(account)
        contract.account = account
    else:
        sessions.end_all(account)
        rate_limits.succeed("login", Per.ACCOUNT, account.id)  # what failed was another password
        rate_limits.succeed("login", Per.LINK, account.id)
    account.email, account.password_hash, account.signup_key = email, password_hash, new_key()
    account.language, account.created_at = language, utcnow()
    account.activated_at = account.email_failed_at = None
    db.session.flush()
    consents.record(account, contract, choices, channel="form")
    audit.record("signed_up", account=account, contract=contract, step=8)
    return SignUp(key=account.signup_key, account=account)


def pending_sign_up(contract_id: int, key: str, *, lock: bool = False) -> Account | None:
    """Return the unfinished account of that very sign-up; None once it is finished, or replaced by a newer one."""
    if lock:
        account = lock_account_of(db.session.get(Contract, contract_id))
    else:
        account = db.session.scalars(_OF_CONTRACT, {"contract_id": contract_id}).one_or_none()
    if account is None or account.is_finished or account.is_closed:
        return None
    return account if secrets.compare_digest(account.signup_key, key) else None


def last_activation_mail(account: Account) -> datetime:
    """Return when the newest activation mail of a sign-up was written, on which its page's promise rests."""
    newest = select(func.max(Mail.created_at)).where(Mail.account_id == account.id, Mail.kind == "activation")
    return db.session.scalar(newest) or account.created_at


def count_resend(contract_id: int) -> bool:
    """Count one more mail of a sign-up and tell whether it may leave."""
    return rate_limits.use("resend", Per.CONTRACT, contract_id) >= 0


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


def finish(account: Account) -> None:
    """Finish the account: its first login is the twelfth step."""
    account.completed_at = utcnow()
    audit.record("finished", account=account, contract=account.contracts[0], step=12)


class Reset(NamedTuple):
    """What became of the wish for another password: whose it is, if any, and in which turn a mail may leave, if any."""

    account: Account | None
    contract: Contract | None
    turn: int | None = None


def request_reset(reference: str, *, device: str, origin: str) -> Reset:
    """Return the account that a reset mail is for, and whether a mail may leave at all; the page is the same (F8).

    Only what leaves is counted. The account counts it, whatever the spelling of its reference (X10). So does the
    address of origin, unless the account knows the device (X07).
    """
    begin_write()
    row = authentication.row_of(reference, device)
    contract = db.session.get(Contract, row.contract_id or sessions.NOBODY)
    account = lock_account_of(contract)
    reset = Reset(account, contract if account is not None else None)
    whose = str(account.id) if account is not None else f"reference {reference.lstrip('0')}"
    is_counted = not (device and row.knows_device)
    turn = rate_limits.use("reset", Per.ORIGIN, origin) if is_counted else 0
    if turn < 0:
        return reset  # asked first, so that whoever floods takes nothing from the accounts
    is_again = rate_limits.use("reset again", Per.ACCOUNT, whose) < 0  # the button was pressed twice (T38)
    if is_again or rate_limits.use("reset", Per.ACCOUNT, whose) < 0:
        if is_counted:
            rate_limits.give_back("reset", Per.ORIGIN, origin)
        return reset
    audit.record("reset_requested", account=account, contract=contract)
    return reset._replace(turn=turn)


def reset_password(account: Account, password_hash: str, *, device: str) -> None:
    """Set the password of a reset link: every session ends, every open link dies, every delay is lifted.

    The password comes hashed: whoever begins a write must not wait for a hash. The device counts as known from now on:
    whoever reads the owner's mail is not held up by a stranger's tries (T21). Every other one is forgotten (X12).
    """
    account.password_hash = password_hash
    sessions.end_all(account)
    sessions.forget_devices(account)
    email_change.drop(account)
    sessions.note_device(account, device)
    rate_limits.succeed("login", Per.ACCOUNT, account.id)
    audit.record("password_reset", account=account)


def change_password(account: Account, password_hash: str) -> EmailChange | None:
    """Set another password, which comes hashed: every session ends, every open link and known device is forgotten (F4).

    Returns the change of address that its reader must confirm once more, if the address is in doubt now.
    """
    account.password_hash = password_hash
    sessions.end_all(account)
    sessions.forget_devices(account)
    email_change.drop(account)
    audit.record("password_changed", account=account)
    return email_change.doubt(account)


def close(account: Account, *, actor: str = "tenant") -> list[str]:
    """Close the account: every session ends, every open link dies, each yes becomes a no; its password opens it again.

    Returns the references of the contracts whose answers have changed.
    """
    account.closed_at = utcnow()
    sessions.end_all(account)
    email_change.drop(account)
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


def lock_account_of(contract: Contract | None) -> Account | None:
    """Return the account of a contract as it stands now, kept from other writers until the transaction ends (X15).

    One that is gone is none. Lock the contract before where the answer decides to which account it belongs.
    """
    number = contract.account_id if contract is not None else None
    account = db.session.scalars(_LOCKED, {"id": number or sessions.NOBODY}).one_or_none()
    return None if account is None or account.is_gone else account


def _account_of(contract: Contract) -> Account | None:
    """Return the account of a contract, open or to be opened again; one that is gone is none."""
    return None if contract.account is None or contract.account.is_gone else contract.account


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
