"""What tenants who are stuck write to the landlord, each message with a number that can be told by telephone."""

import enum
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import exists, select

from . import audit, contracts, sessions, throttle
from .db import begin_write, db, utcnow
from .models import Contract, Message

#: Longest text that is taken; two pages of paper, more than any trouble needs.
BODY_MAX = 4_000
#: The same message sent again within this time is a double click or a page reloaded, not a new one (T38).
REPEAT = timedelta(minutes=2)
#: Messages taken within an hour: to one address, which a stranger could flood with receipts, and from one origin,
#: which a whole household or the agency's computer may share.
AN_HOUR = {"address": 5, "origin": 10}


class Topic(enum.StrEnum):
    """The trouble, as it is stored; the order is the order on the page."""

    NUMBER = "number"
    MAIL = "mail"
    ADDRESS = "address"
    PASSWORD = "password"  # noqa: S105 (a topic, not a secret)
    TAKEN = "taken"
    WAITING = "waiting"
    OTHER = "other"


#: The step of the twelve where each trouble happens, for the count of troubles by step.
STEPS = {Topic.NUMBER: 2, Topic.WAITING: 3, Topic.ADDRESS: 6, Topic.TAKEN: 8, Topic.MAIL: 9, Topic.PASSWORD: 11}


@dataclass(frozen=True)
class Written:
    """What became of a message: its row, or nothing where too many came."""

    message: Message | None = None
    contract: Contract | None = None
    is_repeat: bool = False


def write(topic: Topic, *, email: str, body: str, reference: str, language: str, origin: str) -> Written:
    """Take a message to the landlord; the same one sent twice keeps its number (T36, T38).

    A write is left open, for the caller to add the mails and to commit whatever became of it.
    """
    begin_write()
    # The counter of the address comes first: it makes two clicks at once wait for each other.
    may_go_on = _count("address", sessions.digest(email.lower())[:32])
    earlier = _just_written(topic, email=email, body=body, reference=reference)
    if earlier is not None:
        return Written(message=earlier, is_repeat=True)
    if not may_go_on or not _count("origin", origin):
        audit.record("message_refused", detail=topic)
        return Written()
    contract = contracts.find(reference) if reference else None
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
    return Written(message=message, contract=contract)


def _count(kind: str, whose: str) -> bool:
    return throttle.allow(f"message_{kind}:{whose}", times=AN_HOUR[kind], within=timedelta(hours=1))


def _just_written(topic: Topic, *, email: str, body: str, reference: str) -> Message | None:
    return db.session.scalars(
        select(Message)
        .where(
            Message.topic == topic,
            Message.email == email,
            Message.body == body,
            Message.reference == reference,
            Message.created_at > utcnow() - REPEAT,
        )
        .limit(1)
    ).first()


def _free_number() -> str:
    """Return « M-4821-3705 »: told apart from a module by its letter, and of no order that can be guessed."""
    while True:
        digits = f"{secrets.randbelow(10**8):08}"
        number = f"M-{digits[:4]}-{digits[4:]}"
        if not db.session.scalar(select(exists().where(Message.number == number))):
            return number
