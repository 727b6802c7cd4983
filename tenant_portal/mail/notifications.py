"""One function per mail to a tenant: each writes a row of the outbox. The texts are in `templates/portal/mail`.

A mail to a tenant shows only the last three digits of a reference (U42).
"""

from datetime import date, datetime
from typing import NamedTuple

from .. import i18n, public_urls
from ..accounts import consents, freezing
from ..accounts.authentication import AuthenticatedAccount, KnownContract
from ..accounts.email_change import EmailChange
from ..accounts.signed_links import Handover
from ..db import utcnow
from ..messages import ownership
from ..messages.models import Message
from ..models import Account, Contract
from ..text import masked_reference
from . import outbox, security_mails


class OfficeWord(NamedTuple):
    """What the office did (a key of `office_acts.ACTS`), and the sentence that it wrote for the tenant."""

    act: str
    sentence: str = ""


def activation(
    account: Account,
    contract: Contract,
    *,
    link: str,
    until: datetime,
    signup_link: str = "",
    join_link: str = "",
    turn: int = 0,
    by_office: OfficeWord | None = None,
) -> None:
    """Send the link of step 9; `signup_link` if a reset was asked for instead, `join_link` if the address is known."""
    content = {"digits": _digits(contract), "link": link, "until": until.isoformat(), "signup_link": signup_link}
    content |= {"join_link": join_link, **_office_word(by_office)}
    outbox.put("activation", account.email, account=account, contract=contract, content=content, turn=turn)


def already_registered(account: Account, contract: Contract, *, login_link: str, reset_link: str) -> None:
    """Tell the owner that the contract has an account, open or closed (T13)."""
    content = {"digits": _digits(contract), "link": login_link, "reset_link": reset_link, **_closing(account)}
    content["frozen_at"] = account.frozen_at.isoformat() if account.frozen_at else ""
    security_mails.warn("already_registered", account, contract, content)


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


def reset(
    account: Account | None,
    contract: Contract | None,
    *,
    link: str,
    until: datetime,
    turn: int = 0,
    by_office: OfficeWord | None = None,
) -> None:
    """Send the reset link (T17), to nobody without an account."""
    content = {"digits": _digits(contract), "link": link, "until": until.isoformat(), **_office_word(by_office)}
    outbox.put("reset", _address(account), account=account, contract=contract, content=content, turn=turn)


def password_changed(account: Account, contract: Contract | None, *, address: str = "") -> None:
    """Tell the owner of a new password, at another address if one is given (U36)."""
    content = {"digits": _digits(contract), "changed_at": utcnow().isoformat()}
    security_mails.warn("password_changed", account, contract, content, address=address)


def email_change(
    change: EmailChange, contract: Contract | None, *, link: str, until: datetime, is_doubt: bool = False
) -> None:
    """Send the confirmation link to the new address, or to the present one in doubt."""
    content = {"digits": _digits(contract), "link": link, "until": until.isoformat()}
    content["is_doubt"] = "yes" if is_doubt else ""
    outbox.put("email_change", change.new_email, account=change.account, contract=contract, content=content)


def email_change_asked(change: EmailChange, contract: Contract | None) -> None:
    """Tell the present address of the request (F3); the new one stays hidden (T31)."""
    content = {"digits": _digits(contract), "at": change.created_at.isoformat()}
    security_mails.warn("email_change_asked", change.account, contract, content, address=change.old_email)


def office_email_change(change: EmailChange, contract: Contract, *, link: str, until: datetime) -> None:
    """Send the link by which the address that the office was told proves itself (F27)."""
    content = {"digits": _digits(contract), "link": link, "until": until.isoformat()}
    counts_at = change.counts_at or change.created_at
    content["counts_at"] = counts_at.isoformat() if counts_at > change.created_at else ""  # at the counter, at once
    outbox.put("office_email_change", change.new_email, account=change.account, contract=contract, content=content)


def email_changed(
    change: EmailChange, contract: Contract | None, *, address: str, link: str = "", turn: int = 0
) -> None:
    """Tell the former or the new address that it is done (F3, U36); `link` leads on to a new password."""
    content = {"digits": _digits(contract), "at": (change.confirmed_at or utcnow()).isoformat(), "link": link}
    content["is_former"] = "yes" if address != change.new_email else ""
    security_mails.warn("email_changed", change.account, contract, content, address=address, turn=turn)


