"""Which rows about a contract are those of whoever had it before."""

from typing import Any

from sqlalchemy import ColumnElement, exists
from sqlalchemy.orm import aliased

from ..models import Event

#: Events by which a contract changes accounts.
_MOVES = ("contract_joined", "contract_handed_over", "contract_released")


def has_moved_since(table: Any) -> ColumnElement[bool]:
    """Tell whether the contract has changed accounts since: an erased one leaves rows that are nobody's by now."""
    later = aliased(Event)
    return exists().where(
        later.contract_id == table.contract_id, later.name.in_(_MOVES), later.created_at > table.created_at
    )
