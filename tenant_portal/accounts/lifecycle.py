"""What happens to a finished account: new password, closing, reopening."""

from typing import NamedTuple

from .. import audit
from ..db import begin_write, db, utcnow
from ..models import Account, Contract
from . import authentication, consents, email_change, freezing, rate_limits, sessions
from .email_change import EmailChange
from .limited_acts import Per
from .locks import lock_account


class Reset(NamedTuple):
    """How a request for a new password ended; without a turn no mail leaves."""

    account: Account | None
    contract: Contract | None
    turn: int | None = None


def request_reset(reference: str, *, device: str, origin: str) -> Reset:
    """Count a request for a reset mail; tell for whom and whether it may leave. The page is the same (F8).

    Only mails that leave count: per account, however its reference is spelt (X10), and per network address, unless the
    device is known (X07).
    """
    begin_write()
    row = authentication.find_login_row(reference, device)
    contract = db.session.get(Contract, row.contract_id or sessions.NO_ACCOUNT_ID)
    account = lock_account(contract)
    reset = Reset(account, contract if account is not None else None)
    whose = str(account.id) if account is not None else f"reference {reference.lstrip('0')}"
    is_counted = not (device and row.knows_device)
    turn = rate_limits.count_use("reset", Per.ORIGIN, origin) if is_counted else 0
    if turn is None:
        return reset  # before the accounts' quotas, which a flood must not use up
    is_again = rate_limits.count_use("reset again", Per.ACCOUNT, whose) is None  # a double click (T38)
    if is_again or rate_limits.count_use("reset", Per.ACCOUNT, whose) is None:
        if is_counted:
            rate_limits.uncount_use("reset", Per.ORIGIN, origin)
        return reset
    audit.record("reset_requested", account=account, contract=contract)
    return reset._replace(turn=turn)


def reset_password(account: Account, password_hash: str, *, device: str) -> None:
    """Set the password of a reset link: sessions, links and waits end.

    It comes hashed: no transaction waits for a hash. Only this device is known from now on (X12): strangers' failures
    do not delay it (T21). It thaws an account that its tenant froze (H07).
    """
    if account.is_frozen:
        freezing.thaw(account, actor=freezing.Freezer.TENANT)
    account.password_hash = password_hash
    sessions.end_all(account)
    sessions.forget_devices(account)
    email_change.drop(account)
    sessions.note_device(account, device)
    rate_limits.clear("login", Per.ACCOUNT, account.id)
    audit.record("password_reset", account=account)


def change_password(account: Account, password_hash: str) -> EmailChange | None:
    """Set another password; sessions, links and known devices end (F4).

    Returns the change that confirms the address, if it is in doubt now.
    """
    account.password_hash = password_hash
    sessions.end_all(account)
    sessions.forget_devices(account)
    email_change.drop(account)
    audit.record("password_changed", account=account)
    return email_change.doubt(account)


def close(account: Account, *, actor: str = "tenant") -> list[str]:
    """Close the account: sessions and links end, each yes becomes a no. Its password reopens it.

    Returns the references of the contracts whose answers changed.
    """
    account.closed_at = utcnow()
    sessions.end_all(account)
    email_change.drop(account)
    withdrawn = consents.withdraw(account, channel="closing", actor=actor)
    audit.record("account_closed", account=account, contract=account.contracts[0], actor=actor)
    return [contract.reference for contract in withdrawn]


def reopen(account: Account, contract: Contract, *, actor: str = "tenant") -> None:
    """Open a closed account again; its answers stay withdrawn."""
    account.closed_at = None
    audit.record("account_reopened", account=account, contract=contract, actor=actor)
