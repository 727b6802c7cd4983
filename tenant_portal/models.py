"""The tables: columns, constraints and small predicates; what may happen to them stands in the domain modules."""

import enum
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Date,
    Enum,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .db import Base, UtcDateTime, utcnow
from .text import EMAIL_MAX, WORD_MAX, full_name

#: A closed account can be opened again for so long (T35), then it counts as gone and the purge erases it.
REOPENING = timedelta(days=14)
#: For so long the owner of a former mail address can say that the change was not his (F3).
OBJECTION = timedelta(days=7)


class Account(Base):
    """What a tenant signed up for: pending until its first login, which finishes it (step 12)."""

    __tablename__ = "portal_accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(EMAIL_MAX))
    password_hash: Mapped[str] = mapped_column(String(255))
    #: Names one sign-up: a browser holds it to resend the mail or put the address right; a newer sign-up changes it.
    signup_key: Mapped[str] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(8), default="fr")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, index=True)
    activated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: When a mail server said for good that nobody reads this address (T09).
    email_failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: When the password was changed by hand while the former address could still object: until the reader of this
    #: address proves it with that password, no link for a new password goes there (docs/security.md, X02).
    email_doubted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    contracts: Mapped[list["Contract"]] = relationship(back_populates="account", order_by="Contract.reference")

    @property
    def is_activated(self) -> bool:
        """Tell whether the link of the activation mail was used."""
        return self.activated_at is not None

    @property
    def is_finished(self) -> bool:
        """Tell whether the first login has finished the account."""
        return self.completed_at is not None

    @property
    def is_closed(self) -> bool:
        """Tell whether the account was closed."""
        return self.closed_at is not None

    @property
    def reopens_until(self) -> datetime | None:
        """Return until when a closed account can be opened again."""
        return self.closed_at + REOPENING if self.closed_at is not None else None

    @property
    def is_gone(self) -> bool:
        """Tell whether the account was closed for good: erased, or waiting for the next purge."""
        return self.reopens_until is not None and self.reopens_until <= utcnow()


class Contract(Base):
    """A lease of the landlord's roster; reference and module are text, their leading zeros count."""

    __tablename__ = "portal_contracts"
    __table_args__ = (
        UniqueConstraint("reference"),
        CheckConstraint("reference <> '' AND module <> ''", name="numbers"),
        Index("ix_portal_contracts_last_name", "last_name"),
        Index("ix_portal_contracts_first_name", "first_name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(20))
    module: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(40), default="")
    last_name: Mapped[str] = mapped_column(String(200), default="")
    first_name: Mapped[str] = mapped_column(String(200), default="")
    street: Mapped[str] = mapped_column(String(300), default="")
    postcode: Mapped[str] = mapped_column(String(20), default="")
    city: Mapped[str] = mapped_column(String(200), default="")
    kind: Mapped[str] = mapped_column(String(60), default="")
    payment: Mapped[str] = mapped_column(String(100), default="")
    is_direct_debit: Mapped[bool] = mapped_column(Boolean, default=False)
    starts_on: Mapped[date | None] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)
    #: Address that the landlord already held, from the roster.
    email: Mapped[str] = mapped_column(String(EMAIL_MAX), default="")
    #: Set when a complete roster no longer lists the contract; cleared when it comes back.
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    imported_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("portal_accounts.id", ondelete="SET NULL"), index=True)

    account: Mapped[Account | None] = relationship(back_populates="contracts")

    def is_running(self, today: date) -> bool:
        """Tell whether the lease runs on that day."""
        begun = self.starts_on is None or self.starts_on <= today
        return begun and self.ended_at is None and (self.ends_on is None or self.ends_on >= today)

    @property
    def tenant_name(self) -> str:
        """Return title, first and last name as they stand on the roster."""
        return full_name(self.title, self.first_name, self.last_name)


class NameWord(Base):
    """A word of a first or last name, folded, and the name as it stands on contracts: what a search by name looks up.

    Names that no contract bears any more may stay; they lead nowhere.
    """

    __tablename__ = "portal_name_words"

    #: Compared sign by sign, so that a beginning is a range whatever the language of the database.
    word: Mapped[str] = mapped_column(
        String(WORD_MAX).with_variant(String(WORD_MAX, collation="C"), "postgresql"), primary_key=True
    )
    name: Mapped[str] = mapped_column(String(200), primary_key=True)


class ConsentPurpose(enum.StrEnum):
    """What a tenant may accept or refuse, each apart from the others (S36, L01)."""

    E_NOTICE = "e_notice"
    COMMERCIAL = "commercial"
    GENERAL = "general"


