"""Signed links: how long each kind lives and what kills it. They need no table."""

import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, cast

from flask import current_app
from itsdangerous import BadSignature, SignatureExpired, Signer, TimestampSigner, URLSafeTimedSerializer

from ..db import db, utcnow
from ..errors import LinkExpired, LinkInvalid, LinkReplaced, LinkUsed
from ..models import OBJECTION, Account, Contract
from ..settings import Settings, settings, state
from ..text import masked_reference
from . import email_change, freezing
from .email_change import EmailChange

#: How far ahead the clock of another server may be.
CLOCK_LEEWAY = timedelta(minutes=1)
#: How long the owner of a contract may hand it over to the account that asked (T27).
HANDOVER = timedelta(hours=72)


class PatientSigner(TimestampSigner):
    """A signer that takes what a server with a clock ahead of ours has just signed; itsdangerous calls it expired."""

    def unsign(self, signed_value: Any, max_age: int | None = None, return_timestamp: bool = False) -> Any:
        """Return the value, and when it was signed if that is asked for."""
        value, at = super().unsign(signed_value, return_timestamp=True)
        age = self.timestamp_to_datetime(self.get_timestamp()) - at
        if max_age is not None and not -CLOCK_LEEWAY <= age <= timedelta(seconds=max_age):
            raise SignatureExpired(f"signed {age} ago", payload=value, date_signed=at)
        return (value, at) if return_timestamp else value


class Handover(NamedTuple):
    """A contract that has an account, and the account that asks for it."""

    contract: Contract
    receiver: Account

    @property
    def id(self) -> int:
        """Return the number that its link holds beside that of the contract."""
        return self.receiver.id

    @property
    def is_frozen(self) -> bool:
        """Tell whether one of the two accounts is frozen."""
        return self.receiver.is_frozen or (self.contract.account is not None and self.contract.account.is_frozen)


Subject = Account | EmailChange | Handover


@dataclass(frozen=True)
class LinkKind:
    """One kind of link."""

    lifetime: Callable[[Settings], timedelta]
    #: What must not change while the link lives.
    facts: Callable[[Any], tuple[object, ...]]
    is_used: Callable[[Any], bool] = lambda subject: False
    is_allowed: Callable[[Any], bool] = lambda subject: True
    #: Whose mails may hold the link, where it counts who reads it.
    readers: Callable[[Any], Iterable[str]] = lambda subject: ("",)
    subject: type[Account] | type[EmailChange] | type[Handover] = Account
    outlives_closing: bool = False


#: As long as the account: bound to its sign-up, whose key is never used again, and to nothing that changes.
_UNSUBSCRIBING = LinkKind(
    lifetime=lambda s: timedelta(days=36_500), facts=lambda a: (a.signup_key,), outlives_closing=True
)

