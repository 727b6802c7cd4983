"""Several contracts in one account (T27, T28), and one that leaves it.

A contract without a finished account joins at once. One that has a finished account is handed over by its owner, who
proves that account's address and password. The office releases one that is somebody else's (T14).
"""

import enum
from datetime import timedelta

from .. import audit
from ..contracts import lookup
from ..db import begin_write, db
from ..models import Account, ConsentPurpose, Contract
from . import consents, email_change, lifecycle, office_acts, passwords, rate_limits, sessions
from .consents import Choice
from .limited_acts import Per
from .locks import lock_accounts
from .office_acts import OfficeAct
from .signed_links import Handover

#: How long the office can put a released contract back.
RELEASE_UNDONE = timedelta(days=7)


class Outcome(enum.Enum):
    """How a request for a contract ends; see `ask`."""

    JOINED = enum.auto()
    STANDING = enum.auto()
    ASKED = enum.auto()
    REPEATED = enum.auto()
    LIMITED = enum.auto()
    REFUSED = enum.auto()


def ask(contract_id: int, receiver_id: int, *, password_hash: str) -> tuple[Outcome, Handover]:
    """Join a contract to the account that proved both numbers and its password, or ask the contract's owner.

    The hash is that of the proven password. The caller commits. It ends in one of six ways:

    1. JOINED: no finished account held it; an unfinished sign-up blocks nobody (T15).
    2. STANDING: it is in the account already.
    3. ASKED: a finished account holds it, perhaps closed (T35); its owner decides.
    4. REPEATED: the same was asked a moment ago, and its mail is written (T38). No mail leaves either to the owner of
       a frozen account, who could not agree (H07).
    5. LIMITED: too many mails were caused for the contract within the hour.
    6. REFUSED: the account was closed or frozen, or its password changed, meanwhile.
    """
    wanted = lock(contract_id, receiver_id)
    contract, receiver = wanted
    holder = contract.account
    if receiver.is_closed or receiver.is_frozen or receiver.password_hash != password_hash:
        return Outcome.REFUSED, wanted
    if contract.account_id == receiver.id:
        return Outcome.STANDING, wanted
    if holder is None or holder.is_gone or not holder.is_finished:
        if holder is not None:
            _empty(holder)
        _join(contract, receiver)
        return Outcome.JOINED, wanted
    if holder.is_frozen:
        return Outcome.REPEATED, wanted
    if rate_limits.count_use("handover again", Per.ACCOUNT, f"{receiver.id}:{contract.id}") is None:
        return Outcome.REPEATED, wanted
    if rate_limits.count_use("handover", Per.CONTRACT, contract.id) is None:
        return Outcome.LIMITED, wanted
    audit.record("handover_asked", account=receiver, contract=contract)
    return Outcome.ASKED, wanted


def lock(contract_id: int, receiver_id: int) -> Handover:
    """Begin to write; lock a contract, its account and the one that asks; return them as they stand."""
    begin_write()
    contract = lookup.lock(contract_id)
    lock_accounts(receiver_id, contract.account_id)
    return Handover(contract, db.session.get_one(Account, receiver_id))


def address_of(holder: Account) -> str:
    """Return where the owner is asked: the first address while a change of it can be objected to.

    Else a thief of the password would change the address, and give the contract away before the owner objects (F3).
    """
    change = email_change.oldest_open(holder)
    return change.old_email if change is not None else holder.email


def standing_of(owner: Account) -> tuple[object, ...]:
    """Return what must not change between the verified link and the act; the password may be hashed anew."""
    return owner.id, owner.email, owner.closed_at


def may_hand_over(handover: Handover, standing: tuple[object, ...], *, password_hash: str) -> bool:
    """Tell whether all stands as when the owner typed the password of that hash."""
    owner = handover.contract.account
    is_same = owner is not None and standing_of(owner) == standing and owner.password_hash == password_hash
    return is_same and not handover.is_frozen and not handover.receiver.is_closed


def hand_over(handover: Handover) -> list[str] | None:
    """Move a contract to the account that asked; close the one that is left without any.

    The caller holds the locks of `lock`, and has verified the link and the owner's password. Returns the references
    whose answers the closing changed, or None where it closed nothing.
    """
    contract, receiver = handover
    holder = contract.account
    assert holder is not None
    withdrawn = _prepare_leaving(contract, holder, channel="handover", actor="tenant")
    audit.record("contract_handed_over", account=holder, contract=contract)
    _join(contract, receiver)
    return withdrawn


def release(contract: Contract, holder: Account, *, actor: str) -> list[str] | None:
    """Take a contract out of its account, so that its tenant can sign up; close an account left without any (T14).

    The caller holds both locks, the contract's first. A frozen account stays frozen. Returns what `hand_over` does.
    """
    withdrawn = _prepare_leaving(contract, holder, channel="release", actor=actor)
    audit.record("contract_released", account=holder, contract=contract, actor=actor)
    contract.account = None
    return withdrawn


def released(contract: Contract) -> OfficeAct | None:
    """Return the act by which the office took the contract out of its account, unless that was undone."""
    last = office_acts.newest(contract, None, "detached", "reattached")
    return last if last is not None and last.act == "detached" else None


def reattach(contract: Contract, former: Account, *, actor: str) -> bool:
    """Put a released contract back into its account; tell whether that was closed for want of contracts.

    The caller holds both locks, the contract's first. The answers stay withdrawn; an emptied account has no password
    until its tenant chooses one.
    """
    was_emptied = not former.contracts
    if was_emptied and former.is_closed:
        lifecycle.reopen(former, contract, actor=actor)
    contract.account = former
    audit.record("contract_reattached", account=former, contract=contract, actor=actor)
    return was_emptied


def _prepare_leaving(contract: Contract, holder: Account, *, channel: str, actor: str) -> list[str] | None:
    if len(holder.contracts) > 1:
        only = Choice(ConsentPurpose.E_NOTICE, contract.id)
        consents.withdraw(holder, channel=channel, actor=actor, only=only)
        return None
    withdrawn = lifecycle.close(holder, actor=actor) if not holder.is_closed else None
    _empty(holder)
    return withdrawn


def _join(contract: Contract, receiver: Account) -> None:
    contract.account = receiver
    audit.record("contract_joined", account=receiver, contract=contract)


def _empty(account: Account) -> None:
    """End what could still open an account that loses its only contract: sessions, password, counters, links."""
    sessions.end_all(account)
    rate_limits.clear("login", Per.ACCOUNT, account.id)
    rate_limits.clear("login", Per.LINK, account.id)
    email_change.drop(account)
    account.password_hash = passwords.unusable()
