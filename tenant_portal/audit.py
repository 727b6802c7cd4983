"""The journal: what happened, to which account, by whom; no secret, no full reference or address."""

import logging
from functools import partial
from typing import Any, cast

from sqlalchemy import Table, event, insert
from sqlalchemy.orm import Session, scoped_session

from .db import db
from .models import Account, Contract, Event

#: No object is made of a line that nobody looks at again.
_LINE = insert(cast(Table, Event.__table__))

#: Where a session keeps the lines of the log about what is not committed yet.
_UNTOLD = "portal_untold"

log = logging.getLogger("tenant_portal")


def log_on_commit(session: scoped_session[Any]) -> None:
    """Have the log tell what this session commits, and nothing of what it undoes or cannot save."""
    for moment, listener in (("after_commit", _tell), ("after_rollback", _forget)):
        if not event.contains(session, moment, listener):  # two portals may share the session of their host
            event.listen(session, moment, listener)


def _tell(session: Session) -> None:
    for line in session.info.pop(_UNTOLD, ()):
        line()


def _forget(session: Session) -> None:
    session.info.pop(_UNTOLD, None)


def record(
    name: str,
    *,
    account: Account | int | None = None,
    contract: Contract | int | None = None,
    step: int | None = None,
    actor: str = "tenant",
    detail: str = "",
) -> None:
    """Add one line to the journal, in the transaction of what it tells of, and one to the log once that is committed.

    An account or a contract may be told of by its number, its `id`.
    """
    if isinstance(account, Account) and account.id is None:
        db.session.flush()
    account_id = account.id if isinstance(account, Account) else account
    contract_id = contract.id if isinstance(contract, Contract) else contract
    whose = {"account_id": account_id, "contract_id": contract_id}
    facts: dict[str, Any] = {"step": step, "actor": actor, "detail": detail[:300]}
    db.session.execute(_LINE, {"name": name, **whose, **facts})
    told = {"account": account_id, "contract": contract_id, **facts}
    db.session.info.setdefault(_UNTOLD, []).append(partial(note, name, **told))


def note(name: str, *, level: int = logging.INFO, **facts: Any) -> None:
    """Add one line to the log alone, for what changes nothing."""
    told = {key: value for key, value in facts.items() if value not in (None, "")}
    text = "%s" + "".join(f" {key}=%r" for key in told)
    log.log(level, text, name, *told.values(), extra={"facts": {"event": name, **told}})
