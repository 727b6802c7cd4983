"""What happens to a finished account: another password, closing, reopening."""

from typing import NamedTuple

from .. import audit
from ..db import begin_write, db, utcnow
from ..models import Account, Contract, EmailChange
from . import authentication, consents, email_change, rate_limits, sessions
from .limited_acts import Per
from .locks import lock_account


class Reset(NamedTuple):
    """What became of the wish for another password: whose it is, if any, and in which turn a mail may leave, if any."""

    account: Account | None
    contract: Contract | None
    turn: int | None = None


def request_reset(reference: str, *, device: str, origin: str) -> Reset:
    """Return the account that a reset mail is for, and whether a mail may leave at all; the page is the same (F8).

    Only what leaves is counted. The account counts it, whatever the spelling of its reference (X10). So does the
    address of origin, unless the account knows the device (X07).
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
        return reset  # asked first, so that whoever floods takes nothing from the accounts
    is_again = rate_limits.count_use("reset again", Per.ACCOUNT, whose) is None  # the button was pressed twice (T38)
    if is_again or rate_limits.count_use("reset", Per.ACCOUNT, whose) is None:
        if is_counted:
            rate_limits.uncount_use("reset", Per.ORIGIN, origin)
        return reset
    audit.record("reset_requested", account=account, contract=contract)
    return reset._replace(turn=turn)


def reset_password(account: Account, password_hash: str, *, device: str) -> None:
    """Set the password of a reset link: every session ends, every open link dies, every delay is lifted.

    The password comes hashed: whoever begins a write must not wait for a hash. The device counts as known from now on:
    whoever reads the owner's mail is not held up by a stranger's tries (T21). Every other one is forgotten (X12).
    """
    account.password_hash = password_hash
    sessions.end_all(account)
    sessions.forget_devices(account)
    email_change.drop(account)
    sessions.note_device(account, device)
    rate_limits.clear_failures("login", Per.ACCOUNT, account.id)
    audit.record("password_reset", account=account)


def change_password(account: Account, password_hash: str) -> EmailChange | None:
    """Set another password, which comes hashed: every session ends, every open link and known device is forgotten (F4).

    Returns the change of address that its reader must confirm once more, if the address is in doubt now.
    """
    account.password_hash = password_hash
    sessions.end_all(account)
    sessions.forget_devices(account)
    email_change.drop(account)
    audit.record("password_changed", account=account)
    return email_change.doubt(account)


def close(account: Account, *, actor: str = "tenant") -> list[str]:
    """Close the account: every session ends, every open link dies, each yes becomes a no; its password opens it again.

    Returns the references of the contracts whose answers have changed.
    """
    account.closed_at = utcnow()
    sessions.end_all(account)
    email_change.drop(account)
    withdrawn = consents.withdraw(account, channel="closing")
    audit.record("account_closed", account=account, contract=account.contracts[0], actor=actor)
    return [contract.reference for contract in withdrawn]


def reopen(account: Account) -> None:
    """Open a closed account again; what was answered before it was closed stays withdrawn."""
    account.closed_at = None
    audit.record("account_reopened", account=account, contract=account.contracts[0])
