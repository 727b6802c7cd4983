"""Find contracts by their numbers or account."""

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

    @property
    def tenant_name(self) -> str:
        """Return title, first and last name."""
        return full_name(self.title, self.first_name, self.last_name)


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
#: Runs after each login.
_LEASES = (
    select(*(_columns[name] for name in Lease._fields))
    .where(_columns.account_id == bindparam("account_id"))
    .order_by(_columns.reference)
)


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


def find_for_document(number: str) -> tuple[Contract | None, list[str]]:
    """Return the contract with exactly that reference, or those that differ by leading zeros.

    Otherwise a document could reach another tenant. With one length for all, lost zeros are restored.
    """
    low, high = settings.reference_length
    exact = {number, number.zfill(high) if low == high else number}
    candidates = _candidates(number)
    found = [contract for contract in candidates if contract.reference in exact]
    if len(found) == 1:
        return found[0], []
    return None, sorted(contract.reference for contract in candidates)


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
