"""Publish rent notices, one a contract and month, and find them for their tenant."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from sqlalchemy import select, text

from ..accounts import consents
from ..contracts import lookup
from ..db import begin_write, db, utcnow
from ..i18n import gettext as _
from ..models import Account, ConsentPurpose, Contract, Notice
from . import archive
from .archive import File, Refused
from .storage import store, sync_folders

#: Makes a second publication on PostgreSQL wait: « notice » in ASCII.
PUBLISH_LOCK = 0x6E6F74696365


class Refusal(NamedTuple):
    """A file that was not taken."""

    name: str
    reason: str


class Published(NamedTuple):
    """A notice that is new, or that corrects an earlier file."""

    notice: Notice
    is_correction: bool


@dataclass
class Report:
    """What a publication did with each file."""

    added: int = 0
    unchanged: int = 0
    #: Reference and month of corrected notices.
    replaced: list[tuple[str, date]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    #: Empty after a dry run.
    published: list[Published] = field(default_factory=list)

    @property
    def is_without_effect(self) -> bool:
        """Tell whether no notice changed."""
        return not (self.added or self.replaced)


class _Taken(NamedTuple):
    """A file that is a notice."""

    name: str
    contract_id: int
    reference: str
    period: date
    digest: str
    size: int

    @property
    def key(self) -> tuple[int, date]:
        """There is one notice for each."""
        return self.contract_id, self.period


def publish(files: Iterable[File], *, period: date | None = None, dry_run: bool = False) -> Report:
    """Publish files as notices; the caller commits.

    Files are stored before the write starts, so that pages do not wait. A crash may leave unused files, never
    a row without a file. If two files for one contract and month differ, both are refused.
    """
    report = Report()
    found: dict[tuple[int, date], list[_Taken]] = {}
    for file in files:
        try:
            taken = _take(file, period, keep=not dry_run)
        except Refused as trouble:
            report.refusals.append(Refusal(file.name, str(trouble)))
        else:
            found.setdefault(taken.key, []).append(taken)
    if not dry_run:
        sync_folders(taken.digest for same in found.values() for taken in same)
        begin_write()
        if db.session.connection().dialect.name == "postgresql":
            db.session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": PUBLISH_LOCK})
    months = {month for _contract, month in found}
    published = db.session.scalars(select(Notice).where(Notice.period.in_(months)))
    earlier = {(notice.contract_id, notice.period): notice for notice in published}
    for key, same in found.items():
        if len({taken.digest for taken in same}) > 1:
            reason = _("Un autre fichier porte la même référence et le même mois, avec un autre contenu.")
            report.refusals += [Refusal(taken.name, reason) for taken in same]
        else:
            report.unchanged += len(same) - 1
            _set(earlier.get(key), same[0], report, dry_run=dry_run)
    db.session.flush()
    return report


def find_recipient(notice: Notice) -> Account | None:
    """Return the account to write to about the notice (S35), or None.

    Its tenant chose so and pays by direct debit, and its address works.
    """
    contract, account = notice.contract, notice.contract.account
    if account is None or not account.is_finished or account.is_closed or account.email_failed_at is not None:
        return None
    answer = consents.current(account.id, contract.id).get(ConsentPurpose.E_NOTICE)
    is_chosen = answer is not None and answer.answer and contract.is_direct_debit
    return account if is_chosen and contract.is_running(lookup.today()) else None


def notices_of(contract: Contract) -> list[Notice]:
    """Return the notices of a contract, newest first."""
    rows = select(Notice).where(Notice.contract_id == contract.id).order_by(Notice.period.desc())
    return list(db.session.scalars(rows))


def find(account: Account, number: int) -> Notice | None:
    """Return the notice if it belongs to the account."""
    notice = db.session.get(Notice, number)
    return notice if notice is not None and notice.contract.account_id == account.id else None


def _take(file: File, period: date | None, *, keep: bool) -> _Taken:
    """Read a file; with `keep`, store its content."""
    reference, month = archive.parse_name(file.name, period)
    contract, others = lookup.find_for_document(reference)
    if contract is None:
        raise Refused(_no_contract(reference, others, month))
    content = archive.read_pdf(file)  # last, so that a bomb without a tenant's reference costs nothing
    digest = hashlib.sha256(content).hexdigest()
    if keep:
        store(digest, content)
    return _Taken(file.name, contract.id, contract.reference, month, digest, len(content))


def _no_contract(reference: str, others: list[str], month: date) -> str:
    if not others:
        return _("Aucun contrat ne porte la référence « %(value)s ».", value=reference)
    return _(
        "Aucun contrat ne porte exactement la référence « %(value)s », mais il y a « %(others)s » : les zéros du début"
        " comptent. Si c'est ce contrat, nommez le fichier ainsi : %(name)s",
        value=reference,
        others=" », « ".join(others),
        name=f"{others[0]}_{month:%Y-%m}.pdf",
    )


def _set(notice: Notice | None, taken: _Taken, report: Report, *, dry_run: bool) -> None:
    """Add a notice or replace its file."""
    is_correction = notice is not None
    if notice is not None and notice.digest == taken.digest:
        report.unchanged += 1
        return
    if is_correction:
        report.replaced.append((taken.reference, taken.period))
    else:
        report.added += 1
    if dry_run:
        return
    if notice is None:
        notice = Notice(contract_id=taken.contract_id, period=taken.period)
        db.session.add(notice)
    notice.digest, notice.size, notice.published_at = taken.digest, taken.size, utcnow()
    report.published.append(Published(notice, is_correction))
