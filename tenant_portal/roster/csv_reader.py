"""Read the rows of a roster in batches. No line is lost."""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from itertools import chain, compress, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import RosterUnusable
from ..i18n import gettext as _
from . import decoding
from .header import HEAD_LINES, Titles, find_header, titles
from .words import COLUMNS

#: Rows of a batch that are read one by one.
BATCH = 500
#: Lines that a quoted row may span. In a longer one the mark did not open a cell.
ROW_LINES_MAX = 60
#: Stray quotation marks that any file may have; beyond that, their largest share of the lines.
STRAY_MAX, STRAY_SHARE_MAX = 1_000, 0.1

_LOOKS_LIKE_NUMBER = re.compile(r"(?:=\"?|[Ll] ?[/-]? ?)?[0-9]{1,20}")


class Row(NamedTuple):
    """A row; its cells are in the order of the roster's columns."""

    line: int
    cells: tuple[str, ...]
    trouble: str = ""


class Batch(NamedTuple):
    """Rows as columns: working on a whole column is much faster than on each cell."""

    lines: Sequence[int]
    columns: Mapping[str, Sequence[Any]]
    #: Why each row cannot be read; empty if it can.
    troubles: Sequence[str]

    def where(self, wanted: Sequence[object]) -> "Batch":
        """Return the rows whose place in `wanted` is true."""
        columns = {name: list(compress(column, wanted)) for name, column in self.columns.items()}
        return Batch(list(compress(self.lines, wanted)), columns, list(compress(self.troubles, wanted)))


@dataclass(frozen=True)
class Roster:
    """The rows of a file or a host's table, read on demand."""

    #: What the source calls its columns.
    titles: Titles
    batches: Iterator[Batch]
    #: Bytes of the file, and those read so far.
    size: int = 0
    position: Callable[[], int] = lambda: 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that the source has."""
        return tuple(self.titles.places)


@dataclass(frozen=True)
class _Layout:
    """The delimiter of a file, its cells a row, those that a row needs, and the places of our columns."""

    delimiter: str
    width: int
    needed: int
    places: Mapping[str, int]

    @cached_property
    def pick(self) -> Callable[[Sequence[str]], tuple[str, ...]]:
        """Return the cells of our columns."""
        return itemgetter(*self.places.values())

    def numbers(self, cells: Sequence[str]) -> list[str]:
        """Return reference and module without quotation marks."""
        return [cells[self.places[name]].strip(' "') for name in ("reference", "module")]


class _Runaway(Exception):
    """A quoted cell that spans too many lines."""


def read(path: str | Path, encoding: str | None = None, delimiter: str | None = None) -> Roster:
    """Open a roster file; raise `RosterUnusable` if it is none."""
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise RosterUnusable(_("Le séparateur doit être un seul caractère, par exemple ; ou une virgule."))
    file, sample = decoding.open_file(Path(path))
    try:
        kind = decoding.file_type(sample)
        if kind:
            raise RosterUnusable(
                _("Ce fichier est %(kind)s. Enregistrez la liste en CSV, puis importez-la.", kind=kind)
            )
        found, errors = decoding.asked_encoding(encoding) if encoding else decoding.encoding_of(file, sample)
        size = file.seek(0, 2)
        file.seek(0)
        pieces = decoding.pieces(file, found, errors)
        first = list(StringIO(next(pieces, "")))
        header = find_header(first[:HEAD_LINES], delimiter)
        titles_found = titles(header.cells)
    except BaseException:
        file.close()
        raise
    rest = chain(["".join(first[header.lines :])], pieces)
    needed = max(place for place, title in enumerate(header.cells, 1) if title.strip())
    layout = _Layout(header.delimiter, len(header.cells), needed, titles_found.places)
    return Roster(
        titles=titles_found,
        batches=iter(_Reader(rest, layout, at=header.lines)),
        size=size,
        position=lambda: size if file.closed else file.tell(),
    )


def from_tables(rows: Iterable[Mapping[str, object]]) -> Roster:
    """Return a host's rows, mappings of column names. All have the keys of the first."""
    remaining = iter(rows)
    first = next(remaining, None)
    if first is None:
        raise RosterUnusable(_("Cette liste ne contient aucun contrat. Refaites l'export."))
    columns = tuple(name for name in COLUMNS if name in first)
    if not {"reference", "module"} <= set(columns):
        raise RosterUnusable(_("Chaque ligne doit donner au moins « reference » et « module »."))
    every = enumerate(chain([first], remaining), 1)
    cells = (Row(line, tuple(_as_text(row.get(name)) for name in columns)) for line, row in every)
    labels = {name: COLUMNS[name].label for name in columns}
    passed_over = tuple(str(name) for name in first if name not in COLUMNS)
    own = Titles({name: at for at, name in enumerate(columns)}, labels, passed_over, ())
    return Roster(titles=own, batches=_in_batches(cells, columns))


def _in_batches(rows: Iterator[Row], columns: Iterable[str]) -> Iterator[Batch]:
    while some := list(islice(rows, BATCH)):
        lines, cells, troubles = zip(*some, strict=True)
        yield Batch(lines, dict(zip(columns, zip(*cells, strict=True), strict=True)), troubles)


def _as_text(value: object) -> str:
    return "" if value is None else str(value)


