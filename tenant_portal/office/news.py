"""What is new since a clerk was here last, and how old roster and notices are."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select, text

from ..accounts.office_acts import ACTS, OfficeAct
from ..contracts import lookup
from ..db import db, utcnow
from ..documents import unserved
from ..i18n import ngettext
from ..models import UNDELIVERED, Contract, Event, Import, Mail
from ..operations.service_checks import ROSTER_OLD

#: Contracts named with each piece of news.
NAMED = 3
#: Events that colleagues want to hear of, in their words.
EVENTS: dict[tuple[str, ...], Callable[[int], str]] = {
    ("finished",): lambda n: ngettext("%(num)d compte créé", "%(num)d comptes créés", n),
    ("message_written", "message_continued"): lambda n: ngettext("%(num)d message écrit", "%(num)d messages écrits", n),
    ("account_frozen",): lambda n: ngettext("%(num)d compte bloqué", "%(num)d comptes bloqués", n),
    ("account_closed",): lambda n: ngettext("%(num)d compte fermé", "%(num)d comptes fermés", n),
    ("email_changed",): lambda n: ngettext("%(num)d adresse mail changée", "%(num)d adresses mail changées", n),
}


class News(NamedTuple):
    """What happened, how often, and the newest contracts of it."""

    words: str
    contracts: list[Contract]
    #: The page that has all of it, below `portal.office.`.
    view: str = ""


class Freshness(NamedTuple):
    """When the roster came and notices were published, and which of both is late."""

    roster: datetime | None
    is_roster_old: bool
    month: date | None
    published: datetime | None
    is_month_missing: bool


def since(moment: datetime, clerk: str) -> list[News]:
    """Return what others did since a moment: tenants, mail servers, colleagues."""
    counted = select(Event.name, func.count()).where(Event.created_at > moment).group_by(Event.name)
    counts = {name: number for name, number in db.session.execute(counted)}
    found = []
    for names, words in EVENTS.items():
        if total := sum(counts.get(name, 0) for name in names):
            found.append(News(words(total), _newest(names, moment)))
    return [*found, *_of_servers(moment), *_of_colleagues(moment, clerk)]


def _of_servers(moment: datetime) -> Iterator[News]:
    back = text(UNDELIVERED), Mail.created_at > moment
    if number := db.session.scalar(select(func.count()).select_from(Mail).where(*back)):
        words = ngettext("%(num)d e-mail refusé ou revenu", "%(num)d e-mails refusés ou revenus", number)
        whose = select(Mail.contract_id).where(*back, Mail.contract_id.is_not(None))
        yield News(words, _contracts(whose.order_by(Mail.created_at.desc())))


def _of_colleagues(moment: datetime, clerk: str) -> Iterator[News]:
    acts = [name for name, act in ACTS.items() if act.for_tenant]
    done = OfficeAct.created_at > moment, OfficeAct.clerk != clerk[:100], OfficeAct.act.in_(acts)
    if number := db.session.scalar(select(func.count()).select_from(OfficeAct).where(*done)):
        words = ngettext("%(num)d acte d'un collègue", "%(num)d actes de vos collègues", number)
        whose = select(OfficeAct.contract_id).where(*done, OfficeAct.contract_id.is_not(None))
        yield News(words, _contracts(whose.order_by(OfficeAct.id.desc())), "journal.show")


def freshness() -> Freshness:
    """Return how old the roster and the newest published month are."""
    imported = db.session.scalar(select(func.max(Import.created_at)))
    newest = unserved.newest_month()
    month, published = newest or (None, None)
    is_old = imported is None or utcnow() - imported > ROSTER_OLD
    is_missing = month is not None and month < lookup.today().replace(day=1)
    return Freshness(imported, is_old, month, published, is_missing)


def _newest(names: tuple[str, ...], moment: datetime) -> list[Contract]:
    rows = select(Event.contract_id).where(Event.name.in_(names), Event.created_at > moment)
    return _contracts(rows.where(Event.contract_id.is_not(None)).order_by(Event.created_at.desc()))


def _contracts(numbers: Select[Any]) -> list[Contract]:
    """Return the first different contracts of a selection."""
    wanted = list(dict.fromkeys(db.session.scalars(numbers.limit(NAMED * 3))))[:NAMED]
    known = lookup.with_accounts(wanted)
    return [known[number] for number in wanted]
