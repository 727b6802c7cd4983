"""The journal: what happened, to which account, by whom; no secret, no full reference or address."""

import logging
from typing import Any

from .db import db
from .models import Account, Contract, Event

log = logging.getLogger("tenant_portal")


def record(
    name: str,
    *,
    account: Account | None = None,
    contract: Contract | None = None,
    step: int | None = None,
    actor: str = "tenant",
    detail: str = "",
) -> None:
    """Add one line to the journal, in the transaction of what it tells of, and one to the log."""
    event = Event(name=name, contract_id=contract.id if contract else None, step=step, actor=actor, detail=detail[:300])
    if account is not None:
        if account.id is None:
            db.session.flush()
        event.account_id = account.id
    db.session.add(event)
    note(name, account=event.account_id, contract=event.contract_id, step=step, actor=actor, detail=event.detail)


def note(name: str, *, level: int = logging.INFO, **facts: Any) -> None:
    """Add one line to the log alone, for what changes nothing."""
    told = {key: value for key, value in facts.items() if value not in (None, "")}
    text = "%s" + "".join(f" {key}=%r" for key in told)
    log.log(level, text, name, *told.values(), extra={"facts": {"event": name, **told}})
