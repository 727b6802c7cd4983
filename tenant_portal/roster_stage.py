"""Cleaning the rows of a roster and putting them beside the contracts, batch by batch, for the database to compare."""

import re
from collections.abc import Callable, Iterable
from functools import partial
from itertools import compress, islice
from typing import Any

from sqlalchemy import Column, Integer, MetaData, String, Table
from sqlalchemy.engine import Connection

from . import contracts, roster_cells
from .i18n import gettext as _
from .models import Contract
from .roster_file import Roster
from .roster_report import Fault, Report
from .settings import settings

#: Rows that are cleaned and staged at a time: a few megabytes, and long enough that a batch's own cost does not count.
BATCH = 5_000
#: Characters of a value that are kept to show it.
SHOWN_MAX = 80
#: Cleaned values that a column remembers; most columns hold the same few over and over.
REMEMBERED = 4 * BATCH

_contracts = Contract.metadata.tables[Contract.__tablename__]


def tables(columns: Iterable[str]) -> tuple[Table, Table]:
    """Return the temporary tables: rows to take, and the numbers of refused lines, whose contracts are not lacking."""
    names = [*columns, *(["is_direct_debit"] if "payment" in columns else [])]
    metadata = MetaData()
    stage = Table(
        "portal_staged",
        metadata,
        Column("line", Integer, primary_key=True, autoincrement=False),
        *(Column(name, _contracts.c[name].type) for name in names),
        prefixes=["TEMPORARY"],
    )
    present = Table(
        "portal_present",
        metadata,
        Column("reference", String),
        Column("module", String),
        prefixes=["TEMPORARY"],
    )
    return stage, present


def stage_all(
    roster: Roster,
    stage: Table,
    present: Table,
    connection: Connection,
    report: Report,
    progress: Callable[[], None],
) -> int:
    """Clean and stage every row that can be taken, note the others; return how many were staged."""
    cleaners = [_cleaner(name) for name in roster.columns]
    debits = _Cleaner(roster_cells.is_direct_debit)
    payment = roster.columns.index("payment") if "payment" in roster.columns else None
    add_row, add_present = _insert_text(stage, connection), _insert_text(present, connection)
    staged = 0
    rows = iter(roster)
    while batch := list(islice(rows, BATCH)):
        lines, cells, troubles = zip(*batch, strict=True)
        raw = list(zip(*cells, strict=True))
        clean = [cleaner.column(values) for cleaner, values in zip(cleaners, raw, strict=True)]
        if payment is not None:
            clean.append(debits.column(clean[payment]))
        good = _judge(roster, cleaners, lines, raw, troubles, report)
        taken = list(zip(lines, *clean, strict=True))
        if not all(good):
            refused = [(row[1] or "", row[2] or "") for row, is_good in zip(taken, good, strict=True) if not is_good]
            connection.exec_driver_sql(add_present, refused)
            report.refused += len(refused)
            taken = list(compress(taken, good))
        if taken:
            connection.exec_driver_sql(add_row, taken)
        staged += len(taken)
        for cleaner in (*cleaners, debits):
            cleaner.forget()
        progress()
    return staged


def _judge(
    roster: Roster,
    cleaners: "list[_Cleaner]",
    lines: tuple[int, ...],
    raw: list[tuple[str, ...]],
    troubles: tuple[str, ...],
    report: Report,
) -> list[bool]:
    """Tell for each row of a batch whether it can be taken, and note the faults of those that cannot."""
    good = [not trouble for trouble in troubles]
    refusals = [
        Fault(line, "", reference[:SHOWN_MAX], trouble)
        for line, reference, trouble in zip(lines, raw[0], troubles, strict=True)
        if trouble
    ]
    warnings: list[Fault] = []
    readable = list(good)
    for name, cleaner, column in zip(roster.columns, cleaners, raw, strict=True):
        for reasons, noted in ((cleaner.refused, refusals), (cleaner.warned, warnings)):
            if not reasons:
                continue
            for at, value in enumerate(column):
                if value in reasons and readable[at]:
                    noted.append(Fault(lines[at], roster.labels[name], value[:SHOWN_MAX], reasons[value]))
                    good[at] = good[at] and noted is warnings
    of_taken = dict(zip(lines, good, strict=True))
    report.refusals.add(sorted(refusals, key=lambda fault: fault.line))
    report.warnings.add(sorted((w for w in warnings if of_taken[w.line]), key=lambda fault: fault.line))
    return good


def _insert_text(table: Table, connection: Connection) -> str:
    """Return the driver's own statement: it takes rows as they are, with nothing computed for each."""
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    marks = ", ".join([mark] * len(table.columns))
    return f"INSERT INTO {table.name} ({', '.join(table.columns.keys())}) VALUES ({marks})"  # noqa: S608 (our names)


class _Cleaner(dict[str, Any]):
    """What the cells of one column mean, remembered; and which of them are refused or taken with a warning, and why."""

    def __init__(
        self,
        clean: Callable[[str], Any],
        *,
        plain: re.Pattern[str] | None = None,
        longest: int | None = None,
        is_optional: bool = False,
    ) -> None:
        self.clean, self.plain, self.longest, self.is_optional = clean, plain, longest, is_optional
        self.refused: dict[str, str] = {}
        self.warned: dict[str, str] = {}

    def column(self, values: Iterable[str]) -> list[Any]:
        """Return what each of these cells means."""
        if self.plain is not None:  # numbers hardly ever come twice: to remember them would cost more than to look
            is_plain = self.plain.fullmatch
            return [value if is_plain(value) else self[value] for value in values]
        return list(map(self.__getitem__, values))

    def __missing__(self, raw: str) -> Any:
        try:
            value = self.clean(raw)
        except ValueError as trouble:
            (self.warned if self.is_optional else self.refused)[raw] = str(trouble)
            value = ""
        if self.longest is not None and len(value) > self.longest:
            value = value[: self.longest].rstrip()
            self.warned[raw] = _(
                "Ce texte est trop long : seuls ses %(count)s premiers signes sont pris.", count=self.longest
            )
        self[raw] = value
        return value

    def forget(self) -> None:
        """Make room again once many different values were seen."""
        if len(self) > REMEMBERED:
            self.clear()
            self.refused.clear()
            self.warned.clear()


def _cleaner(name: str) -> _Cleaner:
    if name in ("reference", "module"):
        low, high = settings.reference_length if name == "reference" else settings.module_length
        plain = re.compile(rf"[0-9]{{{low},{high}}}")
        return _Cleaner(partial(roster_cells.number, length=(low, high)), plain=plain)
    if name in ("starts_on", "ends_on"):
        return _Cleaner(partial(roster_cells.day, this_year=contracts.today().year))
    if name == "email":
        return _Cleaner(roster_cells.address, is_optional=True)
    return _Cleaner(roster_cells.text, longest=_contracts.c[name].type.length)  # type: ignore[attr-defined]
