"""Messages of tenants, each with a number for the telephone."""

import enum
import secrets
from dataclasses import dataclass

from sqlalchemy import exists, select

from .. import audit
from ..accounts import rate_limits, refusals, sessions
from ..accounts.limited_acts import REPEAT_WINDOW, Per
from ..contracts import lookup
from ..db import begin_write, db, utcnow
from ..models import Contract, Message

#: Longest text, in characters.
BODY_MAX = 4_000


class Topic(enum.StrEnum):
    """What a message is about, in the order of the page."""

    NUMBER = "number"
    MAIL = "mail"
    ADDRESS = "address"
    PASSWORD = "password"  # noqa: S105 (a topic, not a secret)
    TAKEN = "taken"
    WAITING = "waiting"
    OTHER = "other"


#: The step of each topic, for the count by step.
STEPS = {Topic.NUMBER: 2, Topic.WAITING: 3, Topic.ADDRESS: 6, Topic.TAKEN: 8, Topic.MAIL: 9, Topic.PASSWORD: 11}


@dataclass(frozen=True)
class WriteResult:
    """The message that was kept; none after too many."""

    message: Message | None = None
    contract: Contract | None = None
    is_repeat: bool = False
    #: Receipts to one address are limited: it may be a stranger's (X11).
    has_receipt: bool = True


def write(
    topic: Topic, *, email: str, body: str, reference: str, language: str, origin: str, account_id: int | None = None
) -> WriteResult:
    """Keep a message; sent twice, it keeps its number (T36, T38).

    Messages count by account when logged in, else by origin; receipts by address.
    The caller adds mails and commits, whatever the result.
    """
    begin_write()
    per, whose = (Per.ORIGIN, origin) if account_id is None else (Per.ACCOUNT, str(account_id))
    rate_limits.lock_counter("message", per, whose)  # the second of two clicks waits
    earlier = _just_written(topic, email=email, body=body, reference=reference)
    if earlier is not None:
        return WriteResult(message=earlier, is_repeat=True)
    if rate_limits.count_use("message", per, whose) is None:
        refusals.record_refusal("message_refused", Per.ORIGIN, origin, account=account_id, detail=topic)
        return WriteResult()
    contract = lookup.find(reference) if reference else None
    message = Message(
        number=_free_number(),
        topic=topic,
        reference=reference,
        email=email,
        body=body,
        language=language,
        contract_id=contract.id if contract is not None else None,
    )
    db.session.add(message)
    audit.record("message_written", contract=contract, step=STEPS.get(topic), detail=f"{topic} {message.number}")
    has_receipt = rate_limits.count_use("message", Per.RECIPIENT, sessions.digest(email.lower())[:32]) is not None
    return WriteResult(message=message, contract=contract, has_receipt=has_receipt)


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


def _just_written(topic: Topic, *, email: str, body: str, reference: str) -> Message | None:
    return db.session.scalars(
        select(Message)
        .where(
            Message.topic == topic,
            Message.email == email,
            Message.body == body,
            Message.reference == reference,
            Message.created_at > utcnow() - REPEAT_WINDOW,
        )
        .limit(1)
    ).first()


def _free_number() -> str:
    """Return an unused, unguessable number such as « M-4821-3705 »."""
    while True:
        digits = f"{secrets.randbelow(10**8):08}"
        number = f"M-{digits[:4]}-{digits[4:]}"
        if not db.session.scalar(select(exists().where(Message.number == number))):
            return number
