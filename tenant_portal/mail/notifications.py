"""One function per mail: each writes a row of the outbox. The texts are in `templates/portal/mail`.

A mail shows only the last three digits of a reference (U42).
"""

from datetime import date, datetime

from .. import i18n
from ..accounts import consents
from ..accounts.authentication import AuthenticatedAccount, KnownContract
from ..db import utcnow
from ..messages.conversation import Topic
from ..models import Account, Contract, EmailChange, Message
from ..settings import settings
from ..text import masked_reference
from . import outbox


def activation(
    account: Account, contract: Contract, *, link: str, until: datetime, signup_link: str = "", turn: int = 0
) -> None:
    """Send the link of step 9; `signup_link` if a reset was asked for instead."""
    content = {"digits": _digits(contract), "link": link, "until": until.isoformat(), "signup_link": signup_link}
    outbox.put("activation", account.email, account=account, contract=contract, content=content, turn=turn)


def already_registered(account: Account, contract: Contract, *, login_link: str, reset_link: str) -> None:
    """Tell the owner that the contract has an account, open or closed (T13)."""
    content = {"digits": _digits(contract), "link": login_link, "reset_link": reset_link, **_closing(account)}
    outbox.put("already_registered", account.email, account=account, contract=contract, content=content)


def contract_taken(email: str, contract: Contract, *, message_link: str) -> None:
    """Tell another address the same (T13)."""
    content = {"digits": _digits(contract), "link": message_link}
    outbox.put("contract_taken", email, contract=contract, language=i18n.language(), content=content)


def welcome(account: Account, contract: Contract, *, link: str) -> None:
    """Welcome the tenant (step 12)."""
    choices = consents.current(account.id, contract.id)
    awaits_direct_debit = consents.awaits_direct_debit(choices, is_direct_debit=contract.is_direct_debit)
    content = {"digits": _digits(contract), "link": link, "awaits_direct_debit": awaits_direct_debit}
    outbox.put("welcome", account.email, account=account, contract=contract, content=content)


def reset(account: Account | None, contract: Contract | None, *, link: str, until: datetime, turn: int = 0) -> None:
    """Send the reset link (T17), to nobody without an account."""
    content = {"digits": _digits(contract), "link": link, "until": until.isoformat()}
    outbox.put("reset", _address(account), account=account, contract=contract, content=content, turn=turn)


def password_changed(account: Account, contract: Contract | None, *, reset_link: str, address: str = "") -> None:
    """Tell the owner of a new password (U36)."""
    content = {"digits": _digits(contract), "changed_at": utcnow().isoformat(), "reset_link": reset_link}
    outbox.put("password_changed", address or account.email, account=account, contract=contract, content=content)


def email_change(
    change: EmailChange, contract: Contract | None, *, link: str, until: datetime, is_doubt: bool = False
) -> None:
    """Send the confirmation link to the new address, or to the present one in doubt."""
    content = {"digits": _digits(contract), "link": link, "until": until.isoformat()}
    content["is_doubt"] = "yes" if is_doubt else ""
    outbox.put("email_change", change.new_email, account=change.account, contract=contract, content=content)


def email_change_asked(
    change: EmailChange, contract: Contract | None, *, objection: str = "", until: datetime | None = None
) -> None:
    """Tell the present address of the request and how to object (F3); the new one stays hidden (T31)."""
    content = {"digits": _digits(contract), "at": change.created_at.isoformat(), "objection": objection}
    content["objection_until"] = until.isoformat() if until else ""
    outbox.put("email_change_asked", change.old_email, account=change.account, contract=contract, content=content)


def email_changed(
    change: EmailChange,
    contract: Contract | None,
    *,
    address: str,
    objection: str = "",
    until: datetime | None = None,
    turn: int = 0,
) -> None:
    """Tell an address that it is done; only the former one can object (F3, U36)."""
    at = change.confirmed_at or utcnow()
    content = {"digits": _digits(contract), "at": at.isoformat(), "objection": objection}
    content["is_former"] = "yes" if address != change.new_email else ""
    content["objection_until"] = until.isoformat() if until else ""
    outbox.put("email_changed", address, account=change.account, contract=contract, content=content, turn=turn)


def email_change_stopped(
    change: EmailChange, contract: Contract | None, *, address: str, reset_link: str, is_owner: bool
) -> None:
    """Tell the owner, or the refused address, that an objection undid the change."""
    content = {"digits": _digits(contract), "at": utcnow().isoformat(), "reset_link": reset_link, "is_owner": is_owner}
    outbox.put("email_change_stopped", address, account=change.account, contract=contract, content=content)


