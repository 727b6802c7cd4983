"""Passwords: hashed with Argon2id at one cost for everyone, refused when weak."""

import enum
import math
import os
import re
import secrets
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import Any

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, select
from zxcvbn_rs_py import zxcvbn

from ..db import db
from ..models import Account
from ..settings import settings, state, workers

PASSWORD_MIN = 12
PASSWORD_MAX = 128
#: 16 digits carry 53 bits, 12 only 40 (U32).
PASSWORD_DIGITS_MIN = 16
#: Of zxcvbn's 0 to 4: «safely unguessable».
PASSWORD_SCORE_MIN = 3
#: Guessed first on a tenants' portal.
PASSWORD_CONTEXT = (
    "locataire",
    "locataires",
    "loyer",
    "loyers",
    "bailleur",
    "contrat",
    "module",
    "avis",
    "echeance",
    "échéance",
    "logement",
    "appartement",
    "motdepasse",
    "mot de passe",
    "azerty",
    "azertyuiop",
    "bonjour",
    "soleil",
    "doudou",
    "chouchou",
    "loulou",
    "marseille",
    "portail",
    "espace",
)
#: Zs but for the space itself. A telephone types a no-break space before « ! », a computer does not.
_OTHER_SPACES = dict.fromkeys(
    map(ord, "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"), " "
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
#: With three accents each. Normalizing a longer text can take seconds.
_TYPED_MAX = 4 * PASSWORD_MAX
#: Characters that are scored.
_SCORED_MAX = 32
#: The signs that zxcvbn reads as a letter («p4$$»). It scores a password once for each choice of them: without a
#: maximum that takes longer than a hash (X03).
_SIGNS_OF_LETTERS = ("4@", "8", "({[<", "3", "69", "1!|", "1|7", "0", "$5", "+7", "%", "2")
_SIGNS = frozenset("".join(_SIGNS_OF_LETTERS))
_CHOICES_MAX = 4
#: Characters that zxcvbn may read as each other become one.
_ALIKE = ("a4@", "b8", "c({[<", "e3", "g69", "ilt1!|7+", "o0", "s$5", "x%", "z2")
_AS_ONE = str.maketrans({sign: alike[0] for alike in _ALIKE for sign in alike})
#: Words and characters that are scored fast.
_GUESSABLE_MAX, _GUESSABLE_LENGTH = 40, 40
#: Two dollars, 22 characters of salt, 43 of digest.
_SALT_AND_DIGEST = 67
#: Argon2's minimum, in KiB.
_LEAST_MEMORY = 8


class Fit(enum.IntEnum):
    """Whether a password fits its hash; `FORMER` in the form that earlier portals hashed."""

    NO = 0
    FORMER = 1
    YES = 2


def hash(password: str) -> str:  # noqa: A001 (read as passwords.hash)
    """Return the Argon2id hash of a password. It may queue: release the connection before."""
    return str(_in_hash_thread(_hasher().hash, normalized(password)))


def unusable() -> str:
    """Return a hash that no password fits; being random, it kills earlier links."""
    return f"!{secrets.token_urlsafe(32)}"


def is_usable(password_hash: str) -> bool:
    """Tell whether some password fits: not after a thaw or an undone change, until another one is chosen."""
    return not password_hash.startswith("!")


def verify(password_hash: str | None, password: str) -> Fit:
    """Tell whether a password fits its hash. Without a hash the work is the same and the answer no.

    The work is always that of the costliest hash of any account (X14), once for each form of the password that
    differs. It may queue: release the connection before.
    """
    is_possible = password_hash is not None and not _is_too_long(password)
    password = "" if _is_too_long(password) else password
    own = _parameters(password_hash) if password_hash is not None else None
    costliest = _costliest_parameters(own)
    dummy_hash = _dummy_hash(costliest)  # for known accounts too: its first use takes longer
    missing = _work(costliest) - _work(own or costliest)
    for form in dict.fromkeys((normalized(password), _formerly_normalized(password))):
        is_right = _is_right(password_hash or dummy_hash, form)
        if missing >= _LEAST_MEMORY:
            filler = PasswordHasher(time_cost=1, memory_cost=missing, parallelism=1)
            _in_hash_thread(filler.hash, form)
        if is_right:
            fit = Fit.YES if form == normalized(password) else Fit.FORMER
            return fit if is_possible else Fit.NO
    return Fit.NO


def needs_rehash(password_hash: str, fit: Fit) -> bool:
    """Tell whether a hash has other parameters than the settings, or an earlier form of the password."""
    return fit is Fit.FORMER or _hasher().check_needs_rehash(password_hash)


def weakness(password: str, context: Iterable[str]) -> str | None:
    """Return why a password is refused, or None: `short`, `long`, `control`, `digits` or `guessable`.

    `context` is what a guesser knows of this tenant.
    """
    if _is_too_long(password):
        return "long"
    password = normalized(password)
    if len(password) < PASSWORD_MIN:
        return "short"
    if _CONTROLS.search(password):
        return "control"
    if len(password) < PASSWORD_DIGITS_MIN and re.fullmatch(r"[\d\s./-]+", password):
        return "digits"
    known = _guessable_words(context)
    score = int(zxcvbn(_scorable(password), [*PASSWORD_CONTEXT, *known]).score)
    if score < PASSWORD_SCORE_MIN or _is_only_known(password, known):
        return "guessable"
    return None


def may_hold(password: str, words: Iterable[str]) -> bool:
    """Tell whether a password may hold one of those words, also backwards or with signs for letters."""
    text = normalized(password).lower().translate(_AS_ONE)
    known = (word.translate(_AS_ONE) for word in _guessable_words(words))
    return any(word in text or word in text[::-1] for word in known)


def _guessable_words(context: Iterable[str]) -> list[str]:
    words = (word for text in context for word in (text, *re.split(r"[\W_]+", text[: _GUESSABLE_LENGTH * 4])))
    return list(islice((word[:_GUESSABLE_LENGTH].lower() for word in words if len(word) > 2), _GUESSABLE_MAX))


def _scorable(password: str) -> str:
    """Return the start of a password; signs that would give zxcvbn too many choices become other signs."""
    text, kept = password[:_SCORED_MAX], ""
    for number, sign in enumerate(sorted(_SIGNS.intersection(text), key=text.index)):
        if _choices(kept + sign) <= _CHOICES_MAX:
            kept += sign
        else:
            text = text.replace(sign, chr(0x2460 + number))  # ①, ② …: different signs stay different
    return text


def _choices(signs: str) -> int:
    return math.prod(max(1, sum(sign in signs for sign in of_letter)) for of_letter in _SIGNS_OF_LETTERS)


def _is_only_known(password: str, known: list[str]) -> bool:
    rest = password.lower()
    for word in sorted((*PASSWORD_CONTEXT, *known), key=len, reverse=True):
        rest = rest.replace(word, "")
    return len(re.sub(r"[\W_\d]+", "", rest)) < 4 and len(rest) < len(password) / 2


def _is_too_long(password: str) -> bool:
    return len(password) > _TYPED_MAX or len(normalized(password)) > PASSWORD_MAX


def _in_hash_thread(work: Callable[..., Any], *texts: str) -> Any:
    """Hash in one of a few threads: one for each processor, divided among the workers.

    More would only compete (ASVS 15.1.3). A thread that hashed keeps its memory, so the server's threads never do.
    """
    key = f"hashers:{os.getpid()}"  # a fork inherits no threads
    hashers: ThreadPoolExecutor | None = state.cache.get(key)
    if hashers is None:
        count = max(1, (os.cpu_count() or 1) // workers())
        hashers = ThreadPoolExecutor(count, thread_name_prefix="portal-hash", initializer=_lower_priority)
        hashers = state.cache.setdefault(key, hashers)
    return hashers.submit(work, *texts).result()


def _lower_priority() -> None:
    """Run hashing threads at idle priority on Linux, so that page requests run first; with one CPU use nice 10."""
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


def _dummy_hash(parameters: tuple[int, int]) -> str:
    key = ("dummy_hash", parameters)
    if key not in state.cache:
        memory, passes = parameters
        state.cache[key] = _in_hash_thread(PasswordHasher(passes, memory, 1).hash, "nobody")
    return str(state.cache[key])


def _is_right(password_hash: str, password: str) -> bool:
    try:
        return bool(_in_hash_thread(_hasher().verify, password_hash, password))
    except (VerificationError, InvalidHashError):
        return False


def _costliest_parameters(this: tuple[int, int] | None) -> tuple[int, int]:
    """Return memory and passes of the costliest hash of any account, this one included.

    Hashes keep their cost until the next login after a change of settings. The query runs once a process.
    """
    if "costliest_hash" not in state.cache:
        prefix = func.substr(Account.password_hash, 1, func.length(Account.password_hash) - _SALT_AND_DIGEST)
        rows = select(prefix).where(Account.password_hash.startswith("$argon2id$")).distinct()
        known = [_parameters(f"{row}$$") for row in db.session.scalars(rows)]
        db.session.rollback()  # frees the connection while hashing
        own = (settings.argon2_memory_kib, settings.argon2_passes)
        state.cache["costliest_hash"] = max([own, *known], key=_work)
    costliest: tuple[int, int] = state.cache["costliest_hash"]
    if this is not None and _work(this) > _work(costliest):  # by a process with other settings
        costliest = state.cache["costliest_hash"] = this
    return costliest


def _parameters(password_hash: str) -> tuple[int, int]:
    try:
        found = extract_parameters(password_hash)
    except InvalidHashError:
        return 0, 0
    return found.memory_cost, found.time_cost


def _work(parameters: tuple[int, int]) -> int:
    memory, passes = parameters
    return memory * passes  # the time is proportional


def normalized(password: str) -> str:
    """Return the password as OpaqueString (RFC 8265): each space is U+0020, then NFC, nothing else."""
    return unicodedata.normalize("NFC", password.translate(_OTHER_SPACES))


def _formerly_normalized(password: str) -> str:
    """Return the password as earlier portals hashed it, with the spaces that were typed."""
    return unicodedata.normalize("NFC", password)
