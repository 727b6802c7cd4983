"""Passwords: hashed with Argon2id at a cost that is the same for everyone, and refused with the reason when weak."""

import os
import re
import secrets
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

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
from .settings import settings, state, workers

#: Longest text that is looked at as a password: 128 characters, each typed with up to three accents of its own.
#: Bringing a longer one to its normal form can take seconds.
_TYPED_MAX = 4 * PASSWORD_MAX
#: Characters of which zxcvbn tells whether they can be guessed: its time grows without measure with the number of
#: signs that may stand for letters (128 of them: over a second, during which no page is answered; 32: a tenth of it).
_GUESSED_MAX = 32


def hash(password: str) -> str:  # noqa: A001 (read as passwords.hash)
    """Return the Argon2id hash of a password; let go of the database before, as this may have to wait."""
    return str(_compute(_hasher().hash, normal_password(password)))


def unknown() -> str:
    """Return the hash of a password that nobody knows, so that nobody logs in before another one is chosen."""
    return hash(secrets.token_urlsafe(32))


def verify(password_hash: str | None, password: str) -> bool:
    """Tell whether the password is the one of the hash; without a hash the same work is done, and the answer is no.

    Let go of the database before, as this may have to wait for others' passwords.
    """
    is_possible = password_hash is not None and not _is_too_long(password)
    password = "" if _is_too_long(password) else password
    try:
        _compute(_hasher().verify, password_hash or _nobodys_hash(), normal_password(password))
    except (VerificationError, InvalidHashError):
        return False
    return is_possible


def needs_rehash(password_hash: str) -> bool:
    """Tell whether a hash was made with other parameters than the settings now ask for."""
    return _hasher().check_needs_rehash(password_hash)


def weakness(password: str, context: Iterable[str]) -> str | None:
    """Return why a password is refused, or None: `short`, `long`, `digits` or `guessable`.

    `context` is what a guesser knows of this tenant: reference, module, name, address, the landlord's name.
    """
    if _is_too_long(password):
        return "long"
    password = normal_password(password)
    if len(password) < PASSWORD_MIN:
        return "short"
    if len(password) < PASSWORD_DIGITS_MIN and re.fullmatch(r"[\d\s./-]+", password):
        return "digits"
    known = [word.lower() for text in context for word in (text, *re.split(r"[\W_]+", text)) if len(word) > 2]
    score = int(zxcvbn(password[:_GUESSED_MAX], [*PASSWORD_CONTEXT, *known]).score)
    if score < PASSWORD_SCORE_MIN or _is_only_known(password, known):
        return "guessable"
    return None


def _is_only_known(password: str, known: list[str]) -> bool:
    """Tell whether nothing of weight is left of a password once the words that a guesser knows are taken out."""
    rest = password.lower()
    for word in sorted((*PASSWORD_CONTEXT, *known), key=len, reverse=True):
        rest = rest.replace(word, "")
    return len(re.sub(r"[\W_\d]+", "", rest)) < 4 and len(rest) < len(password) / 2


def _is_too_long(password: str) -> bool:
    return len(password) > _TYPED_MAX or len(normal_password(password)) > PASSWORD_MAX


def _compute(work: Callable[..., Any], *texts: str) -> Any:
    """Do the work of a hash in one of the threads kept for it: one for each processor, shared among the workers.

    More at once would only take processor and memory from each other (ASVS 15.1.3). Threads of their own, for each
    thread that ever hashed keeps its block of memory: with the threads of a server that would be all of theirs. Pages
    that hash nothing go on meanwhile.
    """
    key = f"hashers:{os.getpid()}"  # a forked worker has no thread of its parent's
    hashers: ThreadPoolExecutor | None = state.cache.get(key)
    if hashers is None:
        count = max(1, (os.cpu_count() or 1) // workers())
        hashers = ThreadPoolExecutor(count, thread_name_prefix="portal-hash", initializer=_stand_back)
        hashers = state.cache.setdefault(key, hashers)
    return hashers.submit(work, *texts).result()


def _stand_back() -> None:
    """Let whoever asks for a page go first, on Linux, where each thread has a priority of its own.

    A processor that does nothing but what is meant for idle ones counts as free, so a page is never put behind another
    one for its sake. A single processor keeps a share for passwords, whatever pages are asked for.
    """
    if sys.platform == "linux":
        with suppress(OSError):  # a sandbox may forbid it
            if (os.cpu_count() or 1) > 1:
                os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
            else:
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


def _hasher() -> PasswordHasher:
    hasher: PasswordHasher | None = state.cache.get("hasher")
    if hasher is None:
        hasher = PasswordHasher(time_cost=settings.argon2_passes, memory_cost=settings.argon2_memory_kib, parallelism=1)
        state.cache["hasher"] = hasher
    return hasher


def _nobodys_hash() -> str:
    """Return a hash to verify against when there is no account, so that the answer takes as long as for one."""
    if "nobodys_hash" not in state.cache:
        state.cache["nobodys_hash"] = hash("nobody")
    return str(state.cache["nobodys_hash"])
