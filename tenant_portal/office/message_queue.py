"""The queue of messages, in bounded pages, and who opened which last."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import joinedload, selectinload

from ..accounts import progress
from ..accounts.office_acts import OfficeAct
from ..accounts.progress import OnboardingStatus
from ..contracts import lookup
from ..db import db
from ..messages import answers
from ..messages.models import Message, MessageState
from ..models import Contract

PER_PAGE = 50
#: More pages than anybody turns.
PAGES_MAX = 10_000

_IS_DUE = Message.due_on.is_not(None)
#: Each view: which messages, in which order. The first is the queue: an answer is due, the earliest first.
_VIEWS: dict[str, tuple[ColumnElement[bool], tuple[Any, ...]]] = {
    "": (_IS_DUE, (Message.due_on, Message.id)),
    "sans-echeance": (
        Message.due_on.is_(None) & (Message.state == MessageState.RECEIVED),
        (Message.last_entry_at.desc(), Message.id.desc()),
    ),
    "termines": (
        Message.due_on.is_(None) & (Message.state != MessageState.RECEIVED),
        (Message.last_entry_at.desc(), Message.id.desc()),
    ),
}


@dataclass(frozen=True)
class QueuePage:
    """One page of a view."""

    view: str
    number: int
    messages: list[Message]
    has_more: bool
    #: Where the tenant of a message stands, by contract.
    standings: dict[int, OnboardingStatus] = field(default_factory=dict)
    #: Who among the colleagues opened a message last, by its number.
    lookers: dict[str, OfficeAct] = field(default_factory=dict)
    #: Numbers of the messages whose answer did not arrive.
    undelivered: frozenset[str] = frozenset()


def page_of(view: str, number: int, *, clerk: str) -> QueuePage:
    """Return a page of a view; unknown ones are the first."""
    view = view if view in _VIEWS else ""
    number = number if 1 <= number <= PAGES_MAX else 1
    which, order = _VIEWS[view]
    rows = select(Message).where(which).order_by(*order).offset((number - 1) * PER_PAGE).limit(PER_PAGE + 1)
    whose = joinedload(Message.contract).joinedload(Contract.account), joinedload(Message.account)
    found = list(db.session.scalars(rows.options(*whose, selectinload(Message.entries))).unique())
    shown, contracts = found[:PER_PAGE], {each.contract for each in found[:PER_PAGE] if each.contract is not None}
    return QueuePage(
        view,
        number,
        shown,
        len(found) > PER_PAGE,
        {contract.id: progress.onboarding_status(contract) for contract in contracts},
        last_lookers([message.number for message in shown], besides=clerk),
        frozenset(message.number for message in answers.undelivered()) if not view else frozenset(),
    )


def counts() -> tuple[int, int]:
    """Return how many messages wait for an answer, and for how many of them the day is over."""
    of = func.count().filter(Message.due_on < lookup.today())
    due, overdue = db.session.execute(select(func.count(), of).where(_IS_DUE)).one()
    return due, overdue


def last_lookers(numbers: Collection[str], *, besides: str) -> dict[str, OfficeAct]:
    """Return who else opened each message last."""
    newest = select(func.max(OfficeAct.id)).where(
        OfficeAct.about.in_(numbers), OfficeAct.act == "message_viewed", OfficeAct.clerk != besides
    )
    rows = select(OfficeAct).where(OfficeAct.id.in_(newest.group_by(OfficeAct.about)))
    return {act.about: act for act in db.session.scalars(rows)} if numbers else {}