class _Reader:
    """Reads regular rows many at once, others one by one."""

    def __init__(self, pieces: Iterator[str], layout: _Layout, *, at: int) -> None:
        self.pieces, self.layout, self.at = pieces, layout, at
        #: Lines with a stray quotation mark, and the first of them.
        self.stray, self.first_stray = 0, 0

    def __iter__(self) -> Iterator[Batch]:
        for piece in self.pieces:
            columns = self._all_plain(piece)
            if columns is not None:
                start, self.at = self.at + 1, self.at + len(columns["reference"])
                yield Batch(range(start, self.at + 1), columns, ("",) * len(columns["reference"]))
            else:
                yield from _in_batches(self._one_by_one(piece), self.layout.places)

    def _all_plain(self, piece: str) -> Mapping[str, Sequence[str]] | None:
        """Return our columns if each line is one row with all cells and a reference."""
        delimiter, width, places = self.layout.delimiter, self.layout.width, self.layout.places
        size, step = piece.count("\n"), width + 1
        if '"' in piece:
            try:
                rows = list(csv.reader(StringIO(piece), delimiter=delimiter, strict=True))
            except csv.Error:
                return None
            if len(rows) != size or set(map(len, rows)) != {width}:
                return None
            every: Sequence[Sequence[str]] = list(zip(*rows, strict=True))
            columns = {name: every[place] for name, place in places.items()}
        else:  # without quotation marks, split; each end of line becomes a cell
            cells = piece.replace("\n", f"{delimiter}\n{delimiter}").split(delimiter)
            if cells.pop() or len(cells) != size * step or set(cells[width::step]) != {"\n"}:
                return None
            columns = {name: cells[place::step] for name, place in places.items()}
        return columns if all(map(str.strip, columns["reference"])) else None

    def _one_by_one(self, piece: str) -> Iterator[Row]:
        """Yield the rows that are not blank. A line with a stray quotation mark is read alone.

        If the last row continues in the next piece, read that too.
        """
        back, pending = deque(StringIO(piece)), list[str]()
        layout = self.layout
        while back:
            reader = csv.reader(_feed(back, self.pieces, pending), delimiter=layout.delimiter, strict=True)
            try:
                for cells in reader:
                    if len(pending) > 1 and _is_astray(cells, pending, layout):
                        break
                    start = self.at + 1
                    self.at += len(pending)
                    if any(map(str.strip, cells)):
                        yield _fitted(start, cells, layout, is_whole=pending[-1].endswith("\n"))
                    pending.clear()
                    if not back:
                        return
                else:
                    return
            except (csv.Error, _Runaway):
                pass
            self.at += 1
            back.extendleft(reversed(pending[1:]))
            first = pending[0]
            pending.clear()
            if first.count('"') % 2:
                self._count_stray()
            yield _alone(self.at, first, layout)

    def _count_stray(self) -> None:
        """Count a stray quotation mark; raise `RosterUnusable` if there are too many."""
        self.stray += 1
        self.first_stray = self.first_stray or self.at
        if self.stray > max(STRAY_MAX, self.at * STRAY_SHARE_MAX):
            raise RosterUnusable(
                _(
                    "À la ligne %(line)s, un guillemet ouvre une case et ne la ferme pas, et %(count)s autres lignes"
                    " ont le même défaut."
                    " Refaites l'export en doublant chaque guillemet d'un texte, ou sans guillemets.",
                    line=self.first_stray,
                    count=self.stray - 1,
                )
            )


def _feed(back: "deque[str]", pieces: Iterator[str], pending: list[str]) -> Iterator[str]:
    """Yield lines, and keep those of the current row in `pending`."""
    while back or (piece := next(pieces, "")):
        if not back:
            back.extend(StringIO(piece))
        if len(pending) >= ROW_LINES_MAX:
            raise _Runaway
        pending.append(back.popleft())
        yield pending[-1]


def _is_astray(cells: list[str], pending: list[str], layout: _Layout) -> bool:
    """Tell whether a row over several lines contains other rows, after a stray quotation mark."""
    if len(cells) != layout.width:
        return True
    own = layout.numbers(cells)
    for line in pending:
        split = _split(line.rstrip("\n"), layout.delimiter)
        if len(split) == layout.width:
            numbers = layout.numbers(split)
            if numbers != own and all(_LOOKS_LIKE_NUMBER.fullmatch(number) for number in numbers):
                return True
    return False


def _split(line: str, delimiter: str) -> list[str]:
    """Split a line outside quotation marks; ignore a last unpaired mark."""
    if '"' not in line:
        return line.split(delimiter)
    if line.count('"') % 2:
        line = "".join(line.rsplit('"', 1))
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _alone(at: int, line: str, layout: _Layout) -> Row:
    """Read one line, with its quotation marks if that gives all cells, else without."""
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
        try:
            cells = next(csv.reader([line], delimiter=layout.delimiter, quoting=quoting))
        except (csv.Error, StopIteration):
            continue
        if len(cells) == layout.width:
            return Row(at, tuple(cell.strip('" \n') for cell in layout.pick(cells)))
    reason = _("Un guillemet ouvre une case et ne la ferme pas : la ligne ne peut pas être lue.")
    return Row(at, layout.pick(line.split(layout.delimiter)[: layout.width] + [""] * layout.width), reason)


def _fitted(at: int, cells: list[str], layout: _Layout, *, is_whole: bool) -> Row:
    """Fit a row to the header: empty cells at the end may be too many, but none that has a title may be missing."""
    width, reason = layout.width, ""
    if len(cells) == width:
        return Row(at, layout.pick(cells))
    if len(cells) < layout.needed and not is_whole:
        reason = _("La ligne est coupée : le fichier n'est sans doute pas complet. Refaites l'export.")
    elif len(cells) < layout.needed:
        reason = _(
            "La ligne a %(count)s cases au lieu de %(width)s : elle est sans doute coupée en deux.",
            count=len(cells),
            width=width,
        )
    elif any(cell.strip() for cell in cells[width:]):
        reason = _(
            "La ligne a %(count)s cases au lieu de %(width)s : une case contient sans doute un séparateur.",
            count=len(cells),
            width=width,
        )
    return Row(at, layout.pick(cells + [""] * width), reason)
