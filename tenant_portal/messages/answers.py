"""What the office answers: an answer can wait and be recalled, and comes back when its mail does."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Delete, delete, exists, select
from sqlalchemy.orm import aliased

from .. import audit
from ..contracts import lookup
from ..db import begin_write, db, utcnow
from ..models import Mail, MailState
from . import conversation, ownership, working_days
from .models import Author, Channel, Message, MessageEntry, MessageState

#: How long an answer of the page waits before it leaves.
WAIT = timedelta(seconds=60)
#: The line about an answer that was given elsewhere, in characters.
LINE_MAX = 140
#: Messages that `undelivered` returns.
UNDELIVERED_MAX = 200


def answer(message: Message, body: str, *, actor: str = "staff", waits: bool = False) -> bool:
    """Add the office's answer to a locked message; tell whether it is new. The caller mails it."""
    if is_repeat(message, body):
        return False
    former = {"former_state": message.state, "former_due_on": message.due_on, "leaves_at": utcnow() + WAIT}
    conversation.append(message, Author.OFFICE, body, **(former if waits else {}))
    message.state, message.due_on = MessageState.ANSWERED, None
    audit.record("message_answered", actor=actor, **_about(message))
    return True


def recall(number: str, mark: str) -> tuple[Message, str] | None:
    """Take back an answer with its mail, and return its message and text; None if it has left, or was taken back.

    The mail goes first, as the courier locks it first too: one of the two finds nothing left to do.
    """
    begin_write()
    of_message = select(MessageEntry).join(Message).where(Message.number == number, MessageEntry.leaves_at > utcnow())
    entry = next((one for one in db.session.scalars(of_message) if mark_of(one) == mark), None)
    if entry is None:
        return None
    untried = delete(Mail).where(Mail.id == entry.mail_id, Mail.state == MailState.WAITING, Mail.attempts == 0)
    if entry.mail_id is not None and not _deleted(untried):
        return None
    body, former, written_at = entry.body, (entry.former_state, entry.former_due_on), entry.created_at
    message = ownership.find_any(number, lock=True)
    if message is None or not _deleted(delete(MessageEntry).where(MessageEntry.id == entry.id)):
        return None
    db.session.expire(message, ["entries"])
    later = [one for one in message.entries if one.author is Author.OFFICE and one.created_at > written_at]
    if later:  # the next answer takes its place
        later[0].former_state, later[0].former_due_on = former
    elif message.state is MessageState.ANSWERED and former[0] is not None:
        message.state, message.due_on = former[0], former[1]
    message.last_entry_at = max((one.created_at for one in message.entries), default=message.created_at)
    audit.record("message_recalled", actor="staff", **_about(message))
    return message, body


def note_elsewhere(message: Message, channel: Channel, day: date, line: str) -> bool:
    """Note in a locked message how the office answered it otherwise, which closes it; tell whether that is new."""
    if is_repeat(message, line, channel=channel, day=day):
        return False
    conversation.append(message, Author.OFFICE, line, channel=channel, answered_on=day)
    conversation.close(message)
    return True


def is_repeat(message: Message, body: str, *, channel: Channel | None = None, day: date | None = None) -> bool:
    """Tell whether the office's newest entry says just that: a double click."""
    newest = message.entries[-1] if message.entries else None
    same = (Author.OFFICE, body, channel, day)
    return newest is not None and (newest.author, newest.body, newest.channel, newest.answered_on) == same


def mark_of(entry: MessageEntry) -> str:
    """Return what a form names an entry by; on SQLite the number of a deleted one comes back."""
    return entry.created_at.isoformat()


def newer_than(message: Message, mark: str) -> list[MessageEntry]:
    """Return what was written after the entry that a page showed as the newest; all, if it names none."""
    try:
        shown_at = datetime.fromisoformat(mark)
    except ValueError:
        return list(message.entries)
    if shown_at.tzinfo is None:
        return list(message.entries)
    return [entry for entry in message.entries if entry.created_at > shown_at]


def reopen(mail_ids: Collection[int]) -> None:
    """Open the messages again whose newest answer went by one of these mails, which did not arrive."""
    whose = select(Message.number).join(Message.entries).where(MessageEntry.mail_id.in_(mail_ids)).order_by(Message.id)
    for number in db.session.scalars(whose).all():
        message = ownership.find_any(number, lock=True)
        if message is None or message.state is not MessageState.ANSWERED:
            continue
        newest = [entry for entry in message.entries if entry.author is Author.OFFICE][-1]
        if newest.mail_id in mail_ids:
            yesterday = lookup.today() - timedelta(days=1)
            message.state, message.due_on = MessageState.RECEIVED, working_days.after(yesterday, 1)
            audit.record("message_reopened", actor="system", **_about(message))


def undelivered() -> list[Message]:
    """Return the open messages whose newest answer did not arrive, the first due first."""
    later = aliased(MessageEntry)
    is_followed = exists().where(
        later.message_id == Message.id, later.author == Author.OFFICE, later.id > MessageEntry.id
    )
    rows = (
        select(Message)
        .join(Message.entries)
        .join(MessageEntry.mail)
        .where(Message.due_on.is_not(None), Mail.state.in_([MailState.REFUSED, MailState.BOUNCED]), ~is_followed)
    )
    return list(db.session.scalars(rows.order_by(Message.due_on, Message.id).limit(UNDELIVERED_MAX)))


def _deleted(statement: Delete) -> bool:
    return bool(cast(CursorResult[Any], db.session.execute(statement)).rowcount)


def _about(message: Message) -> dict[str, Any]:
    return {"account": message.account_id, "contract": message.contract_id, "detail": message.number}
