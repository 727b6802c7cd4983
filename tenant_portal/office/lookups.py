"""Bounded look-ups of contracts: each begins with an index, and reads no more of it than it says."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, literal_column, or_, select

from ..accounts.email_change import EmailChange
from ..contracts.sought import SOUGHT, STREET_SIGNS, SearchWord
from ..db import LOCAL_PART, db
from ..models import Account, Contract
from ..text import beginnings_of
from .terms import is_number

#: A word with more values is common: it is looked for in the rows that other words find.
VALUES_MAX = 2_000
#: Contracts counted of a word in one column.
COUNT_MAX = 5_000
#: Entries of indexes looked at for one search. A contract that must be read itself is as much work as some of them.
ENTRIES_MAX, READING = 60_000, 4
#: Values looked at to tell how two words are written.
JOINED_MAX = 200
#: A number that is no longer may be that of a house, which has no index.
HOUSE_DIGITS = 4
#: Sorts after all texts with the same beginning, by code point.
_LAST_CHARACTER = "\U0010ffff"
#: Sorts after all numbers with the same beginning, in any collation.
_LAST_DIGITS = "9" * 20
_COLUMNS: tuple[Any, ...] = (*SOUGHT, Contract.reference, Contract.module)
_TEXTS = len(SOUGHT)
#: The first columns, whose indexes hold each other and the street.
_INDEXED_TOGETHER = 3
_NAMES = 2


class Ids(NamedTuple):
    """Numbers of contracts, and whether there may be more."""

    found: list[int]
    has_more: bool


class Word(NamedTuple):
    """A word, and how many contracts have it, in each column."""

    text: str
    counts: tuple[int, ...]
    is_common: bool

    @property
    def is_house(self) -> bool:
        """Tell whether it may be a house number."""
        return self.text[0].isdigit() and len(self.text) <= HOUSE_DIGITS

    @property
    def may_lead(self) -> bool:
        """Tell whether indexes find all its contracts."""
        return not self.is_common and not self.is_house

    @property
    def effort(self) -> int:
        """Return how much work all its contracts are; reading one costs some times its entry in an index."""
        return sum(self.counts[:_NAMES]) + 4 * sum(self.counts[_NAMES:])


def look_up(text: str) -> Word | None:
    """Count the contracts with a word; None if there is none."""
    values = db.session.scalar(select(func.count()).select_from(_values(text).subquery())) or 0
    is_common = values == VALUES_MAX
    places = [place for place in range(len(_COLUMNS)) if (is_number(text) if place >= _TEXTS else values)]
    counts = dict.fromkeys(range(len(_COLUMNS)), 0)
    if places and not is_common:
        some = [select(literal_column("1")).where(_begins(place, text)).limit(COUNT_MAX).subquery() for place in places]
        each = (select(func.count()).select_from(one).scalar_subquery() for one in some)
        counts |= dict(zip(places, db.session.execute(select(*each)).one(), strict=True))
    word = Word(text, tuple(counts.values()), is_common)
    return word if is_common or word.is_house or any(counts.values()) else None


def is_written_so(joined: str, second: str) -> bool:
    """Tell whether a value has two neighbours as one word, as LEGALL has «le» and «gall»; LE GALL has both."""
    values = db.session.scalars(_values(joined).limit(JOINED_MAX)).all()
    return any(not any(text.startswith(second) for text in beginnings_of(value)) for value in values) or (
        is_number(joined) and look_up(joined) is not None
    )


def by_words(leader: Word, others: Sequence[Word], most: int) -> Ids:
    """Return contracts with all these words, beginning with the indexes of the leader."""
    found: dict[int, None] = {}
    budget, is_cut = ENTRIES_MAX, leader.is_common
    last = max((_last_place(other) for other in others), default=0)
    probes = max(1, len(others) and sum(map(bool, others[0].counts)))  # the second is asked of what has the first
    plain = (Contract.last_name, Contract.first_name, Contract.street, Contract.city, *_COLUMNS[_TEXTS:])
    for place in range(_TEXTS) if leader.is_common else [p for p, count in enumerate(leader.counts) if count]:
        work = probes * (1 if place < _NAMES and last < _INDEXED_TOGETHER else READING)
        leads, bound = _begins(place, leader.text), budget // work
        row = select(Contract.id, *plain[: max(last + 1, _INDEXED_TOGETHER)]).where(leads).limit(bound).subquery()
        ids = db.session.scalars(select(row.c.id).where(*(_has(row.c, other) for other in others)).limit(most)).all()
        found |= dict.fromkeys(ids)
        if len(found) >= most:
            return Ids(list(found)[:most], True)
        looked_at = leader.counts[place]
        if leader.is_common or looked_at == COUNT_MAX:
            entries = select(literal_column("1")).where(leads).limit(bound + 1).subquery()
            looked_at = db.session.scalar(select(func.count()).select_from(entries)) or 0
        if looked_at > bound:
            return Ids(list(found), True)
        budget -= looked_at * work
    return Ids(list(found), is_cut)


def by_address(typed: str, most: int) -> Ids:
    """Return contracts whose account has or had such a mail address, or that have it on the roster."""
    changed = select(Contract.id).join(EmailChange, EmailChange.account_id == Contract.account_id)
    statements = (
        select(Contract.id).join(Account, Account.id == Contract.account_id).where(_is_address(Account.email, typed)),
        select(Contract.id).where(_is_address(Contract.email, typed)),
        changed.where(EmailChange.confirmed_at.is_not(None), _is_address(EmailChange.old_email, typed)),
    )
    found: dict[int, None] = {}
    for statement in statements:
        if len(found) < most:
            found |= dict.fromkeys(db.session.scalars(statement.limit(most)))
    return Ids(list(found)[:most], len(found) >= most)


def by_number(variants: Collection[str], column: Any, begins: str, most: int) -> list[int]:
    """Return contracts with one of these numbers, then those that begin so."""
    exact = select(Contract.id).where(column.in_(variants)).order_by(column).limit(most)
    longer = select(Contract.id).where(column.between(begins, begins + _LAST_DIGITS)).order_by(column).limit(most)
    return [*db.session.scalars(exact), *db.session.scalars(longer)]


def _last_place(word: Word) -> int:
    """Return the last column that may have a word; a house number is in the street."""
    return max([2 if word.is_house else 0, *(place for place, count in enumerate(word.counts) if count)])


def _has(row: Any, word: Word) -> ColumnElement[bool]:
    """Return the condition that a row of a subquery has a word."""
    names = ("last_name", "first_name", "street", "city", "reference", "module")
    conditions = [
        _begins(place, word.text, func.ltrim(row.street, STREET_SIGNS) if name == "street" else row[name])
        for place, (name, count) in enumerate(zip(names, word.counts, strict=True))
        if count
    ]
    if word.is_house:
        conditions.append(func.lower(func.substr(row.street, 1, len(word.text))) == word.text)
    return or_(*conditions)


def _begins(place: int, text: str, column: ColumnElement[str] | None = None) -> ColumnElement[bool]:
    column = _COLUMNS[place] if column is None else column
    return column.between(text, text + _LAST_DIGITS) if place >= _TEXTS else column.in_(_values(text))


def _values(text: str) -> Any:
    """Select what has a word that begins so."""
    begins = SearchWord.word >= text, SearchWord.word < text + _LAST_CHARACTER
    # An expression, as a column's affinity would keep SQLite from the index of another expression.
    return select(SearchWord.value.concat("")).where(*begins).limit(VALUES_MAX)


def _is_address(column: Any, typed: str) -> ColumnElement[bool]:
    lower: Any = func.lower(column)
    text = func.ltrim(lower, literal_column(f"'{LOCAL_PART}'")) if typed.startswith("@") else lower
    if db.session.get_bind().dialect.name == "postgresql":
        text = text.collate("C")
    return and_(text >= typed, text < typed + _LAST_CHARACTER)
