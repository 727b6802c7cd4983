"""The journal: what happened, to which account, by whom; no secret, no full reference or address."""

import logging
from typing import Any, cast

from sqlalchemy import Table, insert

from .db import db
from .models import Account, Contract, Event

#: No object is made of a line that nobody looks at again.
_LINE = insert(cast(Table, Event.__table__))

log = logging.getLogger("tenant_portal")


def record(
    name: str,
    *,
    account: Account | int | None = None,
    contract: Contract | int | None = None,
    step: int | None = None,
    actor: str = "tenant",
    detail: str = "",
) -> None:
    """Add one line to the journal, in the transaction of what it tells of, and one to the log.

    An account or a contract may be told of by its number, its `id`.
    """
    if isinstance(account, Account) and account.id is None:
        db.session.flush()
    account_id = account.id if isinstance(account, Account) else account
    contract_id = contract.id if isinstance(contract, Contract) else contract
    whose = {"account_id": account_id, "contract_id": contract_id}
    facts: dict[str, Any] = {"step": step, "actor": actor, "detail": detail[:300]}
    db.session.execute(_LINE, {"name": name, **whose, **facts})
    note(name, account=whose["account_id"], contract=whose["contract_id"], **facts)


def note(name: str, *, level: int = logging.INFO, **facts: Any) -> None:
    """Add one line to the log alone, for what changes nothing."""
    told = {key: value for key, value in facts.items() if value not in (None, "")}
    text = "%s" + "".join(f" {key}=%r" for key in told)
    log.log(level, text, name, *told.values(), extra={"facts": {"event": name, **told}})
