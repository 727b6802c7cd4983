"""Passwords: hashed with Argon2id at a cost that is the same for everyone, and refused with the reason when weak."""

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
#: Digits are a small alphabet: 16 of them carry about 53 bits, 12 only 40 (U32).
PASSWORD_DIGITS_MIN = 16
#: zxcvbn's scale goes from 0 to 4; 3 means «safely unguessable» where tries are limited.
PASSWORD_SCORE_MIN = 3
#: Words that a guesser would try first on a tenants' portal; passwords made of them score low.
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
#: Longest text that is looked at as a password: 128 characters, each typed with up to three accents of its own.
#: Bringing a longer one to its normal form can take seconds.
_TYPED_MAX = 4 * PASSWORD_MAX


#: Characters of a password that are weighed.
_WEIGHED_MAX = 32


#: The signs that zxcvbn takes for a letter, as in «p4$$», for one letter after the other, and how many choices of signs
#: it may have: it weighs the password once for each. Without that bound one takes longer than a hash (X03).
_SIGNS_OF_LETTERS = ("4@", "8", "({[<", "3", "69", "1!|", "1|7", "0", "$5", "+7", "%", "2")


_SIGNS = frozenset("".join(_SIGNS_OF_LETTERS))


_CHOICES_MAX = 4


#: Makes one sign of all that zxcvbn may take for each other.
_ALIKE = ("a4@", "b8", "c({[<", "e3", "g69", "ilt1!|7+", "o0", "s$5", "x%", "z2")


_AS_ONE = str.maketrans({sign: alike[0] for alike in _ALIKE for sign in alike})


#: Words that a guesser is taken to know, and the length to which each is looked at.
_KNOWN_MAX, _KNOWN_LENGTH = 40, 40


#: Characters of a hash after its parameters: two dollars, 22 of salt and 43 of digest, as `argon2` writes them.
_SALT_AND_DIGEST = 67


#: KiB of the smallest hash that Argon2 computes.
_LEAST_MEMORY = 8


def hash(password: str) -> str:  # noqa: A001 (read as passwords.hash)
    """Return the Argon2id hash of a password; let go of the database before, as this may have to wait."""
    return str(_in_hash_thread(_hasher().hash, _normalized(password)))


def unusable() -> str:
    """Return what stands in the place of a hash and fits no password, so that another one must be chosen.

    It is another text each time, so links made before are dead.
    """
    return f"!{secrets.token_urlsafe(32)}"


def verify(password_hash: str | None, password: str) -> bool:
    """Tell whether the password is the one of the hash; without a hash the same work is done, and the answer is no.

    The work is that of the costliest parameters that any account has, whatever those of this hash (X14). Let go of the
    database before, as this may have to wait for others' passwords.
    """
    is_possible = password_hash is not None and not _is_too_long(password)
    password = "" if _is_too_long(password) else password
    own = _parameters(password_hash) if password_hash is not None else None
    costliest = _costliest_parameters(own)
    dummy_hash = _dummy_hash(costliest)  # made once for a process, whoever comes first
    is_right = _is_right(password_hash or dummy_hash, _normalized(password))
    missing = _work(costliest) - _work(own or costliest)
    if missing >= _LEAST_MEMORY:
        filler = PasswordHasher(time_cost=1, memory_cost=missing, parallelism=1)
        _in_hash_thread(filler.hash, _normalized(password))
    return is_possible and is_right


def needs_rehash(password_hash: str) -> bool:
    """Tell whether a hash was made with other parameters than the settings now ask for."""
    return _hasher().check_needs_rehash(password_hash)


def weakness(password: str, context: Iterable[str]) -> str | None:
    """Return why a password is refused, or None: `short`, `long`, `digits` or `guessable`.

    `context` is what a guesser knows of this tenant: reference, module, name, address, the landlord's name.
    """
    if _is_too_long(password):
        return "long"
    password = _normalized(password)
    if len(password) < PASSWORD_MIN:
        return "short"
    if len(password) < PASSWORD_DIGITS_MIN and re.fullmatch(r"[\d\s./-]+", password):
        return "digits"
    known = _guessable_words(context)
    score = int(zxcvbn(_weighed(password), [*PASSWORD_CONTEXT, *known]).score)
    if score < PASSWORD_SCORE_MIN or _is_only_known(password, known):
        return "guessable"
    return None


