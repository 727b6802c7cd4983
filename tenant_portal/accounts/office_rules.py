"""What the office may do for a tenant, and how it must have recognised him (G05); docs/security.md has the table.

The rules hold whatever a page shows. The caller holds the locks: the contract's first, then the account's.
"""

from collections.abc import Callable
from datetime import timedelta

from ..db import db, utcnow
from ..models import Account, Contract
from . import email_change, freezing, joining, office_acts, rate_limits, sessions

DAY = timedelta(days=1)
#: How long a clerk can undo his own slip without recognising anybody.
SLIP = timedelta(hours=1)
#: Shown papers, or what reaches only the tenant: enough for what could give an account to somebody else.
SURE = ("counter", "letter_code", "written")
#: A voice at the known number as well.
KNOWN = ("counter", "call_back", "letter_code", "written")
#: Nobody need be recognised for what helps no liar.
ANYBODY = (*KNOWN, "none")

#: By the key of `office_acts.ACTS`.
PROOFS = {
    "activation_sent": ANYBODY,  # to the address on file, and only the password opens the account
    "activation_corrected": KNOWN,  # it becomes the address for new passwords
    "reset_sent": ANYBODY,  # to the address on file; anybody may ask for it on the portal
    "delay_lifted": ANYBODY,
    "sessions_ended": ANYBODY,  # whoever knows the password comes back
    "frozen": KNOWN,  # it shuts the tenant out
    "thawed": KNOWN,
    "address_asked": KNOWN,  # at once for who stands at the counter alone (F27)
    "choice_noted": SURE,
    "detached": SURE,
    "reattached": SURE,
}


def proofs(act: str, contract: Contract, account: Account | None, *, clerk: str) -> tuple[str, ...]:
    """Return which ways to recognise a tenant are enough for an act now."""
    if act == "reattached" and _is_own_slip(contract, clerk):
        return ANYBODY
    if act == "reset_sent" and account is not None and not is_address_proven(account):
        return ("counter",)
    if act == "delay_lifted" and account is not None and _was_lifted_for_anybody(contract, account):
        return KNOWN  # a liar gets no more guesses
    if act == "thawed" and account is not None and freezing.is_disputed(account):
        return SURE
    return PROOFS[act]


def is_address_proven(account: Account) -> bool:
    """Tell whether its former address has known of the address for a day, so that it could object (F27)."""
    return not email_change.is_younger(account, DAY)


def obstacle(act: str, contract: Contract, account: Account | None) -> str:
    """Return why an act is not possible now, or an empty text."""
    if act == "reattached":
        return _why_not_reattached(contract, account)
    if account is None:
        return "no_account"
    return _OBSTACLES[act](account)


def _why_no_reset(account: Account) -> str:
    if not account.is_finished:
        return "unfinished"
    if freezing.is_disputed(account):
        return "disputed"
    if account.email_doubted_at is not None:
        return "doubted"
    return "address_failed" if account.email_failed_at is not None else ""


def _why_not_open(account: Account) -> str:
    if not account.is_finished:
        return "unfinished"
    if account.is_frozen:
        return "disputed" if freezing.is_disputed(account) else "frozen"
    return "closed" if account.is_closed else ""


def _why_no_freeze(account: Account) -> str:
    if not account.is_finished:
        return "unfinished"
    return "disputed" if freezing.is_disputed(account) else ""


def _why_not_reattached(contract: Contract, account: Account | None) -> str:
    left = joining.released(contract)
    if left is None:
        return "never_detached"
    if account is not None:
        return "signed_up_again"
    if utcnow() - left.created_at > joining.RELEASE_UNDONE:
        return "too_late"
    former = former_account(contract)
    return "former_gone" if former is None or former.is_gone else ""


_OBSTACLES: dict[str, Callable[[Account], str]] = {
    "activation_sent": lambda account: "finished" if account.is_finished else "",
    "activation_corrected": lambda account: "finished" if account.is_finished else "",
    "reset_sent": _why_no_reset,
    "delay_lifted": lambda account: (
        "frozen" if account.is_frozen else "" if rate_limits.login_waits_until(account.id) else "no_delay"
    ),
    "sessions_ended": lambda account: "" if sessions.running(account) else "no_session",
    "frozen": _why_no_freeze,
    "thawed": lambda account: "" if account.is_frozen else "not_frozen",
    "address_asked": _why_not_open,
    "choice_noted": _why_not_open,
    "detached": lambda account: "" if account.is_finished else "unfinished",
}


def former_account(contract: Contract) -> Account | None:
    """Return the account that a contract was taken out of."""
    left = joining.released(contract)
    return db.session.get(Account, left.account_id or sessions.NO_ACCOUNT_ID) if left is not None else None


def _is_own_slip(contract: Contract, clerk: str) -> bool:
    left = joining.released(contract)
    return left is not None and left.clerk == clerk and utcnow() - left.created_at < SLIP


def _was_lifted_for_anybody(contract: Contract, account: Account) -> bool:
    last = office_acts.newest(contract, account, "delay_lifted")
    return last is not None and last.identity == "none" and utcnow() - last.created_at < DAY
