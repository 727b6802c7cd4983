"""Cleaning the rows of a roster and putting them beside the contracts, batch by batch, for the database to compare."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Column, Integer, MetaData, String, Table
from sqlalchemy.engine import Connection

from ..contracts import lookup
from ..i18n import gettext as _
from ..models import Contract
from ..settings import settings
from ..text import words_of
from . import columns
from .csv_reader import Batch, Roster
from .report import Fault, Report

#: Characters of a value that are kept to show it.
SHOWN_MAX = 80
#: Cleaned values that a column remembers, such as every day of seventy years; most columns hold the same few.
REMEMBERED = 25_000
#: Names that are remembered until their words are staged: more than most landlords have.
NAMES_MAX = 100_000

_contracts = Contract.metadata.tables[Contract.__tablename__]
#: What stands for «nothing» on its way to PostgreSQL: a sign that no cleaned cell holds.
_NULL = "\x01"


class Stage:
    """The temporary tables of an import: what the database compares with the contracts."""

    def __init__(self, columns: Sequence[str], connection: Connection) -> None:
        self.connection = connection
        self.names = [*columns, *(["is_direct_debit"] if "payment" in columns else [])]
        metadata = MetaData()
        #: The rows that can be taken.
        self.rows = Table(
            "portal_staged",
            metadata,
            Column("line", Integer, primary_key=True, autoincrement=False),
            *(Column(name, _contracts.c[name].type) for name in self.names),
            prefixes=["TEMPORARY"],
        )
        #: The numbers of the lines that are refused, whose contracts are not lacking; one of the two may be empty.
        self.refused_numbers = Table(
            "portal_present",
            metadata,
            Column("reference", String),
            Column("module", String),
            prefixes=["TEMPORARY"],
        )
        #: The words of the names on the staged rows, for the search.
        self.words = Table(
            "portal_staged_words",
            metadata,
            Column("word", String),
            Column("name", String),
            prefixes=["TEMPORARY"],
        )
        self._names = set[str]()
        metadata.create_all(connection, checkfirst=False)
        self.drop = partial(metadata.drop_all, connection, checkfirst=False)

    def note_names(self, columns: Sequence[Sequence[str]]) -> None:
        """Remember the names in these columns; many rows bear the same few."""
        self._names.update(*columns)
        if len(self._names) > NAMES_MAX:
            self.add_words()

    def add_words(self) -> None:
        """Stage the words of the names that were remembered."""
        pairs = [(word, name) for name in self._names for word in words_of(name)]
        self._names.clear()
        if pairs:
            self.add(self.words, list(zip(*pairs, strict=True)))

    def add(self, table: Table, columns: Sequence[Sequence[Any]]) -> None:
        """Add rows, given column by column, by the driver's own means: nothing is computed for each."""
        names = ", ".join(table.columns.keys())
        dialect = self.connection.dialect
        if dialect.driver == "psycopg":
            texts = [
                values
                if isinstance(column.type, String)
                else [_NULL if value is None else str(value) for value in values]
                for column, values in zip(table.columns, columns, strict=True)
            ]
            lines = "\n".join(map("\t".join, zip(*texts, strict=True)))
            driver: Any = self.connection.connection.driver_connection
            with (
                driver.cursor() as cursor,
                cursor.copy(f"COPY {table.name} ({names}) FROM STDIN (NULL '{_NULL}')") as copy,
            ):
                copy.write(lines.replace("\\", "\\\\") + "\n")
        else:
            mark = "?" if dialect.paramstyle == "qmark" else "%s"
            marks = ", ".join([mark] * len(columns))
            statement = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608 (our names)
            self.connection.exec_driver_sql(statement, list(zip(*columns, strict=True)))


