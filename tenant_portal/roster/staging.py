"""Clean the rows of a roster and stage them in temporary tables."""

from collections.abc import Callable, Mapping, Sequence
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

#: Longest value shown in a fault.
SHOWN_MAX = 80
#: Values that a column remembers, such as the days of seventy years.
REMEMBERED = 25_000
#: Names remembered before their words are staged.
NAMES_MAX = 100_000

_contracts = Contract.metadata.tables[Contract.__tablename__]
#: NULL in a COPY to PostgreSQL. No cleaned cell contains it.
_NULL = "\x01"


class Stage:
    """The temporary tables of one import."""

    def __init__(self, columns: Sequence[str], connection: Connection) -> None:
        self.connection = connection
        self.names = [*columns, *(["is_direct_debit"] if "payment" in columns else [])]
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
        #: Words of the names, for the search.
        self.words = table("portal_staged_words", metadata, Column("word", String), Column("name", String))
        self._names = set[str]()
        metadata.create_all(connection, checkfirst=False)
        self.drop = partial(metadata.drop_all, connection, checkfirst=False)

    def add_names(self, names: Sequence[str]) -> None:
        """Remember names, so that each is split into words once."""
        self._names.update(names)
        if len(self._names) > NAMES_MAX:
            self.add_words()

    def add_words(self) -> None:
        """Stage the words of the remembered names."""
        pairs = [(word, name) for name in self._names for word in words_of(name)]
        self._names.clear()
        self.add(self.words, word=[word for word, _name in pairs], name=[name for _word, name in pairs])

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
    debits = Cleaner(lambda payment: str(int(columns.is_direct_debit(payment))))
    staged = 0
    for batch in roster.batches:
        clean = {name: cleaner.column(batch.columns[name]) for name, cleaner in cleaners.items()}
        if "payment" in clean:
            clean["is_direct_debit"] = debits.column(clean["payment"])
        taken = _without_refused(batch, clean, roster, stage, cleaners, report)
        stage.add(stage.rows, line=taken.lines, **taken.columns)
        for name in {"last_name", "first_name"} & taken.columns.keys():
            stage.add_names(taken.columns[name])
        staged += len(taken.lines)
        for cleaner in (*cleaners.values(), debits):
            cleaner.forget()
        progress()
    stage.add_words()
    return staged


def _without_refused(
    batch: Batch,
    clean: Mapping[str, Sequence[Any]],
    roster: Roster,
    stage: Stage,
    cleaners: "dict[str, Cleaner]",
    report: Report,
) -> Batch:
    """Return the cleaned rows that can be taken; stage the numbers of the others."""
    cleaned = batch._replace(columns=clean)
    if not any(batch.troubles) and not any(cleaner.refused or cleaner.warned for cleaner in cleaners.values()):
        return cleaned
    good = _judge(roster, cleaners, batch, report)
    if all(good):
        return cleaned
    refused = cleaned.where([not is_good for is_good in good])
    numbers = list(zip(refused.columns["reference"], refused.columns["module"], strict=True))
    references = [reference for reference, _module in numbers if reference]
    modules = [module for reference, module in numbers if module and not reference]
    stage.add(stage.refused_references, reference=references)
    stage.add(stage.refused_modules, module=modules)
    report.refused += len(numbers)
    report.nameless += len(numbers) - len(references) - len(modules)
    return cleaned.where(good)


def _judge(roster: Roster, cleaners: "dict[str, Cleaner]", batch: Batch, report: Report) -> list[bool]:
    """Tell which rows can be taken, and report all faults."""
    lines = batch.lines
    good = [not trouble for trouble in batch.troubles]
    refusals = [
        Fault(line, "", reference[:SHOWN_MAX], trouble)
        for line, reference, trouble in zip(lines, batch.columns["reference"], batch.troubles, strict=True)
        if trouble
    ]
    warnings: list[Fault] = []
    readable = list(good)
    for name, cleaner in cleaners.items():
        for reasons, faults in ((cleaner.refused, refusals), (cleaner.warned, warnings)):
            if not reasons:
                continue
            for at, value in enumerate(batch.columns[name]):
                if value in reasons and readable[at]:
                    faults.append(Fault(lines[at], roster.labels[name], value[:SHOWN_MAX], reasons[value]))
                    good[at] = good[at] and faults is warnings
    is_taken = dict(zip(lines, good, strict=True))
    report.refusals.add(sorted(refusals, key=lambda fault: fault.line))
    report.warnings.add(sorted((w for w in warnings if is_taken[w.line]), key=lambda fault: fault.line))
    return good


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
                "Ce texte est trop long : seuls ses %(count)s premiers signes sont pris.", count=self.longest
            )
        self[raw] = value
        return value

    def forget(self) -> None:
        """Forget all values once they are too many."""
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
    if name in ("last_name", "first_name", "street"):  # values seldom repeat
        return Cleaner(columns.text, are_clean=partial(columns.are_texts, longest=longest), longest=longest)
    return Cleaner(columns.text, longest=longest)
