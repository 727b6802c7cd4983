"""Passwords: hashed with Argon2id at a cost that is the same for everyone, and refused with the reason when weak."""

import os
import re
import threading
from collections.abc import Iterable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn_rs_py import zxcvbn

from .rules import (
    PASSWORD_CONTEXT,
    PASSWORD_DIGITS_MIN,
    PASSWORD_MAX,
    PASSWORD_MIN,
    PASSWORD_SCORE_MIN,
    normal_password,
)
from .settings import settings, state


def hash(password: str) -> str:  # noqa: A001 (read as passwords.hash)
    """Return the Argon2id hash of a password."""
    with _place():
        return _hasher().hash(normal_password(password))


def verify(password_hash: str | None, password: str) -> bool:
    """Tell whether the password is the one of the hash; without a hash the same work is done, and the answer is no."""
    try:
        with _place():
            _hasher().verify(password_hash or _nobodys_hash(), normal_password(password))
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Tell whether a hash was made with other parameters than the settings now ask for."""
    return _hasher().check_needs_rehash(password_hash)


def weakness(password: str, context: Iterable[str]) -> str | None:
    """Return why a password is refused, or None: `short`, `long`, `digits` or `guessable`.

    `context` is what a guesser knows of this tenant: reference, module, name, address, the landlord's name.
    """
    password = normal_password(password)
    if len(password) < PASSWORD_MIN:
        return "short"
    if len(password) > PASSWORD_MAX:
        return "long"
    if len(password) < PASSWORD_DIGITS_MIN and re.fullmatch(r"[\d\s./-]+", password):
        return "digits"
    known = [word.lower() for text in context for word in (text, *re.split(r"[\W_]+", text)) if len(word) > 2]
    if int(zxcvbn(password, [*PASSWORD_CONTEXT, *known]).score) < PASSWORD_SCORE_MIN or _is_only_known(password, known):
        return "guessable"
    return None


def _is_only_known(password: str, known: list[str]) -> bool:
    """Tell whether nothing of weight is left of a password once the words that a guesser knows are taken out."""
    rest = password.lower()
    for word in sorted((*PASSWORD_CONTEXT, *known), key=len, reverse=True):
        rest = rest.replace(word, "")
    return len(re.sub(r"[\W_\d]+", "", rest)) < 4 and len(rest) < len(password) / 2


def _place() -> threading.Semaphore:
    """Return the gate that lets as many hashes be computed at once as there are processors.

    More would only take memory from each other; pages that hash nothing go on meanwhile (ASVS 15.1.3).
    """
    gate: threading.Semaphore = state.cache.setdefault("hashing", threading.Semaphore(os.cpu_count() or 1))
    return gate


def _hasher() -> PasswordHasher:
    hasher: PasswordHasher | None = state.cache.get("hasher")
    if hasher is None:
        hasher = PasswordHasher(time_cost=settings.argon2_passes, memory_cost=settings.argon2_memory_kib, parallelism=1)
        state.cache["hasher"] = hasher
    return hasher


def _nobodys_hash() -> str:
    """Return a hash to verify against when there is no account, so that the answer takes as long as for one."""
    if "nobodys_hash" not in state.cache:
        state.cache["nobodys_hash"] = _hasher().hash("nobody")
    return str(state.cache["nobodys_hash"])