def stage_all(roster: Roster, stage: Stage, report: Report, progress: Callable[[], None]) -> int:
    """Clean and stage each row that can be taken, note the others; return how many were staged."""
    cleaners = {name: _cleaner(name) for name in roster.columns}
    debits = Cleaner(lambda payment: str(int(columns.is_direct_debit(payment))))
    names = [at for at, name in enumerate(roster.columns) if name in ("last_name", "first_name")]
    staged = 0
    for rows in roster.batches:
        clean = [cleaner.column(values) for cleaner, values in zip(cleaners.values(), rows.columns, strict=True)]
        if "payment" in cleaners:
            clean.append(debits.column(clean[roster.columns.index("payment")]))
        taken = _good_ones(rows, Batch(rows.lines, clean, rows.troubles), roster, stage, cleaners, report)
        if taken.lines:
            stage.add(stage.rows, [taken.lines, *taken.columns])
            stage.note_names([taken.columns[at] for at in names])
            staged += len(taken.lines)
        for cleaner in (*cleaners.values(), debits):
            cleaner.forget()
        progress()
    stage.add_words()
    return staged


def _good_ones(
    rows: Batch,
    taken: Batch,
    roster: Roster,
    stage: Stage,
    cleaners: "dict[str, Cleaner]",
    report: Report,
) -> Batch:
    """Return the cleaned rows that can be taken; note the faults of the others, and their numbers."""
    if not any(rows.troubles) and not any(cleaner.refused or cleaner.warned for cleaner in cleaners.values()):
        return taken
    good = _judge(roster, cleaners, rows, report)
    if all(good):
        return taken
    refused = taken.only([not is_good for is_good in good])
    named = [numbers for numbers in zip(*refused.columns[:2], strict=True) if any(numbers)]
    if named:
        stage.add(stage.refused_numbers, list(zip(*named, strict=True)))
    report.refused += len(refused.lines)
    report.nameless += len(refused.lines) - len(named)
    return taken.only(good)


def _judge(roster: Roster, cleaners: "dict[str, Cleaner]", batch: Batch, report: Report) -> list[bool]:
    """Tell for each row of a batch whether it can be taken, and note the faults of those that cannot."""
    lines = batch.lines
    good = [not trouble for trouble in batch.troubles]
    refusals = [
        Fault(line, "", reference[:SHOWN_MAX], trouble)
        for line, reference, trouble in zip(lines, batch.columns[0], batch.troubles, strict=True)
        if trouble
    ]
    warnings: list[Fault] = []
    readable = list(good)
    for (name, cleaner), column in zip(cleaners.items(), batch.columns, strict=True):
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


class Cleaner(dict[str, Any]):
    """What the cells of one column mean, remembered; and which of them are refused or taken with a warning, and why."""

    def __init__(
        self,
        clean: Callable[[str], Any],
        *,
        are_clean: Callable[[Sequence[str]], bool] = lambda values: False,
        longest: int | None = None,
        is_optional: bool = False,
    ) -> None:
        self.clean, self.are_clean, self.longest, self.is_optional = clean, are_clean, longest, is_optional
        self.refused: dict[str, str] = {}
        self.warned: dict[str, str] = {}

    def column(self, values: Sequence[str]) -> Sequence[Any]:
        """Return what each of these cells means: themselves, where one look at them all shows that they are clean."""
        return values if self.are_clean(values) else list(map(self.__getitem__, values))

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


def _cleaner(name: str) -> Cleaner:
    if name in ("reference", "module"):
        length = settings.reference_length if name == "reference" else settings.module_length
        return Cleaner(partial(columns.number, length=length), are_clean=partial(columns.are_numbers, length=length))
    if name in ("starts_on", "ends_on"):
        return Cleaner(partial(columns.day, this_year=lookup.today().year))
    if name == "email":
        return Cleaner(columns.address, are_clean=columns.are_addresses, is_optional=True)
    longest: int = _contracts.c[name].type.length  # type: ignore[attr-defined]
    if name in ("last_name", "first_name", "street"):  # hardly ever the same: to remember them would cost more
        return Cleaner(columns.text, are_clean=partial(columns.are_texts, longest=longest), longest=longest)
    return Cleaner(columns.text, longest=longest)
