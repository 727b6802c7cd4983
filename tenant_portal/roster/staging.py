"""Clean the rows of a roster and stage them in temporary tables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import Boolean, Column, Integer, Join, MetaData, Select, String, Table, insert, update
from sqlalchemy.engine import Connection

from ..contracts import lookup
from ..i18n import gettext as _
from ..models import Contract
from ..settings import settings
from ..text import beginnings_of, street_name
from . import columns, words
from .csv_reader import Batch, Roster
from .report import Fault, Report

#: Longest value shown in a fault.
SHOWN_MAX = 80
#: Values that a column remembers, such as the days of seventy years.
REMEMBERED = 25_000
#: What each tenant of a contract has for himself.
OWN = ("title", "last_name", "first_name", "email")
#: Joined lines that are staged at a time.
JOINED_AT_ONCE = 1_000
#: Values remembered before their words are staged.
VALUES_MAX = 100_000
#: What the search finds by its words.
SOUGHT = {"last_name", "first_name", "street", "city"}

_contracts = Contract.metadata.tables[Contract.__tablename__]
#: NULL in a COPY to PostgreSQL. No cleaned cell contains it.
_NULL = "\x01"


class Stage:
    """The temporary tables of one import."""

    def __init__(self, columns: Sequence[str], connection: Connection) -> None:
        self.connection = connection
        self.names = list(dict.fromkeys([*columns, *(["is_direct_debit"] if "payment" in columns else [])]))
        line = Column("line", Integer, primary_key=True, autoincrement=False)
        metadata = MetaData()
        table = partial(Table, prefixes=["TEMPORARY"])
        #: The rows that can be taken.
        self.rows = table(
            "portal_staged", metadata, line, *(Column(name, _contracts.c[name].type) for name in self.names)
        )
        #: References of refused rows, whose contracts stay.
        self.refused_references = table("portal_refused_references", metadata, Column("reference", String))
        #: Modules of refused rows without readable reference.
        self.refused_modules = table("portal_refused_modules", metadata, Column("module", String))
        #: Words of names, streets and cities, for the search.
        self.words = table("portal_staged_words", metadata, Column("word", String), Column("value", String))
        #: References on several lines, and whether these differ in a column.
        self.groups = table(
            "portal_staged_groups",
            metadata,
            Column("reference", String, primary_key=True),
            Column("first_line", Integer),
            Column("last_line", Integer),
            *(Column(f"{name}_differs", Boolean) for name in columns),
            Column("has_first_names", Boolean),
        )
        #: Lines that speak for all tenants of their contract, with what these have for themselves.
        self.joined = table(
            "portal_staged_joined", metadata, line._copy(), *(Column(n, String) for n in OWN if n in self.names)
        )
        #: The lines that change something, each with its contract unless that is new.
        self.changes = table("portal_staged_changes", metadata, line._copy(), Column("contract_id", Integer))
        #: Numbers on file whose reference begins with a zero, and both without their leading zeros.
        self.zeros = table(
            "portal_staged_zeros",
            metadata,
            Column("reference", String),
            Column("bare", String, index=True),
            Column("module", String),
        )
        #: References on file that differ from those of lines by leading zeros.
        self.twins = table("portal_staged_twins", metadata, Column("line", Integer), Column("reference", String))
        self._values = set[str]()
        metadata.create_all(connection, checkfirst=False)
        self.drop = partial(metadata.drop_all, connection, checkfirst=False)

    @property
    def changed_rows(self) -> Join:
        """Return the rows that change something; the few lines come first, as SQLite begins with them."""
        return self.changes.join(self.rows, self.rows.c.line == self.changes.c.line)

    def add_values(self, columns: Mapping[str, Sequence[str]]) -> None:
        """Remember what is sought by its words, so that each value is split into words once."""
        for name in SOUGHT & columns.keys():
            self._values.update(map(street_name, columns[name]) if name == "street" else columns[name])
        if len(self._values) > VALUES_MAX:
            self.add_words()

    def add_words(self) -> None:
        """Stage the words of the remembered values."""
        pairs = [(word, value) for value in self._values for word in beginnings_of(value)]
        self._values.clear()
        self.add(self.words, word=[word for word, _value in pairs], value=[value for _word, value in pairs])

    def refuse(self, references: Select[Any]) -> None:
        """Keep the contracts of these references."""
        self.connection.execute(insert(self.refused_references).from_select(["reference"], references))

    def add_joined(self, lines: Iterator[Mapping[str, Any]]) -> None:
        """Stage what lines will say of all tenants of their contract."""
        names = [column.name for column in self.joined.c]
        while some := list(islice(lines, JOINED_AT_ONCE)):
            said = {name: [one[name] for one in some] for name in names}
            self.add(self.joined, **said)
            self.add_values(said)
        self.add_words()

    def join(self) -> None:
        """Let these lines say it."""
        said = {name: self.joined.c[name] for name in OWN if name in self.joined.c}
        if said:
            self.connection.execute(update(self.rows).where(self.rows.c.line == self.joined.c.line).values(said))

    def add(self, table: Table, **columns: Sequence[Any]) -> None:
        """Insert rows, given as columns, through the driver: SQLAlchemy would process each value."""
        if not any(columns.values()):
            return
        dialect, names = self.connection.dialect, ", ".join(columns)
        if dialect.driver == "psycopg":
            texts = [
                values
                if isinstance(table.c[name].type, String)
                else [_NULL if value is None else str(value) for value in values]
                for name, values in columns.items()
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
            self.connection.exec_driver_sql(statement, list(zip(*columns.values(), strict=True)))


def stage_all(roster: Roster, stage: Stage, report: Report, progress: Callable[[], None]) -> int:
    """Stage the rows that can be taken, report the faults; return how many are staged."""
    cleaners = {name: _cleaner(name) for name in roster.columns}
    payments = Payments() if "is_direct_debit" in stage.names else None
    staged = 0
    for batch in roster.batches:
        clean = {name: cleaner.column(batch.columns[name]) for name, cleaner in cleaners.items()}
        verdict = Verdict(batch, roster.titles.labels)
        for name, cleaner in cleaners.items():
            verdict.of_cells(name, cleaner)
            report.emptied.note(cleaner.emptied_in(batch.columns[name]))
        if "starts_on" in clean and "ends_on" in clean:
            verdict.of_days(clean["starts_on"], clean["ends_on"])
        if payments:
            clean["is_direct_debit"] = payments.judge(clean, verdict, report)
        taken = _without_refused(batch._replace(columns=clean), verdict, stage, report)
        stage.add(stage.rows, line=taken.lines, **taken.columns)
        stage.add_values(taken.columns)
        staged += len(taken.lines)
        for cleaner in cleaners.values():
            cleaner.forget()
        progress()
    stage.add_words()
    return staged


def _without_refused(cleaned: Batch, verdict: "Verdict", stage: Stage, report: Report) -> Batch:
    """Report the faults, stage the numbers of the refused rows, and return the others."""
    if not verdict.refusals and not verdict.warnings:
        return cleaned
    bad = {fault.line for fault in verdict.refusals}
    report.refusals.add(sorted(verdict.refusals, key=lambda fault: fault.line))
    report.warnings.add(sorted((w for w in verdict.warnings if w.line not in bad), key=lambda fault: fault.line))
    refused = cleaned.where([line in bad for line in cleaned.lines])
    numbers = list(zip(refused.columns["reference"], refused.columns["module"], strict=True))
    references = [reference for reference, _module in numbers if reference]
    modules = [module for reference, module in numbers if module and not reference]
    stage.add(stage.refused_references, reference=references)
    stage.add(stage.refused_modules, module=modules)
    report.refused += len(numbers)
    report.nameless += len(numbers) - len(references) - len(modules)
    return cleaned.where([line not in bad for line in cleaned.lines]) if bad else cleaned


class Verdict:
    """What is wrong with the rows of a batch. A row that cannot be read has no other fault."""

    def __init__(self, batch: Batch, labels: Mapping[str, str]) -> None:
        self.batch, self.labels = batch, labels
        rows = zip(batch.lines, batch.columns["reference"], batch.troubles, strict=True) if any(batch.troubles) else ()
        self.refusals = [
            Fault(line, "", reference[:SHOWN_MAX], trouble) for line, reference, trouble in rows if trouble
        ]
        self.warnings: list[Fault] = []

    def fault(self, at: int, name: str, reason: str) -> Fault:
        """Return a fault of a cell."""
        return Fault(self.batch.lines[at], self.labels[name], self.batch.columns[name][at][:SHOWN_MAX], reason)

    def of_cells(self, name: str, cleaner: "Cleaner") -> None:
        """Add what a cleaner found in its column."""
        for reasons, faults in ((cleaner.refused, self.refusals), (cleaner.warned, self.warnings)):
            if reasons:
                faults += [
                    self.fault(at, name, reasons[value])
                    for at, value in enumerate(self.batch.columns[name])
                    if value in reasons and not self.batch.troubles[at]
                ]

    def of_days(self, starts: Sequence[str | None], ends: Sequence[str | None]) -> None:
        """Put years of two digits right, in place, and refuse an end before the beginning."""
        for at, (start, end) in enumerate(zip(starts, ends, strict=True)):
            if start and end and end < start and not self.batch.troubles[at]:
                raw = self.batch.columns["starts_on"][at], self.batch.columns["ends_on"][at]
                try:
                    starts[at], ends[at] = columns.in_order(start, end, *raw)  # type: ignore[index]
                except ValueError as trouble:
                    self.refusals.append(self.fault(at, "ends_on", str(trouble)))


class Cleaner(dict[str, Any]):
    """Cleans the cells of a column and remembers values, refusals and warnings."""

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
        #: Words for nothing.
        self.emptied = set[str]()

    def column(self, values: Sequence[str]) -> Sequence[Any]:
        """Return the clean values of these cells."""
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
                "Ce texte est trop long : seuls ses %(count)s premiers caractères sont pris.", count=self.longest
            )
        if not value and raw not in self.refused and raw not in self.warned and raw.strip():
            self.emptied.add(raw)
        self[raw] = value
        return value

    def emptied_in(self, values: Sequence[str]) -> list[str]:
        """Return the words for nothing among these cells."""
        return [columns.text(value) for value in values if value in self.emptied] if self.emptied else []

    def forget(self) -> None:
        """Forget all values once they are too many."""
        if len(self) > REMEMBERED:
            self.clear()
            self.refused.clear()
            self.warned.clear()
            self.emptied.clear()


def _cleaner(name: str) -> Cleaner:
    if name in ("reference", "module"):
        length = settings.reference_length if name == "reference" else settings.module_length
        return Cleaner(partial(columns.number, length=length), are_clean=partial(columns.are_numbers, length=length))
    if name in ("starts_on", "ends_on"):
        return Cleaner(partial(columns.day, this_year=lookup.today().year, zone=settings.timezone))
    if name == "email":
        return Cleaner(columns.address, are_clean=columns.are_addresses, is_optional=True)
    is_name = name in ("last_name", "first_name")
    nothing = words.nothing(is_name=is_name)
    clean = partial(columns.text, nothing=nothing)
    longest: int | None = getattr(_contracts.c[name].type, "length", None)
    if longest and (is_name or name == "street"):  # values seldom repeat
        are_clean = partial(columns.are_texts, longest=longest, nothing=nothing)
        return Cleaner(clean, are_clean=are_clean, longest=longest)
    return Cleaner(clean, longest=longest)


class Payments:
    """Tells who is on direct debit, by one column or two."""

    def __init__(self) -> None:
        own = words.own_words(settings.direct_debit_words, settings.other_payment_words)
        self.ways = Cleaner(partial(words.is_direct_debit, own=own))
        self.answers = Cleaner(partial(words.truth, own=own))

    def judge(self, clean: Mapping[str, Sequence[str]], verdict: Verdict, report: Report) -> list[bool]:
        """Return who is on direct debit; count the unknown words, and report two columns that contradict each other."""
        ways, answers = clean.get("payment"), clean.get("is_direct_debit")
        told = self._told(self.ways, ways, report) if ways is not None else []
        said = self._told(self.answers, answers, report) if answers is not None else []
        if ways is None or answers is None:
            return [bool(one) for one in told or said]
        for at, (way, is_told, is_said) in enumerate(zip(ways, told, said, strict=True)):
            if way and is_told is not None and is_said is not None and is_told != is_said:
                reason = _(
                    "« %(way)s » (%(column)s) dit le contraire. « %(answer)s » compte : vérifiez.",
                    way=way[:SHOWN_MAX],
                    column=verdict.labels["payment"],
                    answer=answers[at],
                )
                verdict.warnings.append(verdict.fault(at, "is_direct_debit", reason))
        return [bool(is_told if is_said is None else is_said) for is_told, is_said in zip(told, said, strict=True)]

    def _told(self, cleaner: Cleaner, cells: Sequence[str], report: Report) -> Sequence[bool | None]:
        cleaner.forget()
        told = cleaner.column(cells)
        if None in told:
            report.unknown_payments.note(c for c, one in zip(cells, told, strict=True) if one is None and c)
        return told
