"""Whose notice of the newest month came neither by mail nor on paper.

Two ways lead there. A mail told of the notice, so that the paper list left it out, and came back. Or no file was
published for somebody who gets mails, whom the paper list does not name (docs/notices.md).
"""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, or_, select, text
from sqlalchemy.orm import aliased

from ..contracts import lookup
from ..db import UtcDateTime, db, utcnow
from ..models import UNDELIVERED, Account, Consent, ConsentPurpose, Contract, Document, DocumentKind, Mail

#: A month is published within so long; what lacks then was forgotten.
PUBLISHING = timedelta(days=1)
#: What came back earlier is another month's, or was seen to.
RETURNED = timedelta(days=60)
#: So many contracts are named one by one to the database, which else misjudges how few there are.
FEW = 1_000


def newest_month() -> tuple[date, datetime] | None:
    """Return the newest month with notices, and when its first one was published; months far ahead are slips."""
    ahead = (lookup.today().replace(day=1) + timedelta(days=32)).replace(day=1)
    notices = Document.kind == DocumentKind.NOTICE
    period = db.session.scalar(select(func.max(Document.period)).where(notices, Document.period <= ahead))
    if period is None:
        return None
    first = db.session.scalar(select(func.min(Document.published_at)).where(notices, Document.period == period))
    return period, first or utcnow()


def returned() -> Select[Any]:
    """Select contract and moment of each mail about a contract's newest notice that was refused or came back."""
    newer = exists().where(
        Document.contract_id == Mail.contract_id,
        Document.kind == DocumentKind.NOTICE,
        Document.published_at > Mail.created_at,
    )
    told = Mail.kind == "notice_published", Mail.created_at > utcnow() - RETURNED
    since: Any = Mail.created_at.label("since")
    rows = select(Mail.contract_id, since).join(Contract, Contract.id == Mail.contract_id)
    return rows.where(text(f"portal_mails.{UNDELIVERED}"), *told, runs_on(lookup.today()), ~newer)


def forgotten() -> Select[Any] | None:
    """Select the contracts that get mails and have no notice of the newest month; None while it is published."""
    newest = newest_month()
    if newest is None or utcnow() - newest[1] < PUBLISHING:
        return None
    month, first_at = newest
    noticed = exists().where(
        Document.contract_id == Contract.id, Document.kind == DocumentKind.NOTICE, Document.period == month
    )
    # Asked first, and of indexes alone: mostly few are left, and 100,000 accounts need not be read.
    lacking = select(Contract.id).where(Contract.account_id.is_not(None), ~noticed)
    few = db.session.scalars(lacking.limit(FEW + 1)).all()
    since: Any = literal(first_at, UtcDateTime()).label("since")
    rows = select(Contract.id, since).join(Account, Account.id == Contract.account_id)
    rows = rows.where(Contract.id.in_(few if len(few) <= FEW else lacking))
    begun = or_(Contract.starts_on.is_(None), Contract.starts_on <= month)
    return rows.where(goes_by_mail(month, answered_before=first_at), begun)


def goes_by_mail(month: date, *, answered_before: datetime) -> ColumnElement[bool]:
    """Return `delivery.why_paper` as a condition for contracts with their accounts, where mails were chosen by then."""
    asked = Consent.account_id == Account.id, Consent.contract_id == Contract.id
    yes = exists().where(
        *asked,
        Consent.purpose == ConsentPurpose.E_NOTICE,
        Consent.answer.is_(True),
        Consent.created_at < answered_before,
        ~_is_followed(),
    )
    can = Account.closed_at.is_(None), Account.frozen_at.is_(None), Account.email_failed_at.is_(None)
    runs = runs_on(max(lookup.today(), month))
    return and_(Account.completed_at < answered_before, *can, Contract.is_direct_debit.is_(True), runs, yes)


def runs_on(day: date) -> ColumnElement[bool]:
    """Return a condition for leases that run on that day."""
    begun = or_(Contract.starts_on.is_(None), Contract.starts_on <= day)
    return and_(begun, Contract.ended_at.is_(None), or_(Contract.ends_on.is_(None), Contract.ends_on >= day))


def _is_followed() -> ColumnElement[bool]:
    later = aliased(Consent)
    same = later.account_id == Consent.account_id, later.contract_id == Consent.contract_id
    return exists().where(*same, later.purpose == Consent.purpose, later.id > Consent.id)