class Consent(Base):
    """One answer, never changed: the register is append-only and the newest answer of a purpose counts (L05)."""

    __tablename__ = "portal_consents"
    __table_args__ = (Index("ix_portal_consents_account_id_purpose_id", "account_id", "purpose", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("portal_accounts.id", ondelete="CASCADE"))
    contract_id: Mapped[int] = mapped_column(ForeignKey("portal_contracts.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[ConsentPurpose] = mapped_column(
        Enum(ConsentPurpose, native_enum=False, length=20, values_callable=list)
    )
    answer: Mapped[bool] = mapped_column(Boolean)
    wording: Mapped[str] = mapped_column(Text)
    #: The language in which it was asked, which is that of the wording.
    language: Mapped[str] = mapped_column(String(8), default="fr")
    wording_version: Mapped[str] = mapped_column(String(20))
    channel: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class Login(Base):
    """A logged-in device: the row behind a session cookie or a remembered one, ended on the server."""

    __tablename__ = "portal_logins"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index("ix_portal_logins_account_id_device_hash", "account_id", "device_hash"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("portal_accounts.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(String(64))
    device_hash: Mapped[str] = mapped_column(String(64))
    device_name: Mapped[str] = mapped_column(String(100), default="")
    is_remembered: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    account: Mapped[Account] = relationship()


class EmailChange(Base):
    """A change of the mail address that a tenant asked for; it waits, is confirmed, or has ended (F3).

    The former address stands here for as long as its owner may object. `ended_at` is set when the change was stopped,
    replaced by a newer one, or objected to.
    """

    __tablename__ = "portal_email_changes"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("portal_accounts.id", ondelete="CASCADE"), index=True)
    old_email: Mapped[str] = mapped_column(String(EMAIL_MAX))
    new_email: Mapped[str] = mapped_column(String(EMAIL_MAX))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, index=True)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    account: Mapped[Account] = relationship()


class RateLimitCounter(Base):
    """How often something failed for one reference or one device, and until when the next try must wait."""

    __tablename__ = "portal_attempts"

    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    count: Mapped[int] = mapped_column(Integer, default=0)
    #: First failure of the running day of 24 hours.
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    wait_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MailState(enum.StrEnum):
    """The fate of a mail in the outbox."""

    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"  # the server said for good that it cannot be delivered
    BOUNCED = "bounced"  # taken, then reported undeliverable
    NOBODY = "nobody"  # no recipient: written so that known and unknown accounts cost the same


class Mail(Base):
    """A mail to send, written in the transaction of what it tells of; its content is wiped once it has left."""

    __tablename__ = "portal_mails"
    __table_args__ = (
        UniqueConstraint("message_id"),
        # In PostgreSQL's too, by its migration: to say so here as well would import that dialect at each start.
        Index("ix_portal_mails_turn", "turn", "due_at", sqlite_where=text("state = 'waiting'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    recipient: Mapped[str] = mapped_column(String(EMAIL_MAX), default="")
    language: Mapped[str] = mapped_column(String(8), default="fr")
    #: What the template of this kind needs: JSON with links in it, so wiped when the mail has left.
    content: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    message_id: Mapped[str] = mapped_column(String(120))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("portal_accounts.id", ondelete="SET NULL"), index=True)
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("portal_contracts.id", ondelete="SET NULL"), index=True)
    state: Mapped[MailState] = mapped_column(
        Enum(MailState, native_enum=False, length=20, values_callable=list), default=MailState.WAITING
    )
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    #: Among the mails that are due, the lowest turn leaves first: no news and no flood delays a mail that is awaited.
    turn: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str] = mapped_column(String(300), default="")


class Message(Base):
    """What a tenant who is stuck wrote to the landlord, or the wish to be told when a contract appears (T05, T36)."""

    __tablename__ = "portal_messages"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    topic: Mapped[str] = mapped_column(String(30))
    reference: Mapped[str] = mapped_column(String(20), default="", index=True)
    email: Mapped[str] = mapped_column(String(EMAIL_MAX), default="")
    body: Mapped[str] = mapped_column(Text, default="")
    language: Mapped[str] = mapped_column(String(8), default="fr")
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("portal_contracts.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    #: When the tenant was told that his contract has appeared (T05).
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Event(Base):
    """One line of the journal: what happened to which account or contract, by whom; append-only."""

    __tablename__ = "portal_events"
    __table_args__ = (Index("ix_portal_events_contract_id_id", "contract_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("portal_accounts.id", ondelete="SET NULL"), index=True)
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("portal_contracts.id", ondelete="SET NULL"))
    #: The step of the twelve where it happened, where there is one.
    step: Mapped[int | None] = mapped_column(Integer)
    actor: Mapped[str] = mapped_column(String(100), default="tenant")
    detail: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, index=True)


class Notice(Base):
    """A rent notice that the landlord published; its file is named by the digest, and a newer one takes its place."""

    __tablename__ = "portal_notices"
    __table_args__ = (UniqueConstraint("contract_id", "period"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("portal_contracts.id"))
    #: The first day of the month that the notice is for.
    period: Mapped[date] = mapped_column(Date)
    #: SHA-256 of the file, in hexadecimal.
    digest: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(Integer)
    published_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    contract: Mapped[Contract] = relationship()


class Import(Base):
    """One roster that was taken: T05 shows its day."""

    __tablename__ = "portal_imports"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    added: Mapped[int] = mapped_column(Integer, default=0)
    changed: Mapped[int] = mapped_column(Integer, default=0)
    unchanged: Mapped[int] = mapped_column(Integer, default=0)
    ended: Mapped[int] = mapped_column(Integer, default=0)
    refused: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
