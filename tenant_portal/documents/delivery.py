"""Where the notice of a contract goes: by mail, or on paper and why. Never both, never neither.

A receipt is told of by mail where a notice is: one agreement counts for both (L12).
"""

import enum
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from ..accounts import consents
from ..accounts.consents import Answer
from ..accounts.standing_words import SITUATIONS
from ..contracts import lookup
from ..db import db
from ..i18n import lazy_gettext as _l
from ..models import ConsentPurpose, Contract, Document, DocumentKind, Event

#: The event of an import that ends a contract's direct debit.
DIRECT_DEBIT_ENDED = "direct_debit_ended"


class Paper(enum.StrEnum):
    """Why a notice goes on paper; the first that holds is told."""

    NOT_RUNNING = "not_running"
    NO_ACCOUNT = "no_account"
    NOT_FINISHED = "not_finished"
    CLOSED = "closed"
    FROZEN = "frozen"
    NOT_WANTED = "not_wanted"
    NO_DIRECT_DEBIT = "no_direct_debit"
    ADDRESS_FAILED = "address_failed"


class Words(NamedTuple):
    """A reason in the words of the paper list, and in those of its tenant."""

    for_staff: Any
    for_tenant: Any


REASONS = {
    Paper.NOT_RUNNING: Words(_l("le bail n'est pas en cours"), SITUATIONS["not_running"].for_tenant),
    Paper.NO_ACCOUNT: Words(_l("pas de compte"), _l("Vous n'avez pas de compte.")),
    Paper.NOT_FINISHED: Words(_l("création du compte pas finie"), _l("La création de votre compte n'est pas finie.")),
    Paper.CLOSED: Words(_l("compte fermé"), SITUATIONS["closed"].for_tenant),
    Paper.FROZEN: Words(
        _l("compte bloqué : l'adresse mail est peut-être celle de quelqu'un d'autre"), SITUATIONS["frozen"].for_tenant
    ),
    Paper.NOT_WANTED: Words(_l("avis par e-mail pas choisi"), _l("Vous n'avez pas choisi l'avis par e-mail.")),
    Paper.NO_DIRECT_DEBIT: Words(
        _l("avis par e-mail choisi, mais pas de prélèvement automatique"),
        _l("Votre contrat n'est plus en prélèvement automatique."),
    ),
    Paper.ADDRESS_FAILED: Words(_l("adresse mail en erreur : papier rétabli"), SITUATIONS["address_failed"].for_tenant),
}


class Lease(Protocol):
    """What of a contract decides."""

    @property
    def id(self) -> int:
        """Return its number."""

    @property
    def is_direct_debit(self) -> bool:
        """Tell whether rent is paid by direct debit."""

    def is_running(self, today: date, /) -> bool:
        """Tell whether the lease runs on that day."""


class Recipient(Protocol):
    """What of an account decides."""

    @property
    def is_finished(self) -> bool:
        """Tell whether the first login finished it."""

    @property
    def is_closed(self) -> bool:
        """Tell whether it was closed."""

    @property
    def is_frozen(self) -> bool:
        """Tell whether its address may be somebody else's (H07)."""

    @property
    def email_failed_at(self) -> datetime | None:
        """Return when its address failed."""


class Way(NamedTuple):
    """How notices arrive, and since when, where that has changed."""

    paper: Paper | None
    since: datetime | None
    #: Whether the tenant chose otherwise.
    is_against_choice: bool

    @property
    def reason(self) -> str:
        """Return the reason for paper, in the tenant's words."""
        return str(REASONS[self.paper].for_tenant) if self.paper is not None else ""


def why_paper(lease: Lease, account: Recipient | None, *, is_wanted: bool, month: date) -> Paper | None:
    """Return why the notice of a month goes on paper, or None where it goes by mail: the one place that decides.

    A past month is asked about today.
    """
    reasons = {
        Paper.NOT_RUNNING: not lease.is_running(max(lookup.today(), month)),
        Paper.NO_ACCOUNT: account is None,
        Paper.NOT_FINISHED: account is not None and not account.is_finished,
        Paper.CLOSED: account is not None and account.is_closed,
        Paper.FROZEN: account is not None and account.is_frozen,
        Paper.NOT_WANTED: not is_wanted,
        Paper.NO_DIRECT_DEBIT: not lease.is_direct_debit,
        Paper.ADDRESS_FAILED: account is not None and account.email_failed_at is not None,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def ways(contracts: Mapping[int, Contract], month: date) -> dict[int, Paper | None]:
    """Return for each contract why its notice of a month goes on paper, or None."""
    wanted = consents.accepted_e_notices(contracts)
    return {
        number: why_paper(contract, contract.account, is_wanted=(contract.account_id, number) in wanted, month=month)
        for number, contract in contracts.items()
    }


def way_of(lease: Lease, account: Recipient, choices: Mapping[ConsentPurpose, Answer]) -> Way:
    """Return how the notices of a tenant's contract arrive now."""
    answer = choices.get(ConsentPurpose.E_NOTICE)
    is_wanted = answer is not None and answer.answer
    paper = why_paper(lease, account, is_wanted=is_wanted, month=lookup.today())
    since = None
    if paper is Paper.ADDRESS_FAILED:
        since = account.email_failed_at
    elif paper is Paper.NO_DIRECT_DEBIT and answer is not None:
        since = _direct_debit_ended_at(lease.id, after=answer.created_at)
    elif paper is Paper.NOT_WANTED and answer is not None and answer.channel != "form":
        since = answer.created_at
    return Way(paper, since, is_wanted and paper is not None)


def on_paper(month: date) -> Iterator[tuple[Contract, Paper]]:
    """Yield by reference each contract whose notice of that month goes on paper, with the reason.

    A lease that does not run then counts only if it has a notice.
    """
    last = ""
    batch = select(Contract).options(joinedload(Contract.account)).order_by(Contract.reference).limit(lookup.BATCH)
    while contracts := {one.id: one for one in db.session.scalars(batch.where(Contract.reference > last))}:
        noticed = set(
            db.session.scalars(
                select(Document.contract_id).where(
                    Document.kind == DocumentKind.NOTICE,
                    Document.period == month,
                    Document.contract_id.in_(contracts),
                )
            )
        )
        for number, paper in ways(contracts, month).items():
            last = contracts[number].reference
            if paper is not None and (paper is not Paper.NOT_RUNNING or number in noticed):
                yield contracts[number], paper


def _direct_debit_ended_at(contract_id: int, *, after: datetime) -> datetime | None:
    """Return when an import ended it, unless the tenant's answer is newer (T22)."""
    found = select(Event.created_at).where(
        Event.contract_id == contract_id, Event.name == DIRECT_DEBIT_ENDED, Event.created_at > after
    )
    return db.session.scalar(found.order_by(Event.id.desc()).limit(1))
