"""The links that staff get by mail: to use an invitation, and to choose another password. Each dies with its use."""

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer

from ..accounts import signed_links
from ..accounts.signed_links import PatientSigner
from ..db import db, utcnow
from ..settings import settings
from .models import Staff

#: By purpose: how long a link lives, what must not change meanwhile, and whether it may be used.
_LIFETIMES: dict[str, Callable[[], timedelta]] = {
    "invitation": lambda: settings.activation_hours,
    "password": lambda: settings.reset_hours,
}
_FACTS: dict[str, Callable[[Staff], tuple[object, ...]]] = {
    "invitation": lambda staff: (staff.invited_at, staff.enrolled_at),
    "password": lambda staff: (staff.password_hash, staff.email),
}
_IS_FOR: dict[str, Callable[[Staff], bool]] = {
    "invitation": lambda staff: not staff.is_enrolled,
    "password": lambda staff: staff.is_enrolled,
}


def issue(purpose: str, staff: Staff) -> str:
    """Return a new token."""
    return _serializer(purpose).dumps([staff.id, _fingerprint(purpose, staff)])


def expires_at(purpose: str) -> datetime:
    """Return when a token expires that is issued now."""
    return utcnow() + _LIFETIMES[purpose]()


def verify(purpose: str, token: str, *, lock: bool = False) -> Staff | None:
    """Return whose link it is, if it holds, and `lock` his row until the transaction ends."""
    try:
        number, fingerprint = _serializer(purpose).loads(token, max_age=int(_LIFETIMES[purpose]().total_seconds()))
    except BadSignature:
        return None
    options: dict[str, Any] = {"with_for_update": True, "populate_existing": True} if lock else {}
    staff = db.session.get(Staff, number, **options)
    if staff is None or not _IS_FOR[purpose](staff):
        return None
    return staff if hmac.compare_digest(fingerprint, _fingerprint(purpose, staff)) else None


def _fingerprint(purpose: str, staff: Staff) -> str:
    facts = "\x1f".join(str(fact) for fact in _FACTS[purpose](staff))
    return hashlib.sha256(f"portal.staff.{purpose}\x1f{facts}".encode()).hexdigest()[:32]


def _serializer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        signed_links.keys(),
        salt=f"portal.staff.{purpose}",
        signer=PatientSigner,
        signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
    )