#: By purpose, which also names salt and mail.
LINK_KINDS = {
    # Used up by the first login: tenants open their mail twice.
    "activation": LinkKind(
        lifetime=lambda s: s.activation_hours,
        facts=lambda a: (a.email, a.signup_key, a.is_finished),
        is_used=lambda a: a.is_finished,
    ),
    # Until the first login the address may be mistyped: only the password proves the tenant (X04).
    "reset": LinkKind(
        lifetime=lambda s: s.reset_hours,
        facts=lambda a: (a.password_hash, a.email, *([a.frozen_at] if a.is_frozen else [])),
        is_allowed=lambda a: a.is_finished and not freezing.is_disputed(a),
    ),
    # Kept in the session after the password of a closed account, never mailed.
    "reopening": LinkKind(lifetime=lambda s: s.session_idle_minutes, facts=lambda a: (a.password_hash,)),
    # The new address stands in the row, as anyone can read a signed payload.
    "email_change": LinkKind(
        lifetime=lambda s: s.email_change_hours,
        facts=lambda c: (c.account.password_hash, c.account.email, c.confirmed_at, c.ended_at),
        is_used=lambda c: c.confirmed_at is not None and c.ended_at in (None, c.confirmed_at),
        subject=EmailChange,
    ),
    # No password: its tenant has lost it. The office has identified him, and the address on file can object (F27).
    "office_email_change": LinkKind(
        lifetime=lambda s: email_change.PROOF,
        facts=lambda c: (c.account.email, c.confirmed_at, c.ended_at),
        is_used=lambda c: c.confirmed_at is not None and c.ended_at in (None, c.confirmed_at),
        subject=EmailChange,
    ),
    # What a thief does must not kill it: it holds as long as its reader may freeze the account.
    "not_me": LinkKind(
        lifetime=lambda s: OBJECTION,
        facts=lambda a: (a.signup_key, a.thawed_at),
        is_allowed=lambda a: a.is_finished,
        readers=freezing.readers,
        outlives_closing=True,
    ),
    # Dead once either account or the contract changes hands.
    "handover": LinkKind(
        lifetime=lambda s: HANDOVER,
        facts=lambda h: (
            *(h.contract.account_id, h.contract.account.password_hash, h.contract.account.email),
            *(h.receiver.password_hash, h.receiver.closed_at),
        ),
        is_used=lambda h: h.contract.account_id == h.receiver.id,
        is_allowed=lambda h: h.contract.account_id != h.receiver.id and not h.receiver.is_closed and not h.is_frozen,
        subject=Handover,
    ),
    "unsubscribe_commercial": _UNSUBSCRIBING,
    "unsubscribe_general": _UNSUBSCRIBING,
}


class Link(NamedTuple):
    """A verified link: its account, the contract that its page names, and what it is about."""

    token: str
    account: Account
    contract: Contract
    subject: Subject
    #: Whose mail it came from, where that counts.
    reader: str = ""

    @property
    def digits(self) -> str:
        """Return the last digits of the reference."""
        return masked_reference(self.contract.reference)

    @property
    def its_change(self) -> EmailChange:
        """Return the change of address, which this link must have."""
        assert isinstance(self.subject, EmailChange)
        return self.subject

    @property
    def its_handover(self) -> Handover:
        """Return the handover, which this link must have."""
        assert isinstance(self.subject, Handover)
        return self.subject


def issue(purpose: str, subject: Any, contract: Any, *, reader: str = "") -> str:
    """Return a new token for a subject and a contract or None, in a mail to `reader` where that counts."""
    number = contract.id if contract is not None else 0
    return _serializer(purpose).dumps([subject.id, number, _fingerprint(purpose, subject, reader.lower())])


def renewed(purpose: str, address: str) -> str:
    """Return the address of a link with a new token, even if its own has expired; raises as `verify` does."""
    page, _, token = address.rpartition("/")
    link = verify(purpose, token, even_late=True)
    return f"{page}/{issue(purpose, link.subject, link.contract, reader=link.reader)}"


def lifetime(purpose: str) -> timedelta:
    """Return how long a link of that purpose lives."""
    return LINK_KINDS[purpose].lifetime(settings)


def expires_at(purpose: str, *, since: datetime | None = None) -> datetime:
    """Return when a token expires, issued then or now."""
    return (since or utcnow()) + lifetime(purpose)


def check_signature(purpose: str, token: str) -> None:
    """Raise `LinkInvalid` unless we signed that token for that purpose, expired or not."""
    try:
        _serializer(purpose).loads(token)
    except BadSignature:
        raise LinkInvalid(purpose) from None


