"""The tables: columns, constraints and small predicates."""

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

from .db import Base, UtcDateTime, addresses_index, utcnow
from .text import EMAIL_MAX, HOUSE_NUMBER, full_name, place

#: How long a closed account can be reopened before the purge erases it (T35).
REOPENING = timedelta(days=14)
#: How long a former address can undo its change (F3), and any reader say « Ce n'est pas moi » (H07).
OBJECTION = timedelta(days=7)


def runs(starts_on: date | None, ends_on: date | None, ended_at: datetime | None, today: date) -> bool:
    """Tell whether a lease with these facts runs on that day."""
    begun = starts_on is None or starts_on <= today
    return begun and ended_at is None and (ends_on is None or ends_on >= today)


class Account(Base):
    """A tenant's account, pending until its first login finishes it (step 12)."""

    __tablename__ = "portal_accounts"
    __table_args__ = addresses_index("portal_accounts", "email")

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(EMAIL_MAX), index=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    #: Names one sign-up, for its browser.
    signup_key: Mapped[str] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(8), default="fr")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, index=True)
    activated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: When a mail server refused this address for good (T09).
    email_failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: When the password was changed by hand while the former address could object: no reset link before a confirmation
    #: with that password (X02).
    email_doubted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Since when nobody can log in, at whose wish (`freezing.Freezer`), and when the office last ended that (H07).
    frozen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    frozen_by: Mapped[str] = mapped_column(String(20), default="")
    thawed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    contracts: Mapped[list["Contract"]] = relationship(
        back_populates="account",
        # Those that run first: forms and mails name the first one.
        order_by="[Contract.ended_at.is_not(None), Contract.ends_on.is_not(None), Contract.reference]",
    )

    @property
    def is_activated(self) -> bool:
        """Tell whether the activation link was used."""
        return self.activated_at is not None

    @property
    def is_finished(self) -> bool:
        """Tell whether the first login finished it."""
        return self.completed_at is not None

    @property
    def is_closed(self) -> bool:
        """Tell whether it was closed."""
        return self.closed_at is not None

    @property
    def is_frozen(self) -> bool:
        """Tell whether « Ce n'est pas moi » has frozen it."""
        return self.frozen_at is not None

    @property
    def reopens_until(self) -> datetime | None:
        """Return until when it can be reopened."""
        return self.closed_at + REOPENING if self.closed_at is not None else None

    @property
    def is_gone(self) -> bool:
        """Tell whether it is past reopening."""
        return self.reopens_until is not None and self.reopens_until <= utcnow()


class Contract(Base):
    """A lease of the roster; leading zeros count."""

    __tablename__ = "portal_contracts"
    __table_args__ = (
        UniqueConstraint("reference"),
        CheckConstraint("reference <> '' AND module <> ''", name="numbers"),
        # The search reads names, street and number from the index alone.
        Index("ix_portal_contracts_last_name", "last_name", "first_name", "street", "id"),
        Index("ix_portal_contracts_first_name", "first_name", "last_name", "street", "id"),
        Index("ix_portal_contracts_street_name", text(f"ltrim(street, '{HOUSE_NUMBER}')"), "street", "id"),
        Index("ix_portal_contracts_city", "city"),
        Index("ix_portal_contracts_module", "module"),
        *addresses_index("portal_contracts", "email"),
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
    #: From the roster.
    email: Mapped[str] = mapped_column(String(EMAIL_MAX), default="")
    #: Set while the complete roster lacks the contract.
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    imported_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("portal_accounts.id", ondelete="SET NULL"), index=True)

    account: Mapped[Account | None] = relationship(back_populates="contracts")

    def is_running(self, today: date) -> bool:
        """Tell whether the lease runs on that day."""
        return runs(self.starts_on, self.ends_on, self.ended_at, today)

    @property
    def place(self) -> str:
        """Return kind and street, which tell it from the tenant's other contracts."""
        return place(self.kind, self.street)

    @property
    def tenant_name(self) -> str:
        """Return title, first and last name."""
        return full_name(self.title, self.first_name, self.last_name)


class ConsentPurpose(enum.StrEnum):
    """What a tenant accepts or refuses, each on its own (S36, L01)."""

    E_NOTICE = "e_notice"
    COMMERCIAL = "commercial"
    GENERAL = "general"


