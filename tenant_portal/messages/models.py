"""The tables of messages."""

import enum
from datetime import date, datetime

from sqlalchemy import Date, Enum, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..db import Base, UtcDateTime, utcnow
from ..models import Account, Contract, Mail
from ..text import EMAIL_MAX


class MessageState(enum.StrEnum):
    """How far a message is."""

    RECEIVED = "received"  # an answer is due
    ANSWERED = "answered"
    CLOSED = "closed"


class Author(enum.StrEnum):
    """Who wrote an entry of a message."""

    TENANT = "tenant"
    OFFICE = "office"


class Channel(enum.StrEnum):
    """How the office answered, other than by an entry that it wrote."""

    PHONE = "phone"
    COUNTER = "counter"
    LETTER = "letter"
    EMAIL = "email"


class Message(Base):
    """A message to the landlord (T36) with what followed, or a wish for a mail when a contract appears (T05)."""

    __tablename__ = "portal_messages"
    __table_args__ = (Index("ix_portal_messages_due_on_id", "due_on", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    topic: Mapped[str] = mapped_column(String(30))
    reference: Mapped[str] = mapped_column(String(20), default="", index=True)
    email: Mapped[str] = mapped_column(String(EMAIL_MAX), default="")
    language: Mapped[str] = mapped_column(String(8), default="fr")
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("portal_contracts.id", ondelete="SET NULL"), index=True)
    #: Of who was logged in when writing.
    account_id: Mapped[int | None] = mapped_column(ForeignKey("portal_accounts.id", ondelete="SET NULL"), index=True)
    state: Mapped[MessageState] = mapped_column(
        Enum(MessageState, native_enum=False, length=20, values_callable=list), default=MessageState.RECEIVED
    )
    #: The last day for the answer, while one is due.
    due_on: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    last_entry_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, index=True)
    #: When that mail was written (T05).
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    contract: Mapped[Contract | None] = relationship()
    account: Mapped[Account | None] = relationship()
    entries: Mapped[list["MessageEntry"]] = relationship(order_by="MessageEntry.id", back_populates="message")

    @property
    def told_entries(self) -> list["MessageEntry"]:
        """Return what its tenant reads: no answer that the office can still recall."""
        return [entry for entry in self.entries if not entry.is_waiting]

    @property
    def told_state(self) -> MessageState:
        """Return how far it is for its tenant."""
        return self._told[0]

    @property
    def told_due_on(self) -> date | None:
        """Return the last day for an answer, for its tenant."""
        return self._told[1]

    @property
    def last_told_at(self) -> datetime:
        """Return when the newest text that its tenant reads was written."""
        return max((entry.created_at for entry in self.told_entries), default=self.created_at)

    @property
    def _told(self) -> tuple[MessageState, date | None]:
        waiting = next((entry for entry in self.entries if entry.is_waiting), None)
        if waiting is None or self.state is not MessageState.ANSWERED or waiting.former_state is None:
            return self.state, self.due_on
        return waiting.former_state, waiting.former_due_on


class MessageEntry(Base):
    """What tenant or office wrote, word for word, or the line about what the office said elsewhere."""

    __tablename__ = "portal_message_entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("portal_messages.id", ondelete="CASCADE"), index=True)
    author: Mapped[Author] = mapped_column(Enum(Author, native_enum=False, length=20, values_callable=list))
    body: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    #: Of an answer that was given elsewhere, with its day.
    channel: Mapped[Channel | None] = mapped_column(Enum(Channel, native_enum=False, length=20, values_callable=list))
    answered_on: Mapped[date | None] = mapped_column(Date)
    #: Until then the office can recall an answer, and its tenant does not see it.
    leaves_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: What the message was before such an answer.
    former_state: Mapped[MessageState | None] = mapped_column(
        Enum(MessageState, native_enum=False, length=20, values_callable=list)
    )
    former_due_on: Mapped[date | None] = mapped_column(Date)
    #: That carries the answer, while its trace is kept.
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("portal_mails.id", ondelete="SET NULL"), index=True)

    message: Mapped[Message] = relationship(back_populates="entries")
    mail: Mapped[Mail | None] = relationship()

    @property
    def is_waiting(self) -> bool:
        """Tell whether it is an answer that can still be recalled."""
        return self.leaves_at is not None and self.leaves_at > utcnow()


class Draft(Base):
    """What a tenant was writing when his session ended, for his next login (T37)."""

    __tablename__ = "portal_drafts"

    account_id: Mapped[int] = mapped_column(
        ForeignKey("portal_accounts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    #: Of the message that it continues, empty for a new one.
    number: Mapped[str] = mapped_column(String(20), default="")
    topic: Mapped[str] = mapped_column(String(30), default="")
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
