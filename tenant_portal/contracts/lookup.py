"""Find contracts by their numbers or account."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple, Protocol, TypeVar, cast

from sqlalchemy import Select, String, Table, bindparam, func, select
from sqlalchemy.orm import joinedload

from ..db import db, utcnow
from ..models import Contract, Import, runs
from ..settings import settings
from ..text import full_name, place
from .numbers import padded_variants


class Lease(NamedTuple):
    """A contract on its tenant's page. Loading the object takes twice as long."""

    id: int
    reference: str
    title: str
    first_name: str
    last_name: str
    street: str
    postcode: str
    city: str
    kind: str
    is_direct_debit: bool
    starts_on: date | None
    ends_on: date | None
    ended_at: datetime | None

    @property
    def tenant_name(self) -> str:
        """Return title, first and last name."""
        return full_name(self.title, self.first_name, self.last_name)

    @property
    def place(self) -> str:
        """Return kind and street."""
        return place(self.kind, self.street)

    def is_running(self, today: date) -> bool:
        """Tell whether the lease runs on that day."""
        return runs(self.starts_on, self.ends_on, self.ended_at, today)


_columns = cast(Table, Contract.__table__).c
#: Built once: building a statement takes longer than running it. It always loads the account: response time must not
#: tell whether there is one (F9).
_WITH_ACCOUNT = select(Contract).options(joinedload(Contract.account))
_LOCKED = (
    select(Contract)
    .where(Contract.id == bindparam("id"))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
#: References of one statement.
BATCH = 500
_ON_FILE = select(_columns.id, _columns.reference, _columns.module).where(
    _columns.reference.in_(bindparam("references", expanding=True))
)
#: Runs after each login.
_LEASES = (
    select(*(_columns[name] for name in Lease._fields))
    .where(_columns.account_id == bindparam("account_id"))
    .order_by(_columns.reference)
)


class OnFile(NamedTuple):
    """A contract that a document may belong to."""

    id: int
    reference: str
    module: str


class Numbered(NamedTuple):
    """The contract that a number names, or those that differ from it by leading zeros."""

    contract: OnFile | None
    others: list[OnFile]


class Referenced(Protocol):
    """Anything with a reference."""

    @property
    def reference(self) -> Any:
        """The contract's reference."""


Found = TypeVar("Found", bound=Referenced)


def today() -> date:
    """Return today in the landlord's time zone."""
    return utcnow().astimezone(settings.timezone).date()


def find(reference: str) -> Contract | None:
    """Return the contract with that reference, else the only one with other leading zeros (T02)."""
    return exact_or_only(reference, _candidates(reference))


def numbered(numbers: Collection[str]) -> dict[str, Numbered]:
    """Return what each number is on file.

    A document goes to exactly that reference: otherwise it could reach another tenant (X26). With one length for all,
    lost zeros are restored.
    """
    low, high = settings.reference_length
    variants = {number: padded_variants(number, settings.reference_length) for number in numbers}
    wanted = list({variant for each in variants.values() for variant in each})
    on_file: dict[str, OnFile] = {}
    for begin in range(0, len(wanted), BATCH):
        rows = db.session.execute(_ON_FILE, {"references": wanted[begin : begin + BATCH]})
        on_file |= {row.reference: OnFile(*row) for row in rows}
    found = {}
    for number, each in variants.items():
        known = [on_file[variant] for variant in each if variant in on_file]
        exact = {number, number.zfill(high) if low == high else number}
        own = [contract for contract in known if contract.reference in exact]
        found[number] = (
            Numbered(own[0], []) if len(own) == 1 else Numbered(None, sorted(known, key=attrgetter("reference")))
        )
    return found


def with_accounts(contract_ids: Iterable[int]) -> dict[int, Contract]:
    """Return contracts by number, each with its account."""
    rows = db.session.scalars(_WITH_ACCOUNT.where(Contract.id.in_(contract_ids)))
    return {contract.id: contract for contract in rows}


def reference_variants(reference: str) -> dict[str, str]:
    """Return a reference with each count of leading zeros, as parameters of `with_reference_in`.

    None for a NUL, which PostgreSQL refuses.
    """
    variants = padded_variants(reference, settings.reference_length) if "\0" not in reference else []
    return {f"variant_{number}": variant for number, variant in enumerate(variants)}


@cache
def with_reference_in(statement: Select[Any], count: int) -> Select[Any]:
    """Return the statement limited to one of `count` reference variants.

    Kept for each count: SQLAlchemy compiles lists of any length at each execution.
    """
    parameters = [bindparam(f"variant_{number}", type_=String) for number in range(count)]
    return statement.where(_columns.reference.in_(parameters))


def exact_or_only(reference: str, candidates: Sequence[Found]) -> Found | None:
    """Return the candidate with that reference, else the only candidate."""
    exact = [c for c in candidates if c.reference == reference]
    if exact:
        return exact[0]
    return candidates[0] if len(candidates) == 1 else None


def find_running(reference: str, module: str) -> Contract | None:
    """Return the running contract with both numbers, without telling which is wrong (T04).

    The module must not select among contracts with other leading zeros.
    """
    found = exact_or_only(reference, _candidates(reference))
    modules = padded_variants(module, settings.module_length)
    return found if found is not None and found.module in modules and found.is_running(today()) else None


def leases_of(account_id: int) -> list[Lease]:
    """Return the leases of an account by reference."""
    rows = db.session.execute(_LEASES, {"account_id": account_id}).mappings()
    return [Lease(**row) for row in rows]


def lock(contract_id: int) -> Contract:
    """Lock a contract until the transaction ends, and return it refreshed."""
    return db.session.scalars(_LOCKED, {"id": contract_id}).one()


def last_import_day() -> date | None:
    """Return the day of the newest roster (T05)."""
    newest = db.session.scalar(select(func.max(Import.created_at)))
    return newest.astimezone(settings.timezone).date() if newest else None


def _candidates(reference: str) -> list[Contract]:
    variants = reference_variants(reference)
    return list(db.session.scalars(with_reference_in(_WITH_ACCOUNT, len(variants)), variants))
