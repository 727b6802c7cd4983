"""Find what is published, for its tenant."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple, cast

from sqlalchemy import Table, bindparam, func, select, update

from ..contracts import lookup
from ..db import db, utcnow
from ..models import Contract, Document, DocumentKind
from . import kinds, storage
from .bundle import Member

_columns, _contracts = cast(Table, Document.__table__).c, cast(Table, Contract.__table__).c


class Item(NamedTuple):
    """A document on its tenant's page. Loading the object takes twice as long."""

    id: int
    contract_id: int
    reference: str
    kind: DocumentKind
    period: date
    digest: str
    size: int
    #: When its tenant first opened or took this file.
    opened_at: datetime | None

    @property
    def title(self) -> str:
        """Return what it is called on a page."""
        return kinds.title(self.kind, self.period)

    @property
    def file_name(self) -> str:
        """Return its name for the tenant's disk."""
        return kinds.file_name(self.kind, self.period, self.reference)

    @property
    def place(self) -> str:
        """Return its path among all documents of an account."""
        return f"contrat-{self.reference}/{kinds.file_name(self.kind, self.period)}"


_ITEMS = (
    select(*(_contracts.reference if name == "reference" else _columns[name] for name in Item._fields))
    .join(Contract.__table__, _contracts.id == _columns.contract_id)
    .order_by(_contracts.reference, _columns.period.desc(), _columns.kind)
)
_OF_ACCOUNT = _ITEMS.where(_contracts.account_id == bindparam("account_id"))
_OPENED = (
    update(cast(Table, Document.__table__))
    .where(_columns.id == bindparam("number"), _columns.digest == bindparam("of"), _columns.opened_at.is_(None))
    .values(opened_at=bindparam("at"))
)
_OF_CONTRACTS = _ITEMS.where(_columns.contract_id.in_(bindparam("contract_ids", expanding=True)))


def of_account(account_id: int) -> list[Item]:
    """Return the documents of an account: by contract, the newest first."""
    return _items(_OF_ACCOUNT, account_id=account_id)


def of_contracts(contract_ids: Iterable[int]) -> list[Item]:
    """Return the documents of contracts, in the same order."""
    return _items(_OF_CONTRACTS, contract_ids=list(contract_ids))


def find(account_id: int, number: int) -> Item | None:
    """Return the document if it belongs to the account."""
    return next(iter(_items(_OF_ACCOUNT.where(_columns.id == number), account_id=account_id)), None)


def files(items: Iterable[Item]) -> list[Member]:
    """Return the documents as members of a ZIP; nothing is read yet."""
    return [Member(item.place, storage.path_of(item.digest).read_bytes) for item in items]


def note_opened(items: Iterable[Item]) -> None:
    """Note that its tenant opened or took these documents, each for the first time; the caller has begun to write.

    A file that was published again meanwhile is another one.
    """
    new = [item for item in items if item.opened_at is None]
    if new:
        db.session.connection().execute(
            _OPENED, [{"number": item.id, "of": item.digest, "at": utcnow()} for item in new]
        )


def by_year(items: Iterable[Item]) -> dict[int, list[Item]]:
    """Return the documents of a contract by year, the newest first."""
    return {year: list(group) for year, group in groupby(items, key=lambda item: item.period.year)}


def next_month() -> date:
    """Return the first month whose notices are not out yet, never before next month."""
    newest: date | None = db.session.scalar(
        select(func.max(_columns.period)).where(_columns.kind == DocumentKind.NOTICE)
    )
    last = max(lookup.today(), newest or date.min)
    return (last.replace(day=1) + timedelta(days=31)).replace(day=1)


def _items(statement: Any, **values: Any) -> list[Item]:
    return [Item._make(row) for row in db.session.execute(statement, values)]
