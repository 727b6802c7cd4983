"""The journal of the office, as its owner reads it: who looked at what and did what, by day."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import select

from ..accounts.office_acts import ACTS, IDENTITIES, REASONS, OfficeAct
from ..accounts.office_visits import PAUSE
from ..db import db, utcnow
from ..formats import day
from ..i18n import gettext as _
from ..models import Contract
from . import access_requests

#: Lines of a page.
LINES = 50


class Entry(NamedTuple):
    """A line with the contract that it is about, unless that is erased."""

    act: OfficeAct
    contract: Contract | None

    @property
    def words(self) -> str:
        """Return what was looked at or done."""
        return str(ACTS[self.act.act].for_staff) if self.act.act in ACTS else self.act.act

    @property
    def about(self) -> str:
        """Return what else it was about: the number of a message, a colleague, the day of a request."""
        about = self.act.about
        return _("demande du %(day)s", day=day(about)) if self.act.act == access_requests.ACT and about else about

    @property
    def grounds(self) -> list[str]:
        """Return how the tenant was known, and why it was done."""
        known = IDENTITIES.get(self.act.identity, ""), REASONS.get(self.act.reason, "")
        return [str(words) for words in known if words]


class Page(NamedTuple):
    """Lines by day, the newest first; `older` is the number before which the next page begins."""

    days: list[tuple[str, list[Entry]]]
    older: int | None


def read(clerk: str = "", act: str = "", before: int | None = None) -> Page:
    """Return a page of the journal: of one clerk, of one act, of lines before a number."""
    rows = select(OfficeAct, Contract).outerjoin(Contract, Contract.id == OfficeAct.contract_id)
    for column, wanted in ((OfficeAct.clerk, clerk), (OfficeAct.act, act)):
        rows = rows.where(column == wanted) if wanted else rows
    if before is not None:
        rows = rows.where(OfficeAct.id < before)
    found = db.session.execute(rows.order_by(OfficeAct.id.desc()).limit(LINES + 1)).all()
    entries = [Entry(line, contract) for line, contract in found[:LINES]]
    days = [(of, list(some)) for of, some in groupby(entries, key=lambda entry: day(entry.act.created_at))]
    return Page(days, entries[-1].act.id if len(found) > LINES else None)


def clerks() -> Sequence[str]:
    """Return who has lines in the journal."""
    return db.session.scalars(select(OfficeAct.clerk).distinct().order_by(OfficeAct.clerk)).all()


def was_just_opened(clerk: str) -> bool:
    """Tell whether this visit of a clerk to the journal is noted already."""
    same = OfficeAct.clerk == clerk[:100], OfficeAct.act == "journal_viewed"
    lately = OfficeAct.created_at > utcnow() - PAUSE
    return db.session.scalar(select(OfficeAct.id).where(*same, lately).limit(1)) is not None
