"""Looking a contract up by what its tenant says on the telephone: bounded in time and memory, whatever is typed."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from ..contracts.numbers import NUMBER_TEXT_MAX, digits_of, padded_variants
from ..db import db
from ..models import Account, Contract, NameWord
from ..settings import settings
from ..text import EMAIL_MAX, words_of

#: Contracts that one search shows; whoever finds more types more.
SEARCH_MAX = 50
#: Words of one search; no name has more.
WORDS_MAX = 10
#: Names with a word that are counted, to tell which word is rare.
NAMES_MAX = 1_000
#: Stands after every text that begins with the same signs, where signs are compared by their numbers.
_LAST_SIGN = "\U0010ffff"
#: Stands after every number that begins with the same digits, however the database sorts other signs.
_LAST_DIGITS = "9" * 20


def search(query: str) -> list[Contract]:
    """Return the contracts that staff may mean by a reference, a name or a mail address.

    Digits are a reference or its beginning. What has an @ is an address, the account's or the roster's. The rest are
    words of a name in any order, each by its beginning, accents and capitals aside.
    """
    text = query.strip()
    digits = digits_of(text)
    if digits.isascii() and digits.isdigit():
        found = _by_reference(digits)
    elif "@" in text:
        found = _by_address(text.lower())
    else:
        found = _by_name(words_of(text))
    return sorted(found, key=lambda contract: (contract.last_name, contract.reference))[:SEARCH_MAX]


def _by_reference(digits: str) -> list[Contract]:
    if len(digits) > NUMBER_TEXT_MAX:
        return []
    variants = padded_variants(digits, settings.reference_length)
    begins = Contract.reference.between(digits, digits + _LAST_DIGITS)
    return _some(select(Contract).where(Contract.reference.in_(variants)), select(Contract).where(begins))


def _by_address(address: str) -> list[Contract]:
    """Read the addresses until enough are found; at most all of them once, in the database."""
    if len(address) > EMAIL_MAX or "\0" in address:
        return []
    accounts = select(Account.id).where(func.lower(Account.email).startswith(address, autoescape=True))
    ids = list(db.session.scalars(accounts.limit(SEARCH_MAX)))
    of_roster = func.lower(Contract.email).startswith(address, autoescape=True)
    return _some(select(Contract).where(Contract.account_id.in_(ids)), select(Contract).where(of_roster))


def _by_name(words: list[str]) -> list[Contract]:
    """Follow the word that fewest names have through the index; on the contracts found there are the others, or not."""
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
    """Return a statement for the names that have a word with that beginning."""
    return select(NameWord.name).where(NameWord.word >= word, NameWord.word < word + _LAST_SIGN)


def _count_names(word: str) -> int:
    """Return how many names have a word with that beginning, of so many as it takes to compare."""
    return db.session.scalar(select(func.count()).select_from(_names(word).limit(NAMES_MAX).subquery())) or 0


def _some(*statements: Select[Any]) -> list[Contract]:
    """Return what the statements find, each contract once, and no more than can be shown of each."""
    found: dict[int, Contract] = {}
    for statement in statements:
        found |= _by_id(db.session.scalars(statement.limit(SEARCH_MAX)))
    return list(found.values())


def _by_id(contracts: Iterable[Contract]) -> dict[int, Contract]:
    return {contract.id: contract for contract in contracts}