class Consent(Base):
    """One answer of the append-only register; the newest of a purpose counts (L05)."""

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
    #: Of the wording.
    language: Mapped[str] = mapped_column(String(8), default="fr")
    wording_version: Mapped[str] = mapped_column(String(20))
    channel: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class Login(Base):
    """A logged-in device: the row behind its cookie."""

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


class KeptPassword(Base):
    """One half of a password that waits for the rest of its sign-up (H14); random without the other."""

    __tablename__ = "portal_kept_passwords"

    #: Of the half that the page holds, and its visit.
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    half: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, index=True)


class RateLimitCounter(Base):
    """The failures or uses of a key, and until when it waits."""

    __tablename__ = "portal_attempts"

    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    count: Mapped[int] = mapped_column(Integer, default=0)
    #: Start of the period.
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    wait_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MailState(enum.StrEnum):
    """What became of a mail."""

    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"  # the server refused it for good
    BOUNCED = "bounced"  # accepted, then reported undeliverable
    NOBODY = "nobody"  # no recipient, so that unknown accounts cost the same


#: Conditions of two indexes of mails, in the very words that a query must use to be answered by them.
UNDELIVERED, TROUBLED = "state IN ('refused', 'bounced')", "error <> ''"


class Mail(Base):
    """A mail, written in the transaction that causes it."""

    __tablename__ = "portal_mails"
    __table_args__ = (
        UniqueConstraint("message_id"),
        # On PostgreSQL the migration says the conditions: here they would import the dialect at each start.
        Index("ix_portal_mails_turn", "turn", "due_at", sqlite_where=text("state = 'waiting'")),
        Index("ix_portal_mails_undelivered", "kind", "created_at", sqlite_where=text(UNDELIVERED)),
        Index("ix_portal_mails_error", "error", "state", sqlite_where=text(TROUBLED)),
        Index("ix_portal_mails_sent_at", "sent_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    recipient: Mapped[str] = mapped_column(String(EMAIL_MAX), default="")
    language: Mapped[str] = mapped_column(String(8), default="fr")
    #: Its links are blacked out once the mail has left (`mail/contents.py`).
    content: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    message_id: Mapped[str] = mapped_column(String(120))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("portal_accounts.id", ondelete="SET NULL"), index=True)
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("portal_contracts.id", ondelete="SET NULL"), index=True)
    state: Mapped[MailState] = mapped_column(
        Enum(MailState, native_enum=False, length=20, values_callable=list), default=MailState.WAITING
    )
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    #: The lowest turn leaves first: neither news nor a flood delays an awaited mail.
    turn: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    taken_by: Mapped[str] = mapped_column(String(255), default="")  # a relay, which may yet return it
    error: Mapped[str] = mapped_column(String(300), default="")


class Event(Base):
    """One line of the append-only journal."""

    __tablename__ = "portal_events"
    __table_args__ = (Index("ix_portal_events_contract_id_id", "contract_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("portal_accounts.id", ondelete="SET NULL"), index=True)
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("portal_contracts.id", ondelete="SET NULL"))
    #: One of the twelve steps.
    step: Mapped[int | None] = mapped_column(Integer)
    actor: Mapped[str] = mapped_column(String(100), default="tenant")
    detail: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, index=True)


class DocumentKind(enum.StrEnum):
    """What a document is."""

    NOTICE = "notice"  # what is due in a month
    RECEIPT = "receipt"  # what was paid for it


class Document(Base):
    """A published document; its digest names its file."""

    __tablename__ = "portal_documents"
    __table_args__ = (
        UniqueConstraint("contract_id", "kind", "period"),
        Index("ix_portal_documents_kind_period", "kind", "period", "published_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("portal_contracts.id", ondelete="CASCADE"))
    kind: Mapped[DocumentKind] = mapped_column(Enum(DocumentKind, native_enum=False, length=20, values_callable=list))
    #: The first day of its month.
    period: Mapped[date] = mapped_column(Date)
    #: SHA-256 in hexadecimal.
    digest: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(Integer)
    published_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # by its tenant, for the first time

    contract: Mapped[Contract] = relationship()


class Import(Base):
    """One import of a roster."""

    __tablename__ = "portal_imports"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    added: Mapped[int] = mapped_column(Integer, default=0)
    changed: Mapped[int] = mapped_column(Integer, default=0)
    unchanged: Mapped[int] = mapped_column(Integer, default=0)
    ended: Mapped[int] = mapped_column(Integer, default=0)
    refused: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