def may_hold(password: str, words: Iterable[str]) -> bool:
    """Tell whether a password may hold one of those words, backwards or with signs for letters too, as zxcvbn looks."""
    text = _normalized(password).lower().translate(_AS_ONE)
    known = (word.translate(_AS_ONE) for word in _guessable_words(words))
    return any(word in text or word in text[::-1] for word in known)


def _guessable_words(context: Iterable[str]) -> list[str]:
    """Return the texts and their words, so few and so short that to weigh them takes no time."""
    words = (word for text in context for word in (text, *re.split(r"[\W_]+", text[: _KNOWN_LENGTH * 4])))
    return list(islice((word[:_KNOWN_LENGTH].lower() for word in words if len(word) > 2), _KNOWN_MAX))


def _weighed(password: str) -> str:
    """Return the beginning of a password; signs that would give zxcvbn too many choices become signs of no letter."""
    text, kept = password[:_WEIGHED_MAX], ""
    for number, sign in enumerate(sorted(_SIGNS.intersection(text), key=text.index)):
        if _choices(kept + sign) <= _CHOICES_MAX:
            kept += sign
        else:
            text = text.replace(sign, chr(0x2460 + number))  # ①, ② …: each sign stays another one
    return text


def _choices(signs: str) -> int:
    """Return how many choices zxcvbn has with those signs: one of them for each letter."""
    return math.prod(max(1, sum(sign in signs for sign in of_letter)) for of_letter in _SIGNS_OF_LETTERS)


def _is_only_known(password: str, known: list[str]) -> bool:
    """Tell whether nothing of weight is left of a password once the words that a guesser knows are taken out."""
    rest = password.lower()
    for word in sorted((*PASSWORD_CONTEXT, *known), key=len, reverse=True):
        rest = rest.replace(word, "")
    return len(re.sub(r"[\W_\d]+", "", rest)) < 4 and len(rest) < len(password) / 2


def _is_too_long(password: str) -> bool:
    return len(password) > _TYPED_MAX or len(_normalized(password)) > PASSWORD_MAX


def _in_hash_thread(work: Callable[..., Any], *texts: str) -> Any:
    """Do the work of a hash in one of the threads kept for it: one for each processor, shared among the workers.

    More at once would only take processor and memory from each other (ASVS 15.1.3). Threads of their own, for each
    thread that ever hashed keeps its block of memory: with the threads of a server that would be all of theirs. Pages
    that hash nothing go on meanwhile.
    """
    key = f"hashers:{os.getpid()}"  # a forked worker has no thread of its parent's
    hashers: ThreadPoolExecutor | None = state.cache.get(key)
    if hashers is None:
        count = max(1, (os.cpu_count() or 1) // workers())
        hashers = ThreadPoolExecutor(count, thread_name_prefix="portal-hash", initializer=_lower_priority)
        hashers = state.cache.setdefault(key, hashers)
    return hashers.submit(work, *texts).result()


def _lower_priority() -> None:
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


def _dummy_hash(parameters: tuple[int, int]) -> str:
    """Return a hash to verify against where there is no account: the answer takes as long as for one."""
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
    """Return memory and passes of the costliest hash of any account, this one among them.

    They are looked up once for a process. A setting that changes leaves the hashes of who has not come since as they
    were.
    """
    if "costliest_hash" not in state.cache:
        prefix = func.substr(Account.password_hash, 1, func.length(Account.password_hash) - _SALT_AND_DIGEST)
        rows = select(prefix).where(Account.password_hash.startswith("$argon2id$")).distinct()
        known = [_parameters(f"{row}$$") for row in db.session.scalars(rows)]
        db.session.rollback()  # no connection is kept busy while a hash is computed
        own = (settings.argon2_memory_kib, settings.argon2_passes)
        state.cache["costliest_hash"] = max([own, *known], key=_work)
    costliest: tuple[int, int] = state.cache["costliest_hash"]
    if this is not None and _work(this) > _work(costliest):  # made by a process with other settings
        costliest = state.cache["costliest_hash"] = this
    return costliest


def _parameters(password_hash: str) -> tuple[int, int]:
    """Return memory and passes that stand in a hash; one that is none costs nothing."""
    try:
        found = extract_parameters(password_hash)
    except InvalidHashError:
        return 0, 0
    return found.memory_cost, found.time_cost


def _work(parameters: tuple[int, int]) -> int:
    """Return the blocks of 1 KiB that a hash fills: its time grows with them."""
    memory, passes = parameters
    return memory * passes


def _normalized(password: str) -> str:
    """Return the password in Unicode NFC, so that each keyboard's way of typing « é » gives the same bytes."""
    return unicodedata.normalize("NFC", password)
