"""A contract as a clerk has it before him, with the account that his acts are about."""

from dataclasses import dataclass

from ..accounts import joining, locks, office_rules
from ..contracts import lookup
from ..db import db
from ..models import Account, Contract
from .clerks import Clerk


@dataclass(frozen=True)
class Case:
    """A contract as a clerk sees it; without account, perhaps with the one that it was taken out of."""

    clerk: str
    contract: Contract
    account: Account | None
    former: Account | None
    is_owner: bool = False

    @property
    def whose(self) -> Account:
        """Return the account that a remedy is about."""
        account = self.account or self.former
        assert account is not None
        return account


def read(number: int, clerk: Clerk, *, lock: bool = False) -> Case | None:
    """Return a contract with its account as they stand, and lock them until the transaction ends."""
    contract = db.session.get(Contract, number)
    if contract is None:
        return None
    if lock:
        contract = lookup.lock(number)
        left = joining.released(contract)
        locks.lock_accounts(contract.account_id, left.account_id if left is not None else None)
    account = contract.account if contract.account is not None and not contract.account.is_gone else None
    former = office_rules.former_account(contract) if account is None else None
    return Case(clerk.name, contract, account, former, clerk.is_owner)