def account_closed(account: Account, contract: Contract, *, link: str, reset_link: str, is_idle: bool = False) -> None:
    """Tell the owner until when the closed account can be reopened (T35, L26)."""
    content = {"digits": _digits(contract), "link": link, "reset_link": reset_link, "is_idle": is_idle}
    content |= _closing(account)
    outbox.put("account_closed", account.email, account=account, contract=contract, content=content)


def account_reopened(account: Account, contract: Contract) -> None:
    """Tell the owner that it is open again, without consents (T35)."""
    content = {"digits": _digits(contract), "reopened_at": utcnow().isoformat()}
    outbox.put("account_reopened", account.email, account=account, contract=contract, content=content)


def new_device(
    account: Account | AuthenticatedAccount, contract: Contract | KnownContract | None, *, device_name: str, link: str
) -> None:
    """Tell the owner of a login from an unknown device (T39, ASVS 6.3.5)."""
    content = {"digits": _digits(contract), "device_name": device_name, "at": utcnow().isoformat(), "link": link}
    outbox.put("new_device", account.email, account=account, contract=contract, content=content)


def attempts(account: Account | None, contract: Contract | None, *, link: str) -> None:
    """Tell the owner of failed logins (T21), nobody without an account."""
    content = {"digits": _digits(contract), "link": link, "failed_at": utcnow().isoformat()}
    outbox.put("attempts", _address(account), account=account, contract=contract, content=content)


def message_received(message: Message, *, days: int) -> None:
    """Confirm a message to its sender (T36)."""
    content = {
        "number": message.number,
        "days": days,
        "written_at": (message.created_at or utcnow()).isoformat(),
        "is_waiting": message.topic == Topic.WAITING,
    }
    outbox.put("message_received", message.email, language=message.language, content=content)


def message_to_landlord(message: Message, *, standing_text: str) -> None:
    """Send a message to the landlord; replies go to the tenant."""
    content = {
        "number": message.number,
        "topic": message.topic,
        "body": message.body,
        "reference": message.reference,
        "email": message.email,
        "reply_to": message.email,
        "standing": standing_text,
    }
    outbox.put("message_to_landlord", settings.landlord_email, language="fr", content=content)


def contract_ready(message: Message, contract: Contract, *, link: str) -> None:
    """Tell who waited that sign-up is possible (T05)."""
    content = {"digits": _digits(contract), "link": link}
    outbox.put("contract_ready", message.email, contract=contract, language=message.language, content=content)


def notice_published(account: Account, contract: Contract, *, period: date, link: str, is_correction: bool) -> None:
    """Tell of a new or corrected rent notice."""
    content = {"digits": _digits(contract), "link": link, "period": period.isoformat(), "is_correction": is_correction}
    outbox.put("notice_published", account.email, account=account, contract=contract, content=content)


def receipt_published(account: Account, contract: Contract, *, period: date, link: str, is_correction: bool) -> None:
    """Tell of a new or corrected receipt."""
    content = {"digits": _digits(contract), "link": link, "period": period.isoformat(), "is_correction": is_correction}
    outbox.put("receipt_published", account.email, account=account, contract=contract, content=content)


def documents_ending(
    account: Account, contract: Contract, *, ended_on: date, kept_until: date, link: str, ends_account: bool
) -> None:
    """Tell until when the documents of an ended lease stay (T34)."""
    content = {"digits": _digits(contract), "link": link, "ends_account": ends_account}
    content |= {"ended_on": ended_on.isoformat(), "kept_until": kept_until.isoformat()}
    outbox.put("documents_ending", account.email, account=account, contract=contract, content=content)


def data_copied(account: Account, contract: Contract, *, reset_link: str) -> None:
    """Tell the owner that a copy of all data was taken (H09)."""
    content = {"digits": _digits(contract), "copied_at": utcnow().isoformat(), "reset_link": reset_link}
    outbox.put("data_copied", account.email, account=account, contract=contract, content=content)


def e_notice_changed(
    account: Account, answers: list[tuple[Contract, bool]], *, month: date, link: str, reset_link: str
) -> None:
    """Confirm how the notices of contracts arrive, and from which month (T22, T25)."""
    changed = [
        {"digits": _digits(contract), "answer": answer, "waits": answer and not contract.is_direct_debit}
        for contract, answer in answers
    ]
    content = {"changed": changed, "month": month.isoformat(), "link": link, "reset_link": reset_link}
    outbox.put("e_notice_changed", account.email, account=account, contract=answers[0][0], content=content)


def _closing(account: Account) -> dict[str, str]:
    moments = {"closed_at": account.closed_at, "reopens_until": account.reopens_until}
    return {name: moment.isoformat() if moment else "" for name, moment in moments.items()}


def _digits(contract: Contract | KnownContract | None) -> str:
    return masked_reference(contract.reference) if contract is not None else ""


def _address(account: Account | None) -> str:
    return account.email if account is not None else ""