def email_change_undone(account: Account, contract: Contract, *, address: str) -> None:
    """Tell the address that a change had brought in that it counts no more."""
    content = {"digits": _digits(contract), "at": utcnow().isoformat()}
    outbox.put("email_change_undone", address, account=account, contract=contract, content=content)


def account_closed(account: Account, contract: Contract, *, link: str, reset_link: str, is_idle: bool = False) -> None:
    """Tell the owner until when the closed account can be reopened (T35, L26)."""
    content = {"digits": _digits(contract), "link": link, "reset_link": reset_link, "is_idle": is_idle}
    content |= _closing(account)
    security_mails.warn("account_closed", account, contract, content)


def account_reopened(account: Account, contract: Contract) -> None:
    """Tell the owner that it is open again, without consents (T35)."""
    content = {"digits": _digits(contract), "reopened_at": utcnow().isoformat()}
    security_mails.warn("account_reopened", account, contract, content)


def account_created(account: Account, contract: Contract, *, is_joined: bool = False) -> None:
    """Tell the address that the landlord held before, unless it is the account's; it may be an old one (T14, B04).

    `is_joined` for a contract that came into an account that stands.
    """
    if contract.email.lower() in {"", account.email.lower()}:
        return
    content = {"digits": _digits(contract), "at": utcnow().isoformat(), "is_joined": is_joined}
    security_mails.warn("account_created", account, contract, content, address=contract.email)


def account_frozen(
    account: Account,
    contract: Contract | None,
    *,
    undone: freezing.Undone | None = None,
    turn: int = 0,
    by_office: OfficeWord | None = None,
) -> None:
    """Tell the address on file that nobody can log in, and how that ends (H07); and one that the freeze put out."""
    if undone is not None and undone.put_in is not None and contract is not None:
        email_change_undone(account, contract, address=undone.put_in)
    content = {"digits": _digits(contract), "at": (account.frozen_at or utcnow()).isoformat()}
    content |= _office_word(by_office)
    content["link"] = "" if freezing.is_disputed(account) else public_urls.public("password.forgotten")
    outbox.put("account_frozen", account.email, account=account, contract=contract, content=content, turn=turn)


def account_thawed(account: Account, contract: Contract, *, by_office: OfficeWord | None = None) -> None:
    """Tell the owner that the office thawed it, and where he chooses a password (H07)."""
    content = {"digits": _digits(contract), "at": utcnow().isoformat(), **_office_word(by_office)}
    security_mails.warn(
        "account_thawed", account, contract, content | {"link": public_urls.public("password.forgotten")}
    )


def new_device(
    account: Account | AuthenticatedAccount, contract: Contract | KnownContract | None, *, device_name: str, link: str
) -> None:
    """Tell the owner of a login from an unknown device (T39, ASVS 6.3.5)."""
    content = {"digits": _digits(contract), "device_name": device_name, "at": utcnow().isoformat(), "link": link}
    security_mails.warn("new_device", account, contract, content)


def attempts(account: Account | None, contract: Contract | None, *, link: str) -> None:
    """Tell the owner of failed logins (T21), nobody without an account."""
    content = {"digits": _digits(contract), "link": link, "failed_at": utcnow().isoformat()}
    security_mails.warn("attempts", account, contract, content)


def message_received(message: Message) -> None:
    """Confirm to its sender what he just wrote (T36)."""
    content = {
        "number": message.number,
        "due_on": message.due_on.isoformat() if message.due_on is not None else "",
        "written_at": message.last_entry_at.isoformat(),
    }
    outbox.put("message_received", message.email, language=message.language, content=content)


def message_answered(message: Message, *, link: str) -> None:
    """Send the newest answer to who wrote, once it can no longer be recalled; `link` leads to his message and is left
    out where he cannot log in.

    Nothing leaves without an address, or for a disputed account, whose address may be somebody else's.
    """
    owner, entry = ownership.owner_of(message), message.entries[-1]
    if not ownership.can_be_mailed(message):
        return
    content = {
        "number": message.number,
        "body": entry.body,
        "written_at": message.created_at.isoformat(),
        "link": link if ownership.reader_of(message) is not None else "",
    }
    language = owner.language if owner is not None else message.language
    address = ownership.address_of(message)
    entry.mail_id = outbox.put(
        "message_answered", address, account=owner, language=language, content=content, not_before=entry.leaves_at
    )


