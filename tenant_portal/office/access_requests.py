"""Requests of access (RGPD 15): who asks gets all that is kept about him, and nothing of others (G16, F30)."""

from calendar import monthrange
from datetime import date
from typing import NamedTuple

from sqlalchemy import select

from ..accounts import office_acts
from ..accounts.limited_acts import REPEAT_WINDOW
from ..accounts.locks import lock_account
from ..accounts.office_acts import OfficeAct
from ..contracts import lookup
from ..db import begin_write, db, utcnow
from ..documents.bundle import Member
from ..mail import notifications
from ..models import Account, Contract
from ..operations import data_copy

#: Its name in the journal.
ACT = "data_given"
#: Whose data are asked for: of whoever has the account, or of somebody else of the contract.
ACCOUNT, CONTRACT = "account", "contract"


class Subject(NamedTuple):
    """Whom a request is about: the account that is surely the tenant's, if there is one, with all its contracts."""

    account: Account | None
    contracts: list[Contract]

    @property
    def mark(self) -> str:
        """Return what must not change between the page and its button."""
        return "-".join(str(one.id) for one in (self.account, *self.contracts) if one is not None)


def subject_of(contract: Contract) -> Subject:
    """Return whom a request about a contract is about."""
    account = data_copy.holder_of(contract)
    return Subject(account, list(account.contracts) if account is not None else [contract])


def deadline(asked_on: date) -> date:
    """Return the last day for the answer: the same day of the next month (RGPD 12.3), or its last."""
    year, month = (asked_on.year + 1, 1) if asked_on.month == 12 else (asked_on.year, asked_on.month + 1)
    return date(year, month, min(asked_on.day, monthrange(year, month)[1]))


def give(number: int, *, clerk: str, mark: str, whose: str, identity: str, asked_on: date) -> list[Member] | None:
    """Return the files of the copy, note the act and tell the account by mail; the caller commits.

    None where the contract has changed hands since the page was opened: the copy would be another's.
    """
    begin_write()
    contract = lookup.lock(number)
    lock_account(contract)
    subject = subject_of(contract)
    if subject.mark != mark:
        db.session.rollback()
        return None
    account = subject.account if whose == ACCOUNT else None
    is_repeat = _was_just_given(contract)
    office_acts.record(
        clerk,
        ACT,
        contract=contract.id,
        account=account,
        about=asked_on.isoformat(),
        identity=identity,
        reason="on_request",
    )
    if subject.account is not None and not subject.account.is_gone and not is_repeat:
        notifications.data_copied(subject.account, contract, given=ACCOUNT if account is not None else CONTRACT)
    db.session.flush()
    return data_copy.files(subject.contracts if account is not None else [contract], account)


def past(most: int) -> list[tuple[OfficeAct, Contract | None]]:
    """Return the requests that were answered, the newest first."""
    rows = select(OfficeAct, Contract).outerjoin(Contract, Contract.id == OfficeAct.contract_id)
    rows = rows.where(OfficeAct.act == ACT).order_by(OfficeAct.id.desc()).limit(most)
    return [(act, contract) for act, contract in db.session.execute(rows)]


def _was_just_given(contract: Contract) -> bool:
    """Tell whether a double click asks again: it is noted, and makes no second mail."""
    same = OfficeAct.contract_id == contract.id, OfficeAct.act == ACT, OfficeAct.created_at > utcnow() - REPEAT_WINDOW
    return db.session.scalar(select(OfficeAct.id).where(*same).limit(1)) is not None