def verify(purpose: str, token: str, *, lock: bool = False, even_late: bool = False) -> Link:
    """Return the link of a token that holds, and `lock` its account until the transaction ends.

    `even_late` accepts an expired one. A handover wants other locks, before it (`joining.lock`). Raises `LinkExpired`,
    `LinkUsed` or `LinkReplaced` for a genuine token, `LinkInvalid` for any other.
    """
    kind = LINK_KINDS[purpose]
    longest = lifetime(purpose)
    late: datetime | None = None
    try:
        payload = _serializer(purpose).loads(token, max_age=int(longest.total_seconds()))
    except SignatureExpired as expired:
        late = (expired.date_signed or datetime.fromtimestamp(0, UTC)) + longest
        payload = _serializer(purpose).loads(token)
    except BadSignature:
        raise LinkInvalid(purpose) from None
    number, *contract_id, fingerprint = payload  # a link may name no contract
    subject = _subject(kind, number, *contract_id)
    if subject is not None and lock:
        db.session.refresh(_account_of(subject), with_for_update={"key_share": True})
        if isinstance(subject, EmailChange):
            db.session.refresh(subject)
    if subject is None or _account_of(subject).is_gone:
        raise LinkInvalid(purpose)
    account = _account_of(subject)
    fits = (
        who for who in kind.readers(subject) if hmac.compare_digest(fingerprint, _fingerprint(purpose, subject, who))
    )
    reader = next(fits, None)
    if reader is None:
        raise (LinkUsed if kind.is_used(subject) else LinkReplaced)(purpose, account.id)
    contract = _contract_of(account, kind, *contract_id)
    if contract is None or not kind.is_allowed(subject):
        raise LinkReplaced(purpose, account.id)
    if late is not None and not even_late:
        raise LinkExpired(purpose, token, late)
    return Link(token, account, contract, subject, reader)


def seal(what: str, value: str) -> str:
    """Return a value with its signature; anyone can read it."""
    return _signer(what).sign(value).decode()


def unseal(what: str, sealed: str) -> str:
    """Return the value if we signed it, else an empty text."""
    try:
        return _signer(what).unsign(sealed).decode()
    except (BadSignature, UnicodeDecodeError):
        return ""


def keys() -> list[str]:
    """Return the keys, former ones first: the last signs, all verify."""
    return [*(current_app.config.get("SECRET_KEY_FALLBACKS") or []), current_app.config["SECRET_KEY"]]


def _subject(kind: LinkKind, number: int, contract_id: int = 0) -> Subject | None:
    """Return what a link is about, unless a row of it is gone."""
    if kind.subject is not Handover:
        found: Account | EmailChange | None = db.session.get(cast(Any, kind.subject), number)
        return found
    contract, receiver = db.session.get(Contract, contract_id), db.session.get(Account, number)
    has_both = contract is not None and contract.account is not None and receiver is not None
    return Handover(cast(Contract, contract), cast(Account, receiver)) if has_both else None


def _contract_of(account: Account, kind: LinkKind, number: int = 0) -> Contract | None:
    """Return the contract that a link names, if the account has it; any of the account's for a link that names none.

    A handover must not take away the owner's « Ce n'est pas moi ».
    """
    named = [contract for contract in account.contracts if contract.id == number]
    is_any = not number or kind.outlives_closing
    return next(iter(named or (account.contracts if is_any else [])), None)


def _account_of(subject: Subject) -> Account:
    if isinstance(subject, Handover):
        return cast(Account, subject.contract.account)
    return subject if isinstance(subject, Account) else subject.account


def _serializer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        keys(),
        salt=f"portal.{purpose}",
        signer=PatientSigner,
        signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
    )


def _signer(what: str) -> Signer:
    """Return a cached signer: making one takes as long as signing."""
    own = ("signer", what, *keys())
    if own not in state.cache:
        state.cache[own] = Signer(keys(), salt=f"portal.{what}", key_derivation="hmac", digest_method=hashlib.sha256)
    signer: Signer = state.cache[own]
    return signer


def _fingerprint(purpose: str, subject: Subject, reader: str = "") -> str:
    """Hash the facts that a link depends on, without a key: the token around it is signed.

    `closed_at` is included unless the kind outlives the closing.
    """
    kind = LINK_KINDS[purpose]
    closed_at = None if kind.outlives_closing else _account_of(subject).closed_at
    facts = "\x1f".join(str(fact) for fact in (*kind.facts(subject), closed_at, *filter(None, [reader])))
    return hashlib.sha256(f"portal.{purpose}\x1f{facts}".encode()).hexdigest()[:32]
