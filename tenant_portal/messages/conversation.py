"""What tenants who are stuck write to the landlord, each message with a number that can be told by telephone."""

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

#: Longest text that is taken; two pages of paper, more than any trouble needs.
BODY_MAX = 4_000


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
    #: Whether a receipt may go to the typed address, which may be a stranger's: so many an hour, no more (X11).
    has_receipt: bool = True


def write(
    topic: Topic, *, email: str, body: str, reference: str, language: str, origin: str, account_id: int | None = None
) -> Written:
    """Take a message to the landlord; the same one sent twice keeps its number (T36, T38).

    A tenant at home is counted by his account, a stranger by his origin; a typed address counts its receipts alone. A
    write is left open, for the caller to add the mails and to commit whatever became of it.
    """
    begin_write()
    per, whose = (Per.ORIGIN, origin) if account_id is None else (Per.ACCOUNT, str(account_id))
    rate_limits.lock_counter("message", per, whose)  # two clicks at once wait for each other
    earlier = _just_written(topic, email=email, body=body, reference=reference)
    if earlier is not None:
        return Written(message=earlier, is_repeat=True)
    if rate_limits.count_use("message", per, whose) is None:
        refusals.record_refusal("message_refused", Per.ORIGIN, origin, account=account_id, detail=topic)
        return Written()
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
    return Written(message=message, contract=contract, has_receipt=has_receipt)


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
    """Return « M-4821-3705 »: told apart from a module by its letter, and of no order that can be guessed."""
    while True:
        digits = f"{secrets.randbelow(10**8):08}"
        number = f"M-{digits[:4]}-{digits[4:]}"
        if not db.session.scalar(select(exists().where(Message.number == number))):
            return number
