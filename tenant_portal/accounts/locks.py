"""The row of an account, locked by whoever decides about it."""

from sqlalchemy import bindparam, select

from ..db import db
from ..models import Account, Contract
from . import sessions

# Rows are locked in one order, contract before account, and so that others may still refer to them (`key_share`).
_LOCKED = (
    select(Account)
    .where(Account.id == bindparam("id"))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


def lock_account(contract: Contract | None) -> Account | None:
    """Return the account of a contract as it stands now, kept from other writers until the transaction ends (X15).

    One that is gone is none. Lock the contract before where the answer decides to which account it belongs.
    """
    number = contract.account_id if contract is not None else None
    account = db.session.scalars(_LOCKED, {"id": number or sessions.NO_ACCOUNT_ID}).one_or_none()
    return None if account is None or account.is_gone else account
