"""One function per mail: each only writes a row of the outbox; its words stand in `templates/portal/mail`.

Links come in finished. What a mail shows of a contract is the last three digits of its reference, never more (U42).
"""

from datetime import datetime

from .. import i18n
from ..accounts import consents
from ..db import utcnow
from ..messages.conversation import Topic
from ..models import Account, Contract, EmailChange, Message, Notice
from ..settings import settings
from ..text import masked_reference
from . import outbox


def activation(
    account: Account, contract: Contract, *, link: str, until: datetime, signup_link: str = "", turn: int = 0
) -> None:
    """Send the link of step 9; `signup_link` is for who asked for a new password without ever activating."""
    content = {"digits": _digits(contract), "link": link, "until": until.isoformat(), "signup_link": signup_link}
    outbox.put("activation", account.email, account=account, contract=contract, content=content, turn=turn)


def already_registered(account: Account, contract: Contract, *, login_link: str, reset_link: str) -> None:
    """Tell the owner, at the address on file, that his contract has its account already, or a closed one (T13)."""
    content = {"digits": _digits(contract), "link": login_link, "reset_link": reset_link, **_closing(account)}
    outbox.put("already_registered", account.email, account=account, contract=contract, content=content)


def contract_taken(email: str, contract: Contract, *, message_link: str) -> None:
    """Tell whoever typed another address that the contract has an account, and what he can do (T13)."""
    content = {"digits": _digits(contract), "link": message_link}
    outbox.put("contract_taken", email, contract=contract, language=i18n.language(), content=content)


def welcome(account: Account, contract: Contract, *, link: str) -> None:
    """Welcome the tenant whose first login has just finished his account (step 12)."""
    choices = consents.current(account.id, contract.id)
    awaits_direct_debit = consents.awaits_direct_debit(choices, is_direct_debit=contract.is_direct_debit)
    content = {"digits": _digits(contract), "link": link, "awaits_direct_debit": awaits_direct_debit}
    outbox.put("welcome", account.email, account=account, contract=contract, content=content)


def reset(account: Account | None, contract: Contract | None, *, link: str, until: datetime, turn: int = 0) -> None:
    """Send the link that leads to a new password (T17); without an account the mail is for nobody."""
    content = {"digits": _digits(contract), "link": link, "until": until.isoformat()}
    outbox.put("reset", _address(account), account=account, contract=contract, content=content, turn=turn)


def password_changed(account: Account, contract: Contract | None, *, reset_link: str, address: str = "") -> None:
    """Tell the owner that his password was changed (U36), at the address on file or another one of his."""
    content = {"digits": _digits(contract), "changed_at": utcnow().isoformat(), "reset_link": reset_link}
    outbox.put("password_changed", address or account.email, account=account, contract=contract, content=content)


def email_change(
    change: EmailChange, contract: Contract | None, *, link: str, until: datetime, is_doubt: bool = False
) -> None:
    """Send the link that confirms a new address to that address, or the present one because it is in doubt."""
    content = {"digits": _digits(contract), "link": link, "until": until.isoformat()}
    content["is_doubt"] = "yes" if is_doubt else ""
    outbox.put("email_change", change.new_email, account=change.account, contract=contract, content=content)


def email_change_asked(
    change: EmailChange, contract: Contract | None, *, objection: str = "", until: datetime | None = None
) -> None:
    """Tell the present address that another one was asked for, which is not shown (T31), and how to say no (F3)."""
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
    """Tell the former and the new address that the change is done; only the former one can object (F3, U36)."""
    at = change.confirmed_at or utcnow()
    content = {"digits": _digits(contract), "at": at.isoformat(), "objection": objection}
    content["is_former"] = "yes" if address != change.new_email else ""
    content["objection_until"] = until.isoformat() if until else ""
    outbox.put("email_changed", address, account=change.account, contract=contract, content=content, turn=turn)


def email_change_stopped(
    change: EmailChange, contract: Contract | None, *, address: str, reset_link: str, is_owner: bool
) -> None:
    """Tell that a change was objected to: the owner, and the address that had been put in the place of his."""
    content = {"digits": _digits(contract), "at": utcnow().isoformat(), "reset_link": reset_link, "is_owner": is_owner}
    outbox.put("email_change_stopped", address, account=change.account, contract=contract, content=content)


def account_closed(account: Account, contract: Contract, *, link: str, reset_link: str, is_idle: bool = False) -> None:
    """Tell the owner that his account is closed, and until when he can open it again (T35, L26)."""
    content = {"digits": _digits(contract), "link": link, "reset_link": reset_link, "is_idle": is_idle}
    content |= _closing(account)
    outbox.put("account_closed", account.email, account=account, contract=contract, content=content)


def account_reopened(account: Account, contract: Contract) -> None:
    """Tell the owner that his account is open again, with his three answers withdrawn (T35)."""
    content = {"digits": _digits(contract), "reopened_at": utcnow().isoformat()}
    outbox.put("account_reopened", account.email, account=account, contract=contract, content=content)


def new_device(account: Account, contract: Contract | None, *, device_name: str, link: str) -> None:
    """Tell the owner that a device which his account did not know has just logged in (T39, ASVS 6.3.5)."""
    content = {"digits": _digits(contract), "device_name": device_name, "at": utcnow().isoformat(), "link": link}
    outbox.put("new_device", account.email, account=account, contract=contract, content=content)


def attempts(account: Account | None, contract: Contract | None, *, link: str) -> None:
    """Tell the owner that somebody keeps failing to log in (T21); without an account the mail is for nobody."""
    content = {"digits": _digits(contract), "link": link, "failed_at": utcnow().isoformat()}
    outbox.put("attempts", _address(account), account=account, contract=contract, content=content)


def message_received(message: Message, *, days: int) -> None:
    """Confirm to the tenant that his message has arrived, with its number and when the answer comes (T36)."""
    content = {
        "number": message.number,
        "days": days,
        "written_at": (message.created_at or utcnow()).isoformat(),
        "is_waiting": message.topic == Topic.WAITING,
    }
    outbox.put("message_received", message.email, language=message.language, content=content)


def message_to_landlord(message: Message, *, standing_text: str) -> None:
    """Hand the message to the landlord, with where the tenant stands; the answer goes to the tenant."""
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
    """Tell who waited for his contract that he can sign up now (T05)."""
    content = {"digits": _digits(contract), "link": link}
    outbox.put("contract_ready", message.email, contract=contract, language=message.language, content=content)


def notice_published(account: Account, notice: Notice, *, link: str, is_correction: bool) -> None:
    """Tell who chose the e-notice that the rent notice of a month can be read, or has been corrected."""
    content = {
        "digits": _digits(notice.contract),
        "link": link,
        "period": notice.period.isoformat(),
        "is_correction": is_correction,
    }
    outbox.put("notice_published", account.email, account=account, contract=notice.contract, content=content)


def _closing(account: Account) -> dict[str, str]:
    """Return since when an account is closed and until when it can be opened again; nothing of one that is open."""
    moments = {"closed_at": account.closed_at, "reopens_until": account.reopens_until}
    return {name: moment.isoformat() if moment else "" for name, moment in moments.items()}


def _digits(contract: Contract | None) -> str:
    return masked_reference(contract.reference) if contract is not None else ""


def _address(account: Account | None) -> str:
    return account.email if account is not None else ""
