"""The journal and the log: what happened to which account; no secret, full reference or address."""

import logging
from functools import partial
from typing import Any, cast

from sqlalchemy import Select, Table, event, insert, literal
from sqlalchemy.orm import Session, scoped_session

from .db import UtcDateTime, db, utcnow
from .models import Account, Contract, Event

#: Without an object, which nobody would read.
_INSERT = insert(cast(Table, Event.__table__))

#: In a session's `info`: lines for the log that await the commit.
_PENDING = "portal_untold"

log = logging.getLogger("tenant_portal")


def log_on_commit(session: scoped_session[Any]) -> None:
    """Log the events of this session once they are committed; forget those that are rolled back."""
    for moment, listener in (("after_commit", _log_pending), ("after_rollback", _forget_pending)):
        if not event.contains(session, moment, listener):  # two portals may share a host's session
            event.listen(session, moment, listener)


def _log_pending(session: Session) -> None:
    for log_line in session.info.pop(_PENDING, ()):
        log_line()


def _forget_pending(session: Session) -> None:
    session.info.pop(_PENDING, None)


def record(
    name: str,
    *,
    account: Account | int | None = None,
    contract: Contract | int | None = None,
    step: int | None = None,
    actor: str = "tenant",
    detail: str = "",
) -> None:
    """Add an event to the journal in this transaction, and to the log once that is committed.

    Account and contract may be given by their ids.
    """
    if isinstance(account, Account) and account.id is None:
        db.session.flush()
    account_id = account.id if isinstance(account, Account) else account
    contract_id = contract.id if isinstance(contract, Contract) else contract
    whose = {"account_id": account_id, "contract_id": contract_id}
    facts: dict[str, Any] = {"step": step, "actor": actor, "detail": detail[:300]}
    db.session.execute(_INSERT, {"name": name, **whose, **facts})
    log_line = partial(note, name, account=account_id, contract=contract_id, **facts)
    db.session.info.setdefault(_PENDING, []).append(log_line)


def record_each(name: str, whose: Select[Any], *, actor: str) -> None:
    """Add an event for each account and contract of a selection to the journal; the log gets none."""
    rows = whose.add_columns(*(literal(text) for text in (name, actor, "")), literal(utcnow(), UtcDateTime()))
    columns = ["account_id", "contract_id", "name", "actor", "detail", "created_at"]
    db.session.execute(insert(cast(Table, Event.__table__)).from_select(columns, rows, include_defaults=False))


def note(name: str, *, level: int = logging.INFO, **facts: Any) -> None:
    """Add an event to the log alone, because nothing changed."""
    told = {key: value for key, value in facts.items() if value not in (None, "")}
    text = "%s" + "".join(f" {key}=%r" for key in told)
    log.log(level, text, name, *told.values(), extra={"facts": {"event": name, **told}})
