"""Everything that can happen to an account, in the words of the trade; no page, no mail, no commit in here."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class RegistrationResult:
    """What became of a sign-up. `account` is the pending one, `existing` the finished one that stands already."""

    key: str
    account: Account | None = None
    existing: Account | None = None
    is_repeat: bool = False
    is_excessive: bool = False


def new_key() -> str:
    """Return a name for one sign-up that nobody can guess."""
    return secrets.token_urlsafe(24)


def sign_up(
    contract: Contract, *, email: str, password: str, choices: Mapping[ConsentPurpose, bool], language: str
) -> RegistrationResult:
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
    account = lock_account(contract) if contract.account_id is not None else None
    is_news = account is not None and account.password_hash != former_hash
    if account is not None and is_news and _is_repeat(account, contract, email=email, choices=choices):
        # Taken meanwhile: a double click sends both side by side. Its hash is asked outside of the write, as before.
        return sign_up(contract, email=email, password=password, choices=choices, language=language)
    if account is not None and account.is_finished:
        if _has_mail_since(account, "already_registered"):
            return RegistrationResult(key=new_key(), existing=account, is_repeat=True)
        is_excessive = rate_limits.count_use("signup", Per.CONTRACT, contract.id) is None
        if not is_excessive:
            audit.record("signup_again", account=account, contract=contract)
        return RegistrationResult(key=new_key(), existing=account, is_excessive=is_excessive)
    if account is not None and is_repeat and account.password_hash == former_hash and account.email == email:
        return RegistrationResult(key=account.signup_key, account=account, is_repeat=True)
    if rate_limits.count_use("signup", Per.CONTRACT, contract.id) is None:
        return RegistrationResult(key=new_key(), is_excessive=True)
    if account is None:
        account = Account()
        db.session.add(account)
        contract.account = account
    else:
        sessions.end_all(account)
        rate_limits.clear_failures("login", Per.ACCOUNT, account.id)  # what failed was another password
        rate_limits.clear_failures("login", Per.LINK, account.id)
    account.email, account.password_hash, account.signup_key = email, password_hash, new_key()
    account.language, account.created_at = language, utcnow()
    account.activated_at = account.email_failed_at = None
    db.session.flush()
    consents.record(account, contract, choices, channel="form")
    audit.record("signed_up", account=account, contract=contract, step=8)
    return RegistrationResult(key=account.signup_key, account=account)


def pending_sign_up(contract_id: int, key: str, *, lock: bool = False) -> Account | None:
    """Return the unfinished account of that very sign-up; None once it is finished, or replaced by a newer one."""
    if lock:
        account = lock_account(db.session.get(Contract, contract_id))
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
    return rate_limits.count_use("resend", Per.CONTRACT, contract_id) is not None


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


def guessable_words(contract: Contract | None, *more: str) -> list[str]:
    """Return what a guesser knows of a tenant, for the check of his password."""
    words = [settings.landlord_name, settings.landlord_email, *more]
    if contract is not None:
        words += [contract.reference, contract.module, contract.first_name, contract.last_name, contract.city]
    return [word for word in words if word]


def _account_of(contract: Contract) -> Account | None:
    """Return the account of a contract, open or to be opened again; one that is gone is none."""
    return None if contract.account is None or contract.account.is_gone else contract.account


def _is_repeat(account: Account, contract: Contract, *, email: str, choices: Mapping[ConsentPurpose, bool]) -> bool:
    """Tell whether this is, but for the password, the sign-up that was just taken, sent twice."""
    if account.is_finished or account.email != email or utcnow() - account.created_at > REPEAT_WINDOW:
        return False
    given = {purpose: row.answer for purpose, row in consents.current(account.id, contract.id).items()}
    return given == dict(choices)


def _has_mail_since(account: Account | None, *kinds: str) -> bool:
    """Tell whether such a mail was written for the account within the time of a repeat."""
    whose = Mail.account_id == (account.id if account is not None else sessions.NO_ACCOUNT_ID)
    recent = exists().where(whose, Mail.kind.in_(kinds), Mail.created_at > utcnow() - REPEAT_WINDOW)
    return bool(db.session.scalar(select(recent)))
