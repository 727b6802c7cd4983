"""Contracts of the roster: whose is which, found by the numbers that a tenant reads on his notice."""

from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any, NamedTuple, Protocol, TypeVar, cast

from sqlalchemy import Select, String, Table, bindparam, func, select
from sqlalchemy.orm import joinedload

from ..db import db, utcnow
from ..models import Contract, Import
from ..settings import settings
from ..text import full_name
from .numbers import padded_variants


class Lease(NamedTuple):
    """A contract as its tenant's own page shows it: an object of it takes twice as long to read."""

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

    @property
    def tenant_name(self) -> str:
        """Return title, first and last name as they stand on the roster."""
        return full_name(self.title, self.first_name, self.last_name)


_columns = cast(Table, Contract.__table__).c
#: Built once: to make a statement takes longer than the database needs to answer it. With the account, so that whether
#: there is one costs no look more (F9).
_WITH_ACCOUNT = select(Contract).options(joinedload(Contract.account))
_LOCKED = (
    select(Contract)
    .where(Contract.id == bindparam("id"))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
#: Asked after each login, so in plain rows.
_OF_ACCOUNT = (
    select(*(_columns[name] for name in Lease._fields))
    .where(_columns.account_id == bindparam("account_id"))
    .order_by(_columns.reference)
)


class Referenced(Protocol):
    """A contract, or what was read of one."""

    @property
    def reference(self) -> Any:
        """The contract's reference."""


Found = TypeVar("Found", bound=Referenced)


def today() -> date:
    """Return the day in the landlord's time zone, which decides whether a lease runs."""
    return utcnow().astimezone(settings.timezone).date()


def find(reference: str) -> Contract | None:
    """Return the contract that a person means; one with other leading zeros only if it is the only one (T02)."""
    return exact_or_only(reference, _candidates(reference))


def of_document(number: str) -> tuple[Contract | None, list[str]]:
    """Return the contract whose reference a document bears, or the references that other leading zeros make of it.

    To the letter, or a document would reach somebody else. Where all references have one length, a shorter number can
    only lack its zeros.
    """
    low, high = settings.reference_length
    readings = {number, number.zfill(high) if low == high else number}
    candidates = _candidates(number)
    found = [contract for contract in candidates if contract.reference in readings]
    if len(found) == 1:
        return found[0], []
    return None, sorted(contract.reference for contract in candidates)


def reference_variants(reference: str) -> dict[str, str]:
    """Return the spellings of a reference, as `with_reference_in` takes them. PostgreSQL refuses to look for a NUL."""
    variants = padded_variants(reference, settings.reference_length) if "\0" not in reference else []
    return {f"spelling_{number}": variant for number, variant in enumerate(variants)}


@cache
def with_reference_in(statement: Select[Any], count: int) -> Select[Any]:
    """Return a statement about the contracts whose references have one of so many spellings.

    One for each count: SQLAlchemy writes a list of any length anew at each execution.
    """
    named = [bindparam(f"spelling_{number}", type_=String) for number in range(count)]
    return statement.where(_columns.reference.in_(named))


def exact_or_only(reference: str, candidates: Sequence[Found]) -> Found | None:
    """Return which of the contracts in those spellings is meant, if it is sure."""
    exact = [c for c in candidates if c.reference == reference]
    if exact:
        return exact[0]
    return candidates[0] if len(candidates) == 1 else None


def find_running(reference: str, module: str) -> Contract | None:
    """Return the running contract that carries both numbers; which of the two is wrong is never told (T04).

    The reference decides first: the module of a contract with other leading zeros must not turn it into that one.
    """
    found = exact_or_only(reference, _candidates(reference))
    modules = padded_variants(module, settings.module_length)
    return found if found is not None and found.module in modules and found.is_running(today()) else None


def of_account(account_id: int) -> list[Lease]:
    """Return the contracts of an account, by their references."""
    rows = db.session.execute(_OF_ACCOUNT, {"account_id": account_id})
    return [Lease(*row) for row in rows]


def lock(contract_id: int) -> Contract:
    """Return the contract of that id as it stands now, kept from other writers until the transaction ends."""
    return db.session.scalars(_LOCKED, {"id": contract_id}).one()


def last_import_day() -> date | None:
    """Return the day of the newest roster, in the landlord's time zone (T05)."""
    newest = db.session.scalar(select(func.max(Import.created_at)))
    return newest.astimezone(settings.timezone).date() if newest else None


def _candidates(reference: str) -> list[Contract]:
    known = reference_variants(reference)
    return list(db.session.scalars(with_reference_in(_WITH_ACCOUNT, len(known)), known))
