"""Sign-up and activation: an account before its first login."""

import enum
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import bindparam, exists, func, select

from .. import audit
from ..contracts import lookup
from ..db import begin_write, db, utcnow
from ..models import Account, ConsentPurpose, Contract, Mail
from ..settings import settings
from . import consents, passwords, rate_limits, sessions
from .limited_acts import REPEAT_WINDOW, Per
from .locks import lock_account

_OF_CONTRACT = select(Account).join(Account.contracts).where(Contract.id == bindparam("contract_id"))


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What a sign-up stores besides the password; compared whole, so that no new field is forgotten."""

    email: str
    choices: Mapping[ConsentPurpose, bool]

    @classmethod
    def stored(cls, account: Account, contract: Contract) -> "Submission":
        """Return what was stored."""
        answers = consents.current(account.id, contract.id)
        return cls(email=account.email, choices={purpose: row.answer for purpose, row in answers.items()})


class Outcome(enum.Enum):
    """How a sign-up ends; see `sign_up`."""

    CREATED = enum.auto()
    REPEATED = enum.auto()
    ALREADY_REGISTERED = enum.auto()
    LIMITED = enum.auto()


def new_key() -> str:
    """Return an unguessable name of a sign-up."""
    return secrets.token_urlsafe(24)


@dataclass(frozen=True)
class RegistrationResult:
    """How a sign-up ended, and its account; only a limited one may lack it."""

    outcome: Outcome
    account: Account | None = None
    #: Of the pending account, else one that opens nothing: the next page looks the same.
    key: str = field(default_factory=new_key)


def sign_up(contract: Contract, submission: Submission, *, password: str, language: str) -> RegistrationResult:
    """Sign up for a contract. Leaves a transaction open for the caller to commit. It ends in one of four ways:

    1. CREATED: the account is pending. It replaces an unfinished one (T07, T15).
    2. REPEATED: the same submission came a moment ago, and its mail is written (T38).
    3. ALREADY_REGISTERED: a finished account exists, perhaps closed, and stays as it is (T13, T35).
    4. LIMITED: the contract has had too many sign-ups within the hour.

    All four hash the password first, so that they take the same time.
    """
    account = _account_of(contract)
    may_repeat = account is not None and _is_repeat(account, contract, submission)
    former_hash = account.password_hash if account is not None and may_repeat else None
    contract_id = contract.id
    db.session.rollback()  # frees the connection while hashing
    is_repeat = former_hash is not None and bool(passwords.verify(former_hash, password))
    password_hash = former_hash if former_hash is not None and is_repeat else passwords.hash(password)

    begin_write()
    contract = lookup.lock(contract_id)
    account = lock_account(contract) if contract.account_id is not None else None
    is_changed = account is not None and account.password_hash != former_hash
    if account is not None and is_changed and _is_repeat(account, contract, submission):
        # The other half of a double click was stored meanwhile: verify its hash, outside of the transaction too.
        return sign_up(contract, submission, password=password, language=language)
    if account is not None and account.is_finished:
        if _has_mail_since(account, "already_registered"):
            return RegistrationResult(Outcome.REPEATED, account)
        if rate_limits.count_use("signup", Per.CONTRACT, contract.id) is None:
            return RegistrationResult(Outcome.LIMITED, account)
        audit.record("signup_again", account=account, contract=contract)
        return RegistrationResult(Outcome.ALREADY_REGISTERED, account)
    # An unchanged hash means an unchanged submission, but for the address (T07).
    if account is not None and is_repeat and not is_changed and account.email == submission.email:
        return RegistrationResult(Outcome.REPEATED, account, account.signup_key)
    if rate_limits.count_use("signup", Per.CONTRACT, contract.id) is None:
        return RegistrationResult(Outcome.LIMITED, account)
    if account is None:
        account = Account()
        db.session.add(account)
        contract.account = account
    else:
        sessions.end_all(account)
        rate_limits.clear("login", Per.ACCOUNT, account.id)  # of the former password
        rate_limits.clear("login", Per.LINK, account.id)
    account.email, account.password_hash, account.signup_key = submission.email, password_hash, new_key()
    account.language, account.created_at = language, utcnow()
    account.activated_at = account.email_failed_at = None
    db.session.flush()
    consents.record(account, contract, submission.choices, channel="form")
    audit.record("signed_up", account=account, contract=contract, step=8)
    return RegistrationResult(Outcome.CREATED, account, account.signup_key)


def pending_sign_up(contract_id: int, key: str, *, lock: bool = False) -> Account | None:
    """Return the account of that sign-up until it is finished or replaced."""
    if lock:
        account = lock_account(db.session.get(Contract, contract_id))
    else:
        account = db.session.scalars(_OF_CONTRACT, {"contract_id": contract_id}).one_or_none()
    if account is None or account.is_finished or account.is_closed:
        return None
    return account if secrets.compare_digest(account.signup_key, key) else None


def has_other_account(email: str, *, besides: Account) -> bool:
    """Tell whether another account with that address stands, which takes the same time either way (F9)."""
    others = Account.id != besides.id, Account.completed_at.is_not(None), Account.closed_at.is_(None)
    is_same = Account.email.in_({email, email.lower()})  # by the index
    return bool(db.session.scalar(select(func.count()).select_from(Account).where(is_same, *others)))


def last_activation_mail(account: Account) -> datetime:
    """Return when the newest activation mail was written."""
    newest = select(func.max(Mail.created_at)).where(Mail.account_id == account.id, Mail.kind == "activation")
    return db.session.scalar(newest) or account.created_at


def count_resend(contract_id: int) -> bool:
    """Count one more mail of a sign-up; tell whether it may leave."""
    return rate_limits.count_use("resend", Per.CONTRACT, contract_id) is not None


def change_sign_up_email(account: Account, email: str, *, actor: str = "tenant") -> None:
    """Correct the address of a pending account; links to the former one are dead (T07)."""
    if account.email != email:
        account.email, account.activated_at, account.email_failed_at = email, None, None
        audit.record("signup_email_changed", account=account, contract=account.contracts[0], step=6, actor=actor)


def activate(account: Account) -> None:
    """Activate the account; only the password opens it (S39)."""
    if not account.is_activated:
        account.activated_at = utcnow()
        audit.record("activated", account=account, contract=account.contracts[0], step=9)


def guessable_words(contract: Contract | None, *more: str) -> list[str]:
    """Return words that whoever knows the tenant would guess."""
    words = [settings.landlord_name, settings.landlord_email, *more]
    if contract is not None:
        words += [contract.reference, contract.module, contract.first_name, contract.last_name, contract.city]
    return [word for word in words if word]


def _account_of(contract: Contract) -> Account | None:
    return None if contract.account is None or contract.account.is_gone else contract.account


def _is_repeat(account: Account, contract: Contract, submission: Submission) -> bool:
    """Tell whether this submission was stored a moment ago, its password aside."""
    if account.is_finished or account.email != submission.email or utcnow() - account.created_at > REPEAT_WINDOW:
        return False  # without a query
    return Submission.stored(account, contract) == submission


def _has_mail_since(account: Account, *kinds: str) -> bool:
    recent = exists().where(
        Mail.account_id == account.id, Mail.kind.in_(kinds), Mail.created_at > utcnow() - REPEAT_WINDOW
    )
    return bool(db.session.scalar(select(recent)))
