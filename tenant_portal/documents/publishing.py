"""Publish documents: of each kind one a contract and month."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any, NamedTuple, TypeVar, cast

from sqlalchemy import Table, bindparam, insert, select, text, update

from ..contracts import lookup
from ..db import begin_write, db, utcnow
from ..i18n import gettext as _
from ..models import Account, Contract, Document, DocumentKind
from . import archive, delivery, kinds, names
from .archive import File, Refused
from .names import Name
from .owners import no_contract, owner_of
from .storage import is_there, storing

_columns = cast(Table, Document.__table__).c
_contracts = cast(Table, Contract.__table__).c
#: Without objects: a month has as many documents as contracts.
_INSERT = insert(cast(Table, Document.__table__)).returning(_columns.id, sort_by_parameter_order=True)
_UPDATE = (
    update(cast(Table, Document.__table__))
    .where(_columns.id == bindparam("number"))
    .values({name: bindparam(name) for name in ("digest", "size", "published_at", "opened_at")})
)

Item = TypeVar("Item")
Store = Callable[[str, bytes], None]

#: Makes a second publication, or a purge, on PostgreSQL wait: « notice » in ASCII.
PUBLISH_LOCK = 0x6E6F74696365


class Refusal(NamedTuple):
    """A file that was not taken."""

    name: str
    reason: str


class Published(NamedTuple):
    """A document that is new, or that corrects an earlier file."""

    id: int
    kind: DocumentKind
    contract_id: int
    period: date
    is_correction: bool


@dataclass
class Report:
    """What a publication did with each file."""

    added: int = 0
    unchanged: int = 0
    #: Reference and month of corrected documents.
    replaced: list[tuple[str, date]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    #: Empty after a dry run.
    published: list[Published] = field(default_factory=list)

    @property
    def is_without_effect(self) -> bool:
        """Tell whether no document changed."""
        return not (self.added or self.replaced)


class _Taken(NamedTuple):
    """A file that is a document."""

    file: File
    kind: DocumentKind
    contract_id: int
    reference: str
    period: date
    digest: str
    size: int

    @property
    def key(self) -> tuple[int, date]:
        """There is one notice for each."""
        return self.contract_id, self.period


def publish(
    files: Iterable[File],
    *,
    kind: DocumentKind = DocumentKind.NOTICE,
    source: str = "",
    period: date | None = None,
    dry_run: bool = False,
) -> Report:
    """Publish files as documents of a kind; the caller commits. `source` is the name of their folder or ZIP.

    Files are stored before the write starts, so that pages do not wait. A crash may leave unused files, never
    a row without a file. Once no purge can erase any more, what it took until then is refused or stored again. If two
    files for one contract and month differ, both are refused.
    """
    report = Report()
    found: dict[tuple[int, date], list[_Taken]] = {}
    with nullcontext(None) if dry_run else storing() as store:
        for batch in _batches(files):
            for taken in _take(batch, kind, source, period, store, report):
                found.setdefault(taken.key, []).append(taken)
    if not dry_run:
        begin_write()
        exclude_others()
    agreed = []
    for same in found.values():
        if len({taken.digest for taken in same}) > 1:
            reason = _("Un autre fichier porte la même référence et le même mois, avec un autre contenu.")
            report.refusals += [Refusal(taken.file.name, reason) for taken in same]
        else:
            report.unchanged += len(same) - 1
            agreed.append(same[0])
    with nullcontext(None) if dry_run else storing() as store:
        for some in _batches(agreed):
            _set(list(_still_fit(some, store, report)), kind, report, dry_run=dry_run)
    return report


def exclude_others() -> None:
    """Make others wait who publish or erase documents, until this transaction ends; on SQLite they do."""
    if db.session.connection().dialect.name == "postgresql":
        db.session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": PUBLISH_LOCK})


def contracts_of(published: Iterable[Published]) -> Iterator[tuple[Published, Contract, Account | None]]:
    """Yield each document with its contract and the account to write to (S35, L12), or None for paper."""
    for batch in _batches(published):
        contracts = lookup.with_accounts({one.contract_id for one in batch})
        papers = {month: delivery.ways(contracts, month) for month in {one.period for one in batch}}
        for one in batch:
            contract = contracts[one.contract_id]
            yield one, contract, contract.account if papers[one.period][contract.id] is None else None


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield so many items as one statement asks for."""
    waiting = iter(items)
    while batch := list(islice(waiting, lookup.BATCH)):
        yield batch


