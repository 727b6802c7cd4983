"""Messages of tenants, each with a number for the telephone, and what is written in them."""

import enum
import re
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, exists, select

from .. import audit
from ..accounts import rate_limits, refusals, sessions
from ..accounts.limited_acts import REPEAT_WINDOW, Per
from ..contracts import lookup
from ..db import begin_write, db, utcnow
from ..models import Account, Contract
from ..settings import settings
from . import ownership, working_days
from .models import Author, Message, MessageEntry, MessageState

#: Longest text, in characters.
BODY_MAX = 4_000


class Topic(enum.StrEnum):
    """What a message is about."""

    NUMBER = "number"
    MAIL = "mail"
    ADDRESS = "address"
    PASSWORD = "password"  # noqa: S105 (a topic, not a secret)
    TAKEN = "taken"
    WAITING = "waiting"
    HOME = "home"
    RENT = "rent"
    DOCUMENT = "document"
    LEAVING = "leaving"
    CHOICES = "choices"
    OTHER = "other"


#: The step of each topic, for the count by step.
STEPS = {Topic.NUMBER: 2, Topic.WAITING: 3, Topic.ADDRESS: 6, Topic.TAKEN: 8, Topic.MAIL: 9, Topic.PASSWORD: 11}


@dataclass(frozen=True)
class WriteResult:
    """The message that was kept; none after too many."""

    message: Message | None = None
    is_repeat: bool = False
    #: Receipts to one address are limited: it may be a stranger's (X11).
    has_receipt: bool = True


def write(
    topic: Topic, *, email: str, body: str, reference: str, language: str, origin: str, account_id: int | None = None
) -> WriteResult:
    """Keep a new message; sent twice, it keeps its number (T36, T38).

    Messages count by account when logged in, else by origin; receipts by address.
    The caller adds mails and commits, whatever the result.
    """
    begin_write()
    _lock_counter(account_id, origin)
    same = {"topic": topic, "email": email, "reference": reference, "account_id": account_id}
    earlier = _just_written(body, *(getattr(Message, name) == value for name, value in same.items()))
    if earlier is not None:
        return WriteResult(message=earlier, is_repeat=True)
    if not _may_write(account_id, origin, topic):
        return WriteResult()
    contract = lookup.find(reference) if reference else None
    message = Message(number=_free_number(), language=language, contract=contract, **same)
    db.session.add(message)
    append(message, Author.TENANT, body)
    if topic != Topic.WAITING:  # that is answered by the contract itself
        _await_answer(message)
    detail = f"{topic} {message.number}"
    audit.record("message_written", account=account_id, contract=contract, step=STEPS.get(topic), detail=detail)
    return WriteResult(message=message, has_receipt=_has_receipt(email))


def reply(account: Account, number: str, body: str, *, origin: str) -> WriteResult | None:
    """Add what the tenant writes to a message of his, which opens it again; None for that of another.

    The limits and the double click are those of new messages.
    """
    begin_write()
    _lock_counter(account.id, origin)
    message = ownership.find(account, number, lock=True)
    if message is None:
        return None
    if _just_written(body, Message.id == message.id) is not None:
        return WriteResult(message=message, is_repeat=True)
    if not _may_write(account.id, origin, message.topic):
        return WriteResult()
    message.account_id = account.id
    message.email = account.email
    append(message, Author.TENANT, body)
    _await_answer(message)
    audit.record("message_continued", account=account, contract=message.contract_id, detail=message.number)
    return WriteResult(message=message, has_receipt=_has_receipt(account.email))


def settle(account: Account, number: str) -> Message | None:
    """Close a message of the tenant because he says that it is settled; None for that of another."""
    begin_write()
    message = ownership.find(account, number, lock=True)
    if message is not None:
        close(message, actor="tenant")
    return message


def close(message: Message, *, actor: str = "staff") -> bool:
    """Close a locked message; tell whether it was open."""
    if message.state is MessageState.CLOSED:
        return False
    message.state, message.due_on = MessageState.CLOSED, None
    whose = {"account": message.account_id, "contract": message.contract_id}
    audit.record("message_closed", actor=actor, detail=message.number, **whose)
    return True


def tell(message: Message, contract: Contract) -> None:
    """Note that who waited for this contract is told of it, which settles his message (T05)."""
    message.told_at, message.contract_id = utcnow(), contract.id
    message.state, message.due_on = MessageState.CLOSED, None


def find_awaited() -> list[tuple[Message, Contract]]:
    """Return the messages that wait for a contract, each with the contract that appeared (T05).

    Only new contracts without account count: asking must not tell which references exist (X19).
    """
    waiting = select(Message).where(
        Message.topic == Topic.WAITING,
        Message.told_at.is_(None),
        Message.contract_id.is_(None),
        Message.reference != "",
        Message.email != "",
    )
    today = lookup.today()
    found = [(message, lookup.find(message.reference)) for message in db.session.scalars(waiting).all()]
    return [
        (message, contract)
        for message, contract in found
        if contract is not None and contract.account_id is None and contract.is_running(today)
    ]


def number_of(typed: str) -> str:
    """Return a typed number as it is written: « m 12345678 » is M-1234-5678."""
    digits = re.sub(r"[\s.–-]", "", typed).upper().removeprefix("M")
    return f"M-{digits[:4]}-{digits[4:]}"


def append(message: Message, author: Author, body: str, **facts: Any) -> None:
    """Add an entry to a locked message."""
    now = utcnow()
    message.entries.append(MessageEntry(author=author, body=body, created_at=now, **facts))
    message.last_entry_at = now


def _await_answer(message: Message) -> None:
    message.state = MessageState.RECEIVED
    message.due_on = working_days.after(lookup.today(), settings.reply_days)


def _lock_counter(account_id: int | None, origin: str) -> None:
    """Let the second of two clicks wait."""
    rate_limits.lock_counter("message", *_counted(account_id, origin))


def _may_write(account_id: int | None, origin: str, topic: str) -> bool:
    if rate_limits.count_use("message", *_counted(account_id, origin)) is not None:
        return True
    refusals.record_refusal("message_refused", Per.ORIGIN, origin, account=account_id, detail=topic)
    return False


def _counted(account_id: int | None, origin: str) -> tuple[Per, str]:
    return (Per.ORIGIN, origin) if account_id is None else (Per.ACCOUNT, str(account_id))


def _has_receipt(email: str) -> bool:
    return rate_limits.count_use("message", Per.RECIPIENT, sessions.digest(email.lower())[:32]) is not None


def _just_written(body: str, *conditions: ColumnElement[bool]) -> Message | None:
    same: Any = (
        MessageEntry.body == body,
        MessageEntry.author == Author.TENANT,
        MessageEntry.created_at > utcnow() - REPEAT_WINDOW,
    )
    return db.session.scalars(select(Message).join(Message.entries).where(*conditions, *same).limit(1)).first()


def _free_number() -> str:
    """Return an unused, unguessable number such as « M-4821-3705 »."""
    while True:
        digits = f"{secrets.randbelow(10**8):08}"
        number = f"M-{digits[:4]}-{digits[4:]}"
        if not db.session.scalar(select(exists().where(Message.number == number))):
            return number
