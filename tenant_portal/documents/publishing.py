"""Rent notices: taken from files into the data folder, one for each contract and month, found for their tenant."""

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

#: Names the lock that makes a second publication on PostgreSQL wait for the first: « notice » in ASCII.
PUBLISH_LOCK = 0x6E6F74696365


class Refusal(NamedTuple):
    """A file that was not taken, and why."""

    name: str
    reason: str


@dataclass
class Report:
    """What a publication did: each file is added, replaced, unchanged or refused."""

    added: int = 0
    unchanged: int = 0
    #: Reference and month of each notice that another file stood for before.
    replaced: list[tuple[str, date]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    #: The rows that are new or changed, with whether they correct an earlier file; empty after a dry run.
    published: list[tuple[Notice, bool]] = field(default_factory=list)

    @property
    def is_without_effect(self) -> bool:
        """Tell whether every notice stands as it stood before."""
        return not (self.added or self.replaced)


class _Taken(NamedTuple):
    """A file whose name and content are those of a notice."""

    name: str
    reference: str
    digest: str
    size: int


def publish(files: Iterable[File], *, period: date | None = None, dry_run: bool = False) -> Report:
    """Bring the notices to what the files say, in one write that the caller commits.

    Files are read and kept before the write begins, so that tenants' pages wait for nothing; a crash leaves files that
    no row names, never a row without its file. Of two files that differ for one contract and month none is guessed.
    """
    report = Report()
    found: dict[tuple[int, date], list[_Taken]] = {}
    for file in files:
        try:
            key, taken = _take(file, period, keep=not dry_run)
        except Refused as trouble:
            report.refusals.append(Refusal(file.name, str(trouble)))
        else:
            found.setdefault(key, []).append(taken)
    if not dry_run:
        sync_folders(taken.digest for same in found.values() for taken in same)
        begin_write()
        if db.session.connection().dialect.name == "postgresql":
            db.session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": PUBLISH_LOCK})
    months = {month for _contract, month in found}
    standing = {
        (n.contract_id, n.period): n for n in db.session.scalars(select(Notice).where(Notice.period.in_(months)))
    }
    for key, same in found.items():
        if len({taken.digest for taken in same}) > 1:
            reason = _("Un autre fichier porte la même référence et le même mois, avec un autre contenu.")
            report.refusals += [Refusal(taken.name, reason) for taken in same]
        else:
            report.unchanged += len(same) - 1
            _set(standing.get(key), key, same[0], report, dry_run=dry_run)
    db.session.flush()
    return report


def reader_of(notice: Notice) -> Account | None:
    """Return the account that hears of its notices by mail: chosen so, in direct debit, and its address works (S35)."""
    contract, account = notice.contract, notice.contract.account
    if account is None or not account.is_finished or account.is_closed or account.email_failed_at is not None:
        return None
    answer = consents.current(account.id, contract.id).get(ConsentPurpose.E_NOTICE)
    is_chosen = answer is not None and answer.answer and contract.is_direct_debit
    return account if is_chosen and contract.is_running(lookup.today()) else None


def of(contract: Contract) -> list[Notice]:
    """Return the notices of a contract, the newest month first."""
    rows = select(Notice).where(Notice.contract_id == contract.id).order_by(Notice.period.desc())
    return list(db.session.scalars(rows))


def find(account: Account, number: int) -> Notice | None:
    """Return the notice with that number if it belongs to a contract of the account."""
    notice = db.session.get(Notice, number)
    return notice if notice is not None and notice.contract.account_id == account.id else None


def _take(file: File, period: date | None, *, keep: bool) -> tuple[tuple[int, date], _Taken]:
    """Return contract and month of a file, and what it is; its content is in the data folder then."""
    reference, month = archive.reading_of(file.name, period)
    contract, others = lookup.of_document(reference)
    if contract is None:
        raise Refused(_no_contract(reference, others, month))
    content = archive.content_of(file)  # last, so that a bomb costs nothing unless it bears a tenant's name
    digest = hashlib.sha256(content).hexdigest()
    if keep:
        store(digest, content)
    return (contract.id, month), _Taken(file.name, contract.reference, digest, len(content))


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


def _set(notice: Notice | None, key: tuple[int, date], taken: _Taken, report: Report, *, dry_run: bool) -> None:
    is_correction = notice is not None
    if notice is not None and notice.digest == taken.digest:
        report.unchanged += 1
        return
    if is_correction:
        report.replaced.append((taken.reference, key[1]))
    else:
        report.added += 1
    if dry_run:
        return
    if notice is None:
        notice = Notice(contract_id=key[0], period=key[1])
        db.session.add(notice)
    notice.digest, notice.size, notice.published_at = taken.digest, taken.size, utcnow()
    report.published.append((notice, is_correction))
