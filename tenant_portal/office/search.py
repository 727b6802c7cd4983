"""Search contracts by what a tenant says on the telephone, within bounds.

The rarest word leads: its contracts are read from an index, and the other words narrow them in the database. Words with
thousands of values, and mail addresses beside words, are looked for in a bounded number of those.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from ..accounts.email_change import EmailChange
from ..contracts.numbers import NUMBER_TEXT_MAX, digits_of, padded_variants
from ..db import db
from ..messages.conversation import number_of
from ..messages.models import Message
from ..models import Account, Contract
from ..settings import settings
from . import lookups
from .lookups import Ids, Word
from .terms import Checker, Terms, terms_of

#: Contracts shown.
SEARCH_MAX = 50
#: Contracts read to look for common words and addresses in them.
CHECKED_MAX = 600
#: Those read at a time.
CHUNK = 200
_MESSAGE = re.compile(r"M-[0-9]{4}-[0-9]{4}")
#: Words that are looked up, and those that narrow a search in the database; all are looked for in what that finds.
WORDS_MAX, FILTERS_MAX = 6, 2
#: Longer searches are not tried with two words in one.
JOINED_MAX = 4


@dataclass(frozen=True)
class Found:
    """What a search found."""

    contracts: list[Contract] = field(default_factory=list)
    #: Whether there may be more.
    has_more: bool = False
    message: Message | None = None

    @property
    def only(self) -> Contract | None:
        """Return the contract that is all there is."""
        return self.contracts[0] if len(self.contracts) == 1 and not self.has_more and self.message is None else None


def search(query: str) -> Found:
    """Find contracts by reference, module, names, street, city and mail addresses, and a message by its number.

    All words must be found, each by its beginning, without accents, capitals, hyphens and apostrophes.
    """
    text = query.strip()
    terms = terms_of(text)
    if terms is None or not (terms.words or terms.addresses):
        return Found()
    digits = digits_of(text)
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= NUMBER_TEXT_MAX
    message = _message(text)
    if text[0] in "Mm" and _MESSAGE.fullmatch(number_of(text)):
        return Found(message=message)
    ids = _by_number(digits) if is_number else _by_terms(terms)
    contracts = _loaded(ids.found[:SEARCH_MAX])
    exact = padded_variants(digits, settings.reference_length) if is_number else []
    contracts.sort(key=lambda one: (one.reference not in exact, one.last_name, one.first_name, one.reference))
    return Found(contracts, ids.has_more or len(ids.found) > SEARCH_MAX, message)


def _by_number(digits: str) -> Ids:
    """Look for a reference, then a module, then words with these digits."""
    found: dict[int, None] = {}
    for column, length in ((Contract.reference, settings.reference_length), (Contract.module, settings.module_length)):
        found |= dict.fromkeys(lookups.by_number(padded_variants(digits, length), column, digits, SEARCH_MAX + 1))
    word = lookups.look_up(digits)
    named = lookups.by_words(word, (), SEARCH_MAX + 1) if word is not None and any(word.counts) else Ids([], False)
    return Ids(list(found | dict.fromkeys(named.found)), named.has_more)


def _by_terms(terms: Terms) -> Ids:
    """Look for the words as typed, then for two neighbours in one word: «Le Gall» may be LEGALL."""
    look_up = cache(lookups.look_up)
    ids = _by_spelling(terms, look_up)
    pairs = enumerate(pairwise(terms.words)) if len(terms.words) <= JOINED_MAX else ()
    for at, (first, second) in pairs:
        if len(ids.found) <= SEARCH_MAX and lookups.is_written_so(first + second, second):
            more = _by_spelling(terms.joined(at), look_up)
            ids = Ids(list(dict.fromkeys(ids.found + more.found)), ids.has_more or more.has_more)
    return ids


def _by_spelling(terms: Terms, look_up: Callable[[str], Word | None]) -> Ids:
    words: list[Word] = []
    for text in terms.rarest(WORDS_MAX):
        word = look_up(text)
        if word is None:
            return Ids([], False)
        words.append(word)
    words.sort(key=lambda word: (not word.may_lead, word.is_house, word.effort))
    leader = words[0] if words else None
    filters = [word for word in words[1:] if not word.is_common][:FILTERS_MAX]
    needs_check = bool(terms.addresses) or len(terms.words) > 1 + len(filters)
    most = CHECKED_MAX if needs_check else SEARCH_MAX + 1
    if terms.addresses:
        ids = lookups.by_address(terms.addresses[0], most)
        if leader is None or not leader.may_lead or not ids.has_more:
            return _checked(ids, terms)
    if leader is None or leader.is_house:
        return Ids([], False)
    ids = lookups.by_words(leader, filters, most)
    return _checked(ids, terms) if needs_check else ids


def _checked(ids: Ids, terms: Terms) -> Ids:
    """Return those that have all terms."""
    found: list[int] = []
    checker = Checker(terms)
    for begin in range(0, len(ids.found), CHUNK):
        rows = _rows(ids.found[begin : begin + CHUNK])
        found += checker.of(rows, _former(rows) if terms.addresses else {})
        if len(found) > SEARCH_MAX:
            break
    return Ids(found, ids.has_more)


def _rows(ids: list[int]) -> Sequence[Any]:
    names = ("id", "last_name", "first_name", "street", "city", "reference", "module", "email", "account_id")
    columns: list[Any] = [getattr(Contract, name) for name in names]
    rows = select(*columns, Account.email.label("account_email")).outerjoin(Contract.account)
    return db.session.execute(rows.where(Contract.id.in_(ids))).all()


def _former(rows: Sequence[Any]) -> dict[int, list[str]]:
    """Return the former addresses of the accounts."""
    accounts = {row.account_id for row in rows if row.account_id is not None}
    changes = select(EmailChange.account_id, EmailChange.old_email)
    former: dict[int, list[str]] = {}
    wanted = EmailChange.account_id.in_(accounts), EmailChange.confirmed_at.is_not(None)
    for account_id, address in db.session.execute(changes.where(*wanted)):
        former.setdefault(account_id, []).append(address)
    return former


def _loaded(ids: list[int]) -> list[Contract]:
    return list(db.session.scalars(select(Contract).options(joinedload(Contract.account)).where(Contract.id.in_(ids))))


def _message(text: str) -> Message | None:
    number = number_of(text)
    if not _MESSAGE.fullmatch(number):
        return None
    return db.session.scalars(select(Message).where(Message.number == number)).first()