def contract_ready(message: Message, contract: Contract, *, link: str, join_link: str) -> None:
    """Tell who waited that sign-up is possible, or that the contract can join the account that he has (T05)."""
    account, address = message.account, ownership.address_of(message)
    may_join = account is not None and account.is_finished and not account.is_closed
    content = {"digits": _digits(contract), "link": join_link if may_join else link, "may_join": may_join}
    outbox.put("contract_ready", address, contract=contract, language=message.language, content=content)


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


def data_copied(account: Account, contract: Contract, *, given: str = "") -> None:
    """Tell the owner that a copy of all data was taken (H09), or handed over by the office.

    `given` is empty, or says what the office gave (G16): the "account", or the "contract" to somebody without it.
    """
    content = {"digits": _digits(contract), "copied_at": utcnow().isoformat(), "given": given}
    security_mails.warn("data_copied", account, contract, content)


def e_notice_changed(account: Account, answers: list[tuple[Contract, bool]], *, month: date, link: str) -> None:
    """Confirm how the notices of contracts arrive, and from which month (T22, T25)."""
    changed = [
        {"digits": _digits(contract), "answer": answer, "waits": answer and not contract.is_direct_debit}
        for contract, answer in answers
    ]
    security_mails.warn(
        "e_notice_changed", account, answers[0][0], {"changed": changed, "month": month.isoformat(), "link": link}
    )


def contract_joined(account: Account, contract: Contract, *, link: str) -> None:
    """Tell the owner that a contract was added to the account (T27)."""
    security_mails.warn(
        "contract_joined", account, contract, {"digits": _digits(contract), "link": link, "at": utcnow().isoformat()}
    )


def handover(wanted: Handover, *, address: str, link: str, until: datetime) -> None:
    """Ask the owner of a contract to hand it over to the account that asked (T27); no address is told (T18)."""
    contract, receiver = wanted
    others = [_digits(other) for other in receiver.contracts]
    content = {"digits": _digits(contract), "receiver_digits": others, "link": link, "until": until.isoformat()}
    outbox.put("handover", address, account=contract.account, contract=contract, content=content)


def contract_handed_over(account: Account, contract: Contract, *, is_emptied: bool) -> None:
    """Tell the former owner that the contract has left, and perhaps that the account is closed.

    An account without a contract is nobody's to freeze: its owner is told to call.
    """
    content = {"digits": _digits(contract), "at": utcnow().isoformat(), "is_emptied": is_emptied, **_closing(account)}
    if is_emptied:
        content["not_me"] = ""
        outbox.put("contract_handed_over", account.email, account=account, contract=contract, content=content)
    else:
        security_mails.warn("contract_handed_over", account, account.contracts[0], content)


def contract_released(account: Account, contract: Contract, *, by_office: OfficeWord | None = None) -> None:
    """Tell the account's address that the office took the contract out, and whom to call (T14)."""
    content = {"digits": _digits(contract), "at": utcnow().isoformat(), **_closing(account), **_office_word(by_office)}
    content |= {"is_emptied": "" if account.contracts else "yes", "is_frozen": "yes" if account.is_frozen else ""}
    outbox.put("contract_released", account.email, account=account, contract=contract, content=content)


def office_acted(
    account: Account, contract: Contract, *, by_office: OfficeWord, link: str = "", address: str = "", **facts: str
) -> None:
    """Tell the owner, or one of his former addresses, what the office did at his request (G05)."""
    content = {"digits": _digits(contract), "at": utcnow().isoformat(), "link": link, **_office_word(by_office)}
    content |= facts
    if account.is_finished:
        security_mails.warn("office_acted", account, contract, content, address=address)
    else:  # nothing stands yet that could be frozen
        outbox.put("office_acted", account.email, account=account, contract=contract, content=content | {"not_me": ""})


def _office_word(word: OfficeWord | None) -> dict[str, str]:
    return {"office_act": word.act, "office_sentence": word.sentence} if word is not None else {}


def _closing(account: Account) -> dict[str, str]:
    moments = {"closed_at": account.closed_at, "reopens_until": account.reopens_until}
    return {name: moment.isoformat() if moment else "" for name, moment in moments.items()}


def _digits(contract: Contract | KnownContract | None) -> str:
    return masked_reference(contract.reference) if contract is not None else ""


def _address(account: Account | AuthenticatedAccount | None) -> str:
    return account.email if account is not None else ""
