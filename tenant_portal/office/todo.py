"""« À traiter »: what waits for the office, by the harm that it does, each with its remedy's page.

Each kind is one query, and shows its oldest lines. A line goes when its cause is gone, whoever looked.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select

from ..accounts import freezing, progress
from ..accounts.office_acts import OfficeAct
from ..contracts import lookup
from ..db import db, utcnow
from ..documents import unserved
from ..formats import day, month
from ..i18n import gettext as _
from ..i18n import lazy_gettext as _l
from ..mail import remedies
from ..messages import answers
from ..messages.conversation import Topic
from ..messages.models import Message, MessageState
from ..models import Account, Contract, Event
from ..settings import settings

#: Lines of a kind, and of the one that is asked for; lines counted.
SHOWN, SHOWN_ALONE, COUNTED = 5, 200, 1_000
#: How long a sign-up may take to reach the login.
STUCK = timedelta(days=3)
#: Openings that are told, and refused numbers that are counted, look back so far; fewer refusals are slips.
WEEK, REFUSALS_MIN = timedelta(days=7), 3


class Opened(NamedTuple):
    """Who opened the page of a line last."""

    clerk: str
    at: datetime


class Line(NamedTuple):
    """What waits: since when, whose, what, and the page with the remedy."""

    kind: str
    since: datetime | None
    who: str
    what: str
    #: Below `portal.office.`, with its values; empty where no page helps.
    endpoint: str = ""
    values: dict[str, Any] = {}  # noqa: RUF012 (never changed)
    contract_id: int | None = None
    last_opened_by: Opened | None = None


class Pile(NamedTuple):
    """What waits of one kind: its first lines, and how many there are, up to `COUNTED`."""

    kind: str
    title: str
    total: int
    lines: list[Line]

    @property
    def left(self) -> int:
        """Return how many lines are not shown."""
        return self.total - len(self.lines)


class Found(NamedTuple):
    """The first lines of a kind, and how many there are."""

    total: int = 0
    lines: list[Line] = []  # noqa: RUF012 (never changed)


def piles(alone: str = "") -> list[Pile]:
    """Return what waits, the most harmful first; of a kind that is asked for alone, more lines."""
    found = []
    for kind, (title, find) in KINDS.items():
        if alone in KINDS and alone != kind:
            continue
        total, lines = find(kind, SHOWN_ALONE if alone == kind else SHOWN)
        if total:
            found.append(Pile(kind, str(title), total, lines))
    opened = _openings(line for pile in found for line in pile.lines)
    return [pile._replace(lines=[_with_opening(line, opened) for line in pile.lines]) for pile in found]


def _contested(kind: str, most: int) -> Found:
    rows = _of_accounts(Account.frozen_at, freezing.disputed())
    return _of_contracts(kind, rows, most, lambda _contract: _("vérifiez à qui est ce contrat"))


def _returned(kind: str, most: int) -> Found:
    words = _("l'e-mail de l'avis n'a pas été remis : imprimez cet avis")
    return _of_contracts(kind, unserved.returned().order_by("since"), most, lambda _contract: words)


def _forgotten(kind: str, most: int) -> Found:
    rows, newest = unserved.forgotten(), unserved.newest_month()
    if rows is None or newest is None:
        return Found()
    words = _("aucun avis publié pour %(month)s, et il ne reçoit pas le papier", month=month(newest[0]))
    return _of_contracts(kind, rows.order_by(Contract.id), most, lambda _contract: words)


def _unserved(kind: str, most: int) -> Found:
    first, second = _returned(kind, most), _forgotten(kind, most)
    return Found(first.total + second.total, [*first.lines, *second.lines][:most])


def _stopped(kind: str, _most: int) -> Found:
    since, needed = remedies.stopped_since(), remedies.needed()
    lines = [Line(kind, None, "", f"{each.what} {each.remedy}") for each in needed]
    if since is not None:
        words = _("Prévenez qui tient le serveur : « flask portal doctor » dit ce qui manque.")
        lines.insert(0, Line(kind, since, "", words))
    return Found(len(lines), lines)


def _overdue(kind: str, most: int) -> Found:
    rows = select(Message).where(Message.state == MessageState.RECEIVED, Message.due_on < lookup.today())
    total, found = _some(rows.order_by(Message.due_on, Message.id), most)
    return Found(total, [_of_message(kind, each) for each in found])


def _undelivered(kind: str, most: int) -> Found:
    found = answers.undelivered()
    return Found(len(found), [_of_message(kind, each) for each in found[:most]])


def _failed_addresses(kind: str, most: int) -> Found:
    is_used = Account.completed_at.is_not(None), Account.closed_at.is_(None), ~freezing.disputed()
    rows = _of_accounts(Account.email_failed_at, Account.email_failed_at.is_not(None), *is_used)
    words = _("l'adresse mail ne reçoit plus rien : faites-la corriger")
    return _of_contracts(kind, rows, most, lambda _contract: words)


def _stuck(kind: str, most: int) -> Found:
    is_begun = Account.completed_at.is_(None), Account.activated_at.is_(None), Account.closed_at.is_(None)
    old = Account.created_at <= utcnow() - STUCK, unserved.runs_on(lookup.today())
    return _of_contracts(kind, _of_accounts(Account.created_at, *is_begun, *old), most, _why_stuck)


def _why_stuck(contract: Contract) -> str:
    standing = progress.onboarding_status(contract)
    return str(_FATES.get(standing.situation, standing.words.for_staff))


def _unknown_numbers(kind: str, most: int) -> Found:
    waits = Message.topic == Topic.WAITING, Message.told_at.is_(None), Message.contract_id.is_(None)
    rows = select(Message).where(*waits, Message.state == MessageState.RECEIVED, Message.reference != "")
    total, found = _some(rows.order_by(Message.id), most)
    lines = [_of_message(kind, each) for each in found]
    unknown = Event.name == "signup_mismatch", Event.contract_id.is_(None), Event.created_at > utcnow() - WEEK
    tries = db.session.scalar(
        select(func.count()).select_from(select(Event.id).where(*unknown).limit(COUNTED).subquery())
    )
    if tries and tries >= REFUSALS_MIN:
        words = _(
            "références inconnues saisies à l'inscription en sept jours : la liste des contrats est-elle à jour ?"
        )
        lines.insert(0, Line(kind, None, str(tries), words))
        total += 1
    return Found(total, lines[:most])


#: Why an activation is late, in the words of the office.
_FATES = {
    "mail_refused": _l("l'e-mail d'activation a été refusé : l'adresse est à corriger"),
    "mail_waiting": _l("l'e-mail d'activation attend de partir"),
    "mail_sent": _l("l'e-mail d'activation est parti, son lien n'a pas servi"),
    "link_expired": _l("le lien d'activation n'est plus valable : renvoyez-le"),
}
#: From the most harmful down; what stands here is asked in this order.
KINDS: dict[str, tuple[Any, Callable[[str, int], Found]]] = {
    "contested": (_l("Comptes contestés"), _contested),
    "unserved": (_l("Avis remis ni par e-mail, ni sur papier"), _unserved),
    "stopped": (_l("Envoi des e-mails"), _stopped),
    "overdue": (_l("Messages en retard"), _overdue),
    "undelivered": (_l("Réponses non remises"), _undelivered),
    "address": (_l("Adresses mail en erreur"), _failed_addresses),
    "stuck": (_l("Inscriptions arrêtées à l'étape 9 depuis trois jours"), _stuck),
    "unknown": (_l("Numéros introuvables"), _unknown_numbers),
}


def _some(rows: Select[Any], most: int) -> tuple[int, list[Any]]:
    """Count rows up to `COUNTED`, and return the first ones."""
    counted = select(func.count()).select_from(rows.order_by(None).limit(COUNTED).subquery())
    total = db.session.scalar(counted) or 0
    return total, list(db.session.scalars(rows.limit(most))) if total else []


def _of_accounts(since: Any, *conditions: Any) -> Select[Any]:
    """Select the first contract of each account, and since when it waits."""
    rows = select(func.min(Contract.id), since.label("since")).join(Account, Account.id == Contract.account_id)
    return rows.where(*conditions).group_by(Account.id, since).order_by("since")


def _of_contracts(kind: str, rows: Select[Any], most: int, what: Callable[[Contract], str]) -> Found:
    found = db.session.execute(rows.limit(COUNTED)).all()
    contracts = lookup.with_accounts([number for number, _since in found[:most]])
    lines = [
        Line(kind, since, named(contracts[id]), what(contracts[id]), "contract.show", {"number": id}, id)
        for id, since in found[:most]
    ]
    return Found(len(found), lines)


def _of_message(kind: str, message: Message) -> Line:
    number = message.number
    if message.due_on is not None:
        since = datetime.combine(message.due_on + timedelta(days=1), time(), settings.timezone)
        what = _("message %(number)s, réponse attendue le %(day)s", number=number, day=day(message.due_on))
    else:
        since = message.created_at
        what = _("message %(number)s, attend le contrat %(reference)s", number=number, reference=message.reference)
    who = named(message.contract) if message.contract is not None else message.email
    return Line(kind, since, who, what, "messages.show", {"number": number}, message.contract_id)


def named(contract: Contract) -> str:
    """Return name and reference, as colleagues name a tenant among themselves."""
    return f"{contract.tenant_name or _('Locataire sans nom')}, {contract.reference}"


def _openings(lines: Iterable[Line]) -> dict[tuple[str, Any], Opened]:
    """Return who opened the page of each line last, in these days."""
    of_lines = list(lines)
    numbers = {line.contract_id for line in of_lines if line.contract_id is not None}
    messages = {line.values["number"] for line in of_lines if line.endpoint == "messages.show"}
    lately = OfficeAct.created_at > utcnow() - WEEK
    asked = {
        "viewed": (OfficeAct.contract_id, numbers),
        "message_viewed": (OfficeAct.about, messages),
    }
    opened = {}
    for act, (column, whose) in asked.items():
        rows = select(column, OfficeAct.clerk, OfficeAct.created_at).where(
            OfficeAct.act == act, column.in_(whose), lately
        )
        for key, clerk, at in db.session.execute(rows.order_by(OfficeAct.id)) if whose else ():
            opened[act, key] = Opened(clerk, at)
    return opened


def _with_opening(line: Line, opened: dict[tuple[str, Any], Opened]) -> Line:
    """Say who opened it since it waits: what was seen before was something else."""
    found = opened.get(("viewed", line.contract_id)), opened.get(("message_viewed", line.values.get("number")))
    since = [each for each in found if each is not None and (line.since is None or each.at >= line.since)]
    return line._replace(last_opened_by=max(since, key=lambda each: each.at)) if since else line
