"""Search contracts by what a tenant says on the telephone, within bounds."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from ..contracts.numbers import NUMBER_TEXT_MAX, digits_of, padded_variants
from ..db import db
from ..models import Account, Contract, NameWord
from ..settings import settings
from ..text import EMAIL_MAX, words_of

#: Contracts shown.
SEARCH_MAX = 50
#: More words than any name has.
WORDS_MAX = 10
#: Longer queries are not tried in other words.
SPLIT_WORDS_MAX, SPLIT_LENGTH_MAX = 3, 30
#: «Delatour» has two.
CUTS_MAX = 3
#: Names counted to tell which word is rare.
NAMES_MAX = 1_000
#: Sorts after all texts with the same beginning, by code point.
_LAST_CHARACTER = "\U0010ffff"
#: Sorts after all numbers with the same beginning, in any collation.
_LAST_DIGITS = "9" * 20


def search(query: str) -> list[Contract]:
    """Find contracts by the beginning of a reference, a mail address, or words of a name.

    Digits are a reference. A text with @ is an address, the account's or the roster's. Words of a name may come in any
    order, without accents and capitals, in one word or several.
    """
    text = query.strip()
    digits = digits_of(text)
    if digits.isascii() and digits.isdigit():
        found = _by_reference(digits)
    elif "@" in text:
        found = _by_address(text.lower())
    else:
        found = _by_any_spelling(words_of(text))
    return sorted(found, key=lambda contract: (contract.last_name, contract.reference))[:SEARCH_MAX]


def _by_reference(digits: str) -> list[Contract]:
    if len(digits) > NUMBER_TEXT_MAX:
        return []
    variants = padded_variants(digits, settings.reference_length)
    begins = Contract.reference.between(digits, digits + _LAST_DIGITS)
    return _some(select(Contract).where(Contract.reference.in_(variants)), select(Contract).where(begins))


def _by_address(address: str) -> list[Contract]:
    """Scan all addresses until enough are found."""
    if len(address) > EMAIL_MAX or "\0" in address:
        return []
    accounts = select(Account.id).where(func.lower(Account.email).startswith(address, autoescape=True))
    ids = list(db.session.scalars(accounts.limit(SEARCH_MAX)))
    of_roster = func.lower(Contract.email).startswith(address, autoescape=True)
    return _some(select(Contract).where(Contract.account_id.in_(ids)), select(Contract).where(of_roster))


def _by_any_spelling(words: list[str]) -> list[Contract]:
    """Look for the words, and for «Le Goff» as LEGOFF; only where nobody is found, for «Dangelo» as D'ANGELO."""
    if len(words) > WORDS_MAX:
        return []
    joined = [[*words[:at], words[at] + words[at + 1], *words[at + 2 :]] for at in range(len(words) - 1)]
    found = _by_id(contract for spelling in (words, *joined) for contract in _by_name(spelling))
    if not found and len(words) <= SPLIT_WORDS_MAX and max(map(len, words), default=0) <= SPLIT_LENGTH_MAX:
        split = ([*words[:at], *parts, *words[at + 1 :]] for at, word in enumerate(words) for parts in _parts_of(word))
        found = _by_id(contract for spelling in split for contract in _by_name(spelling))
    return list(found.values())


def _parts_of(word: str) -> list[list[str]]:
    """Return how a word may consist of whole words of names, and the beginning of one."""
    pieces = {word[start:end] for start in range(len(word)) for end in range(start + 1, len(word))}
    known = set(db.session.scalars(select(NameWord.word).where(NameWord.word.in_(pieces)).distinct().limit(SEARCH_MAX)))

    def parts(rest: str, cuts_left: int) -> list[list[str]]:
        cuts = [cut for cut in range(1, len(rest)) if cuts_left and rest[:cut] in known]
        return [[rest[:cut], *more] for cut in cuts for more in ([rest[cut:]], *parts(rest[cut:], cuts_left - 1))]

    return parts(word, CUTS_MAX)[:SEARCH_MAX]


def _by_name(words: list[str]) -> list[Contract]:
    """Look up the rarest word, then filter by the others."""
    if not words or len(words) > WORDS_MAX:
        return []
    counts = {word: _count_names(word) for word in words}
    if not all(counts.values()):
        return []
    rarest, *others = sorted(words, key=lambda word: (counts[word], -len(word)))
    rest = [or_(Contract.last_name.in_(_names(word)), Contract.first_name.in_(_names(word))) for word in others]
    return _some(*(select(Contract).where(name.in_(_names(rarest)), *rest) for name in _NAMES))


_NAMES: tuple[ColumnElement[str], ...] = (Contract.last_name, Contract.first_name)  # type: ignore[assignment]


def _names(word: str) -> Select[Any]:
    """Select the names with a word that begins so; «œ» and «æ» are read as two letters, and as one."""
    one, two = word.replace("oe", "œ").replace("ae", "æ"), word.replace("œ", "oe").replace("æ", "ae")
    spellings = dict.fromkeys((word, one, two))
    begins = [and_(NameWord.word >= known, NameWord.word < known + _LAST_CHARACTER) for known in spellings]
    return select(NameWord.name).where(or_(*begins))


def _count_names(word: str) -> int:
    """Count those names, up to `NAMES_MAX`."""
    return db.session.scalar(select(func.count()).select_from(_names(word).limit(NAMES_MAX).subquery())) or 0


def _some(*statements: Select[Any]) -> list[Contract]:
    """Return what the statements find, each contract once."""
    found: dict[int, Contract] = {}
    for statement in statements:
        found |= _by_id(db.session.scalars(statement.limit(SEARCH_MAX)))
    return list(found.values())


def _by_id(contracts: Iterable[Contract]) -> dict[int, Contract]:
    return {contract.id: contract for contract in contracts}
