"""Signed links: how long each lives and what kills it; the account itself tells whether a link still holds.

What a page of a link acts on travels in its own form: the very token, bound to account, purpose and contract (F20).
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, cast

from flask import current_app
from itsdangerous import BadSignature, SignatureExpired, Signer, URLSafeTimedSerializer

from ..db import db, utcnow
from ..errors import LinkExpired, LinkInvalid, LinkReplaced, LinkUsed
from ..models import OBJECTION, Account, Contract, EmailChange
from ..settings import Settings, settings, state
from ..text import masked_reference


@dataclass(frozen=True)
class Purpose:
    """One kind of link: its time to live, the facts that must not have changed, and how to tell that it was used."""

    lives: Callable[[Settings], timedelta]
    facts: Callable[[Any], tuple[object, ...]]
    is_used: Callable[[Any], bool] = lambda subject: False
    #: Whether such a link may be used at all, whatever is signed.
    may_be: Callable[[Any], bool] = lambda subject: True
    #: What the link is about: an account, or a row that belongs to one.
    subject: type[Account] | type[EmailChange] = Account
    outlives_closing: bool = False


PURPOSES = {
    # Finished or not belongs to the facts: after the first login the link has done its work. That the link was only
    # clicked does not: whoever opens the mail twice comes to the same page.
    "activation": Purpose(
        lives=lambda s: s.activation_hours,
        facts=lambda a: (a.email, a.signup_key, a.is_finished),
        is_used=lambda a: a.is_finished,
    ),
    # Until a first login the password is the tenant's only proof: whoever reads a mistyped address has none (X04).
    "reset": Purpose(
        lives=lambda s: s.reset_hours,
        facts=lambda a: (a.password_hash, a.email),
        may_be=lambda a: a.is_finished,
    ),
    # Kept in the session of whoever has just typed the password of a closed account; it is never mailed.
    "reopening": Purpose(lives=lambda s: s.session_idle_minutes, facts=lambda a: (a.password_hash,)),
    # Goes to the new address, which stands in the row, for anyone can read what is signed.
    "email_change": Purpose(
        lives=lambda s: s.email_change_hours,
        facts=lambda c: (c.account.password_hash, c.account.email, c.confirmed_at, c.ended_at),
        is_used=lambda c: c.confirmed_at is not None and c.ended_at in (None, c.confirmed_at),
        subject=EmailChange,
    ),
    # Goes to the former address. Whoever took the account may have changed the password or closed it: that must not
    # take the owner's last way in.
    "email_objection": Purpose(
        lives=lambda s: OBJECTION,
        facts=lambda c: (c.ended_at,),
        is_used=lambda c: c.ended_at is not None,
        subject=EmailChange,
        outlives_closing=True,
    ),
}


class Link(NamedTuple):
    """A link that holds: the account and the contract that its page names, and its change of address if it has one."""

    token: str
    account: Account
    contract: Contract
    change: EmailChange | None

    @property
    def digits(self) -> str:
        """Return the last digits of the reference, by which its page names the contract."""
        return masked_reference(self.contract.reference)

    @property
    def its_change(self) -> EmailChange:
        """Return the change of address that a link of that kind is about."""
        assert self.change is not None
        return self.change


def issue(purpose: str, subject: Account | EmailChange, contract: Contract | None) -> str:
    """Return a link's token for that account or change; it dies with its time, or when one of its facts changes."""
    number = contract.id if contract is not None else 0
    return _serializer(purpose).dumps([subject.id, number, _fingerprint(purpose, subject)])


def expires_at(purpose: str, *, since: datetime | None = None) -> datetime:
    """Return until when a token holds that is issued now, or was issued at another moment."""
    return (since or utcnow()) + PURPOSES[purpose].lives(settings)


def check_signature(purpose: str, token: str) -> None:
    """Raise `LinkInvalid` unless we signed that token for that purpose, whatever has become of it since."""
    try:
        _serializer(purpose).loads(token)
    except BadSignature:
        raise LinkInvalid(purpose) from None


def verify(purpose: str, token: str, *, lock: bool = False, even_late: bool = False) -> Link:
    """Return what a token is about that still holds; with `lock` its account is kept from others until the write ends.

    With `even_late` its time may be over, for who asks for a fresh one. Raises `LinkExpired`, `LinkUsed`,
    `LinkReplaced` for genuine links past their use, `LinkInvalid` for anything else.
    """
    lives = PURPOSES[purpose].lives(settings)
    late: datetime | None = None
    try:
        payload = _serializer(purpose).loads(token, max_age=int(lives.total_seconds()))
    except SignatureExpired as expired:
        late = (expired.date_signed or datetime.fromtimestamp(0, UTC)) + lives
        payload = _serializer(purpose).loads(token)
    except BadSignature:
        raise LinkInvalid(purpose) from None
    number, *contract_id, fingerprint = payload  # mails of an earlier portal named no contract
    subject: Account | EmailChange | None = db.session.get(cast(Any, PURPOSES[purpose].subject), number)
    if subject is not None and lock:
        db.session.refresh(_account_of(subject), with_for_update={"key_share": True})
        if isinstance(subject, EmailChange):
            db.session.refresh(subject)
    if subject is None or _account_of(subject).is_gone:
        raise LinkInvalid(purpose)
    account = _account_of(subject)
    if not hmac.compare_digest(fingerprint, _fingerprint(purpose, subject)):
        raise LinkUsed(purpose) if PURPOSES[purpose].is_used(subject) else LinkReplaced(purpose)
    contract = next((c for c in account.contracts if not contract_id or c.id == contract_id[0]), None)
    if contract is None or not PURPOSES[purpose].may_be(subject):
        raise LinkReplaced(purpose)
    if late is not None and not even_late:
        raise LinkExpired(purpose, token, late)
    return Link(token, account, contract, subject if isinstance(subject, EmailChange) else None)


def _account_of(subject: Account | EmailChange) -> Account:
    return subject if isinstance(subject, Account) else subject.account


def seal(what: str, value: str) -> str:
    """Return a value of one of our cookies with its signature; it dies with the key that signed it."""
    return _signer(what).sign(value).decode()


def unseal(what: str, sealed: str) -> str:
    """Return the value of such a cookie, or nothing where none of the keys signed it."""
    try:
        return _signer(what).unsign(sealed).decode()
    except (BadSignature, UnicodeDecodeError):
        return ""


def keys() -> list[str]:
    """Return the keys, former ones first: the last one signs, all of them are tried when something comes back."""
    return [*(current_app.config.get("SECRET_KEY_FALLBACKS") or []), current_app.config["SECRET_KEY"]]


def _serializer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        keys(), salt=f"portal.{purpose}", signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    )


def _signer(what: str) -> Signer:
    """Return the signer for a kind of cookie; to make one anew takes as long as to sign."""
    own = ("signer", what, *keys())
    if own not in state.cache:
        state.cache[own] = Signer(keys(), salt=f"portal.{what}", key_derivation="hmac", digest_method=hashlib.sha256)
    signer: Signer = state.cache[own]
    return signer


def _fingerprint(purpose: str, subject: Account | EmailChange) -> str:
    """Return a digest of what must not have changed; it stands inside the signed token, so it needs no key.

    Open or closed belongs to the facts of all purposes but one: no other link outlives a closing or a reopening.
    """
    closed_at = None if PURPOSES[purpose].outlives_closing else _account_of(subject).closed_at
    facts = "\x1f".join(str(fact) for fact in (*PURPOSES[purpose].facts(subject), closed_at))
    return hashlib.sha256(f"portal.{purpose}\x1f{facts}".encode()).hexdigest()[:32]