def _take(
    batch: list[File], kind: DocumentKind, source: str, period: date | None, store: Store | None, report: Report
) -> Iterator[_Taken]:
    """Read files, and store their contents; report those that are no documents of this kind."""
    today = lookup.today()
    read: dict[str, Name | Refused] = {}
    for file in batch:
        try:
            kinds.refuse_other(kind, f"{source}/{file.name}")
            read[file.name] = names.read(file.name, period, today)
        except Refused as trouble:
            read[file.name] = trouble
    numbers = {one.number for name in read.values() if isinstance(name, Name) for one in name.readings}
    on_file = lookup.numbered(numbers)
    for file in batch:
        try:
            name = read[file.name]
            if isinstance(name, Refused):
                raise name
            contract, month = owner_of(name, on_file)
            content = archive.read_pdf(file)  # last, so that a bomb without a tenant's reference costs nothing
        except Refused as trouble:
            report.refusals.append(Refusal(file.name, str(trouble)))
        else:
            digest = hashlib.sha256(content).hexdigest()
            if store is not None:
                store(digest, content)
            yield _Taken(file, kind, contract.id, contract.reference, month, digest, len(content))


def _still_fit(batch: list[_Taken], store: Store | None, report: Report) -> Iterator[_Taken]:
    """Yield what a purge has left a contract, and store again the files that it took; refuse the others.

    The number of an erased contract may be another's by now: its reference tells.
    """
    rows = select(_contracts.id, _contracts.reference).where(_contracts.id.in_({taken.contract_id for taken in batch}))
    on_file = {(number, reference) for number, reference in db.session.execute(rows)}
    for taken in batch:
        try:
            if (taken.contract_id, taken.reference) not in on_file:
                raise Refused(no_contract([taken.reference]))
            if store is not None and not is_there(taken.digest):
                store(taken.digest, _read_again(taken))
        except Refused as trouble:
            report.refusals.append(Refusal(taken.file.name, str(trouble)))
        else:
            yield taken


def _read_again(taken: _Taken) -> bytes:
    content = archive.read_pdf(taken.file)
    if hashlib.sha256(content).hexdigest() != taken.digest:
        raise Refused(_("Le fichier a changé pendant la publication. Publiez-le encore une fois."))
    return content


def _set(batch: list[_Taken], kind: DocumentKind, report: Report, *, dry_run: bool) -> None:
    """Add documents of one kind, or replace their files."""
    rows = select(_columns.contract_id, _columns.period, _columns.id, _columns.digest).where(
        _columns.contract_id.in_({taken.contract_id for taken in batch}),
        _columns.period.in_({taken.period for taken in batch}),
        _columns.kind == kind,
    )
    earlier = {
        (contract_id, month): (number, digest) for contract_id, month, number, digest in db.session.execute(rows)
    }
    added = [taken for taken in batch if taken.key not in earlier]
    replaced = [taken for taken in batch if taken.key in earlier and earlier[taken.key][1] != taken.digest]
    report.added += len(added)
    report.replaced += [(taken.reference, taken.period) for taken in replaced]
    report.unchanged += len(batch) - len(added) - len(replaced)
    if dry_run:
        return
    now = utcnow()
    if added:
        new = [{"contract_id": t.contract_id, "kind": t.kind, "period": t.period, **_file(t, now)} for t in added]
        numbers = db.session.scalars(_INSERT, new)
        report.published += [
            Published(n, taken.kind, *taken.key, is_correction=False) for n, taken in zip(numbers, added, strict=True)
        ]
    if replaced:
        changed = [(earlier[taken.key][0], taken) for taken in replaced]
        db.session.connection().execute(_UPDATE, [{"number": number, **_file(t, now)} for number, t in changed])
        report.published += [Published(number, taken.kind, *taken.key, is_correction=True) for number, taken in changed]


def _file(taken: _Taken, now: datetime) -> dict[str, Any]:
    return {"digest": taken.digest, "size": taken.size, "published_at": now, "opened_at": None}
