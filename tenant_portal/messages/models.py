"""The tables of messages."""

import enum
from datetime import date, datetime

from sqlalchemy import Date, Enum, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..db import Base, UtcDateTime, utcnow
from ..models import Account, Contract
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


class Message(Base):
    """A message to the landlord (T36) with what followed, or a wish for a mail when a contract appears (T05)."""

    __tablename__ = "portal_messages"
    __table_args__ = (Index("ix_portal_messages_state_due_on", "state", "due_on"),)

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


class MessageEntry(Base):
    """What tenant or office wrote, word for word."""

    __tablename__ = "portal_message_entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("portal_messages.id", ondelete="CASCADE"), index=True)
    author: Mapped[Author] = mapped_column(Enum(Author, native_enum=False, length=20, values_callable=list))
    body: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    message: Mapped[Message] = relationship(back_populates="entries")


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
