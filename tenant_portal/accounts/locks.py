"""The locks on accounts."""

from sqlalchemy import bindparam, select

from ..db import db
from ..models import Account, Contract
from . import sessions

# `key_share` lets others insert rows that refer to the account.
_LOCKED = (
    select(Account)
    .where(Account.id == bindparam("id"))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_ALL_LOCKED = (
    select(Account)
    .where(Account.id.in_(bindparam("ids", expanding=True)))
    .order_by(Account.id)
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


def lock_account(contract: Contract | None) -> Account | None:
    """Lock the account of a contract until the transaction ends; return it anew, unless it is gone (X15).

    Lock the contract before, where its account may change.
    """
    number = contract.account_id if contract is not None else None
    account = db.session.scalars(_LOCKED, {"id": number or sessions.NO_ACCOUNT_ID}).one_or_none()
    return None if account is None or account.is_gone else account


def lock_accounts(*numbers: int | None) -> None:
    """Lock several accounts until the transaction ends, and read them anew: the lowest number first, for everybody.

    Lock the contract before, where its account may change.
    """
    db.session.scalars(_ALL_LOCKED, {"ids": [number for number in numbers if number]}).all()
