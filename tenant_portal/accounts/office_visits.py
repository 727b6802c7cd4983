"""When each clerk was here last, so that he reads what is new since."""

from datetime import datetime, timedelta

from sqlalchemy import String, bindparam, select, text
from sqlalchemy.orm import Mapped, mapped_column

from ..db import Base, UtcDateTime, db, utcnow
from .office_acts import OfficeAct

#: Without a page for so long, a visit has ended.
PAUSE = timedelta(minutes=30)
#: Nobody reads of more; what is older is purged.
LONGEST = timedelta(days=31)


class OfficeVisit(Base):
    """The visits of a clerk: the end of the former one, and the last page of this one."""

    __tablename__ = "portal_office_visits"

    clerk: Mapped[str] = mapped_column(String(100), primary_key=True)
    previous_at: Mapped[datetime] = mapped_column(UtcDateTime)
    latest_at: Mapped[datetime] = mapped_column(UtcDateTime)


#: Two first pages at once make one row.
_FIRST = text(
    "INSERT INTO portal_office_visits (clerk, previous_at, latest_at) VALUES (:clerk, :before, :now)"
    " ON CONFLICT (clerk) DO NOTHING"
).bindparams(bindparam("before", type_=UtcDateTime), bindparam("now", type_=UtcDateTime))


def note(clerk: str) -> datetime:
    """Note that a clerk is here; return when his former visit ended. The first one looks back a day.

    What he did elsewhere keeps a visit going: the journal has it. The caller has begun to write, and commits.
    """
    clerk, now = clerk[:100], utcnow()
    db.session.execute(_FIRST, {"clerk": clerk, "before": now - timedelta(days=1), "now": now})
    visit = db.session.get_one(OfficeVisit, clerk, with_for_update=True)
    done = select(OfficeAct.created_at).where(OfficeAct.clerk == clerk).order_by(OfficeAct.id.desc()).limit(1)
    seen = max(visit.latest_at, db.session.scalar(done) or visit.latest_at)
    if now - seen > PAUSE:
        visit.previous_at = seen
    visit.latest_at = max(now, seen)
    return max(visit.previous_at, now - LONGEST)
