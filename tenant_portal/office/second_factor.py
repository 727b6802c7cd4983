"""The second factor of the staff: codes of a telephone (TOTP), each good once, and recovery codes on paper.

The secret of the codes is sealed by a key made of `SECRET_KEY`: a copy of the database alone opens nothing. It is
shorter than one block of HMAC, so that a block of its own, never used twice, covers it whole.
"""

import hmac
import secrets
from base64 import b32decode, b32encode, b64decode, b64encode
from typing import NamedTuple

import pyotp
import segno

from ..accounts.signed_links import keys as all_keys
from ..db import utcnow
from ..settings import settings
from .models import Staff

#: Of a secret, as RFC 4226 asks; of the number that covers it; of the mark that tells the right key.
SECRET_BYTES, _NONCE_BYTES, _MARK_BYTES = 20, 16, 12
#: A code counts half a minute, and the one before and after it, as clocks differ.
STEP_SECONDS, STEPS_AROUND = 30, (-1, 0, 1)
RECOVERY_CODES = 10
#: Signs that nobody reads for another: 31 of them, 16 of a code carry 79 bits.
_SIGNS, _CODE_SIGNS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789", 16


class Square(NamedTuple):
    """A QR code: its side, and the path that draws its dark modules."""

    side: int
    path: str


def new_secret() -> str:
    """Return a new secret, as telephones read it."""
    return b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def in_groups(secret: str) -> str:
    """Return a secret in groups of four, to be typed."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def square(secret: str, email: str) -> Square:
    """Return the QR code that hands a secret to a telephone."""
    address = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=settings.landlord_name)
    matrix = segno.make(address, error="m", micro=False).matrix
    dark = (f"M{x} {y}h1v1h-1z" for y, row in enumerate(matrix) for x, module in enumerate(row) if module)
    return Square(len(matrix), "".join(dark))


def seal(secret: str) -> str:
    """Return a secret as the database keeps it, under the present key."""
    key, nonce = _keys()[-1], secrets.token_bytes(_NONCE_BYTES)
    covered = nonce + _covered(key, nonce, b32decode(secret))
    return b64encode(covered + _mark(key, covered)).decode()


def unseal(sealed: str) -> str:
    """Return the secret; empty where none of our keys has sealed it."""
    raw = b64decode(sealed)
    covered, mark = raw[:-_MARK_BYTES], raw[-_MARK_BYTES:]
    for key in reversed(_keys()):
        if hmac.compare_digest(_mark(key, covered), mark):
            return b32encode(_covered(key, covered[:_NONCE_BYTES], covered[_NONCE_BYTES:])).decode()
    return ""


def is_sealed_by_a_former_key(sealed: str) -> bool:
    """Tell whether a secret must be sealed anew, before the former key goes."""
    raw = b64decode(sealed)
    return not hmac.compare_digest(_mark(_keys()[-1], raw[:-_MARK_BYTES]), raw[-_MARK_BYTES:])


def step_of(secret: str, code: str, *, after: int = 0) -> int | None:
    """Return the half minute whose code this is, if it is a fresh one: later than `after`."""
    typed = code.replace(" ", "").replace("\u00a0", "")
    now = int(utcnow().timestamp()) // STEP_SECONDS
    if not (secret and typed.isascii() and typed.isdigit()):
        return None
    codes = pyotp.TOTP(secret)
    fitting = [now + off for off in STEPS_AROUND if hmac.compare_digest(codes.generate_otp(now + off), typed)]
    return next((step for step in fitting if step > after), None)


def fresh_step(staff: Staff, code: str) -> int | None:
    """Return the half minute of a code of his telephone that was not used yet."""
    return step_of(unseal(staff.totp_secret) if staff.totp_secret else "", code, after=staff.totp_step)


def new_recovery_codes() -> list[str]:
    """Return ten codes, as they are printed."""
    signs = ("".join(secrets.choice(_SIGNS) for _ in range(_CODE_SIGNS)) for _ in range(RECOVERY_CODES))
    return ["-".join(text[at : at + 4] for at in range(0, _CODE_SIGNS, 4)) for text in signs]


def bare(recovery_code: str) -> str:
    """Return a recovery code without what people type between its groups."""
    return "".join(sign for sign in recovery_code.upper() if sign.isalnum())


def _keys() -> list[bytes]:
    """Return the keys of this purpose, the present one last."""
    texts = (key.encode() if isinstance(key, str) else key for key in all_keys())
    return [hmac.digest(text, b"portal.totp", "sha256") for text in texts]


def _covered(key: bytes, nonce: bytes, secret: bytes) -> bytes:
    """Cover a secret, or uncover it."""
    block = hmac.digest(key, b"cover" + nonce, "sha256")
    return bytes(one ^ other for one, other in zip(secret, block, strict=False))


def _mark(key: bytes, covered: bytes) -> bytes:
    return hmac.digest(key, b"mark" + covered, "sha256")[:_MARK_BYTES]
