"""Reading a roster file row by row: encoding, delimiter and columns are found out, and no line is ever lost."""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import chain, compress, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import RosterUnusable
from ..i18n import gettext as _
from . import decoding
from .columns import COLUMNS, column_of, text

#: One row: its line in the file, its cells in the order of the roster's columns, and why it cannot be read, if so.
Row = tuple[int, tuple[str, ...], str]
#: Takes the cells of our columns out of a row, reference and module first.
Pick = Callable[[Sequence[str]], tuple[Any, ...]]

DELIMITERS = ";,\t|"
#: Rows that are cleaned and staged at a time where they come one by one.
BATCH = 500
#: Lines read to find the header, and how many of them may be it: some programs write a title and the day above it.
HEAD_LINES = 40
HEADER_TRIES = 12
#: Physical lines that one quoted row may span; beyond that its quotation mark was never meant to open a field.
ROW_LINES_MAX = 60
#: Lines with a quotation mark astray that any file may have, and the share of its lines that they may be beyond that:
#: a program that writes more of them does not close its quotation marks at all.
STRAY_MAX, STRAY_SHARE_MAX = 1_000, 0.1

_LOOKS_LIKE_NUMBER = re.compile(r"(?:=\"?|[Ll] ?[/-]? ?)?[0-9]{1,20}")


class Batch(NamedTuple):
    """Some rows, column by column: what is done to a whole column at once costs a fraction of the same cell by cell."""

    lines: Sequence[int]
    columns: Sequence[Sequence[str]]
    #: Why a row cannot be read; empty for the others.
    troubles: Sequence[str]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Batch":
        """Return these rows as a batch."""
        lines, cells, troubles = zip(*rows, strict=True)
        return cls(lines, list(zip(*cells, strict=True)), troubles)

    def only(self, wanted: Sequence[object]) -> "Batch":
        """Return the rows at whose place stands something true."""
        columns = [list(compress(column, wanted)) for column in self.columns]
        return Batch(list(compress(self.lines, wanted)), columns, list(compress(self.troubles, wanted)))


@dataclass(frozen=True)
class Roster:
    """Rows to take, one after the other: what a file or a host's table holds."""

    columns: tuple[str, ...]
    #: What each column is called where the rows come from.
    labels: Mapping[str, str]
    batches: Iterator[Batch]
    #: Bytes of the file, and how many of them were read.
    size: int = 0
    position: Callable[[], int] = lambda: 0

    def __iter__(self) -> Iterator[Row]:
        for batch in self.batches:
            yield from zip(batch.lines, zip(*batch.columns, strict=True), batch.troubles, strict=True)


class _Runaway(Exception):
    """A quoted field that goes on and on: its quotation mark was no opening one."""


def read(path: str | Path, encoding: str | None = None, delimiter: str | None = None) -> Roster:
    """Return the rows of a roster file, read as they are asked for; raise `RosterUnusable` if it is no roster."""
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise RosterUnusable(_("Le séparateur doit être un seul signe, par exemple ; ou une virgule."))
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
        sign, header, at = _find_header(first[:HEAD_LINES], delimiter)
        columns, labels = _columns(header)
    except BaseException:
        file.close()
        raise
    return Roster(
        columns=tuple(columns),
        labels=labels,
        batches=iter(
            _Reader(chain(["".join(first[at:])], pieces), at=at, delimiter=sign, width=len(header), columns=columns)
        ),
        size=size,
        position=lambda: size if file.closed else file.tell(),
    )


def from_tables(rows: Iterable[Mapping[str, object]]) -> Roster:
    """Return rows that a host hands in, each a mapping of our column names; all have the keys of the first."""
    remaining = iter(rows)
    first = next(remaining, None)
    if first is None:
        raise RosterUnusable(_("Cette liste ne contient aucun contrat. Refaites l'export."))
    columns = tuple(name for name in COLUMNS if name in first)
    if not {"reference", "module"} <= set(columns):
        raise RosterUnusable(_("Chaque ligne doit donner au moins « reference » et « module »."))
    every = chain([first], remaining)
    cells = ((n, tuple(_as_text(row.get(name)) for name in columns), "") for n, row in enumerate(every, 1))
    batches = map(Batch.of, iter(lambda: list(islice(cells, BATCH)), []))
    return Roster(columns=columns, labels={name: COLUMNS[name][0] for name in columns}, batches=batches)


def _as_text(value: object) -> str:
    return "" if value is None else str(value)


def _find_header(head: Sequence[str], delimiter: str | None) -> tuple[str, list[str], int]:
    """Return the delimiter, the header and the line after it: where most columns are known by their names."""
    if not any(line.strip("\ufeff\x00 \t\n") for line in head):
        raise RosterUnusable(_("Ce fichier est vide. Refaites l'export."))
    best: tuple[int, str, list[str], int] = (0, "", [], 0)
    starts = [at for at, line in enumerate(head) if line.strip()][:HEADER_TRIES]
    for at in starts:
        for sign in delimiter or DELIMITERS:
            cells, lines = _header_at(head, at, sign)
            known = [name for name in map(column_of, cells) if name]
            score = len(known) + (100 if {"reference", "module"} <= set(known) else 0)
            if score > best[0]:
                best = (score, sign, cells, at + lines)
    return best[1:]


def _header_at(head: Sequence[str], at: int, sign: str) -> tuple[list[str], int]:
    """Return the cells of a header and the lines that it spans; a mark that is not closed must not swallow rows."""
    reader = csv.reader(head[at : at + 5], delimiter=sign, strict=True)
    try:
        return next(reader), reader.line_num
    except (csv.Error, StopIteration):
        return [cell.strip('" \n') for cell in head[at].split(sign)], 1


def _columns(header: Sequence[str]) -> tuple[dict[str, int], dict[str, str]]:
    """Return where each column stands and what the file calls it; both numbers must be there, and nothing twice."""
    at: dict[str, int] = {}
    for index, title in enumerate(header):
        name = column_of(title)
        if name in at:
            raise RosterUnusable(
                _(
                    "Deux colonnes disent la même chose : « %(first)s » et « %(second)s »."
                    " Supprimez celle qui est de trop.",
                    first=text(header[at[name]]),
                    second=text(title),
                )
            )
        if name:
            at[name] = index
    missing = [COLUMNS[name][0] for name in ("reference", "module") if name not in at]
    if len(missing) == 2:
        raise RosterUnusable(
            _(
                "Ce n'est pas une liste de contrats : aucune ligne ne porte les titres « Référence contrat » et"
                " « N° module ». Exportez la liste en CSV avec une ligne de titres."
            )
        )
    if missing:
        raise RosterUnusable(
            _(
                "La colonne « %(missing)s » manque. Colonnes lues : %(read)s. Refaites l'export avec cette colonne.",
                missing=missing[0],
                read=", ".join(text(title)[:40] for title in header[:30] if text(title)),
            )
        )
    columns = {name: at[name] for name in COLUMNS if name in at}
    return columns, {name: text(header[index]) for name, index in columns.items()}


class _Reader:
    """Reads rows many at a time where they are as they should be, else one by one, so that no line is lost."""

    def __init__(
        self, pieces: Iterator[str], *, at: int, delimiter: str, width: int, columns: Mapping[str, int]
    ) -> None:
        self.pieces, self.at, self.delimiter, self.width = pieces, at, delimiter, width
        self.places = tuple(columns.values())
        self.pick = itemgetter(*self.places)
        #: Lines with a quotation mark astray, and the first of them.
        self.stray, self.first_stray = 0, 0

    def __iter__(self) -> Iterator[Batch]:
        for piece in self.pieces:
            columns = self._all_plain(piece)
            if columns is not None:
                begun, self.at = self.at + 1, self.at + len(columns[0])
                yield Batch(range(begun, self.at + 1), columns, ("",) * len(columns[0]))
            else:
                rows = self._one_by_one(piece)
                yield from map(Batch.of, iter(lambda rows=rows: list(islice(rows, BATCH)), []))  # type: ignore[misc]

    def _all_plain(self, piece: str) -> Sequence[Sequence[str]] | None:
        """Return our columns of some lines if each is one row with all its cells and a reference."""
        size, step = piece.count("\n"), self.width + 1
        if '"' in piece:
            try:
                rows = list(csv.reader(StringIO(piece), delimiter=self.delimiter, strict=True))
            except csv.Error:
                return None
            if len(rows) != size or set(map(len, rows)) != {self.width}:
                return None
            every: Sequence[Sequence[str]] = list(zip(*rows, strict=True))
            columns = [every[place] for place in self.places]
        else:  # without quotation marks there is nothing to a row but its delimiters; each end of line becomes a cell
            cells = piece.replace("\n", f"{self.delimiter}\n{self.delimiter}").split(self.delimiter)
            if cells.pop() or len(cells) != size * step or set(cells[self.width :: step]) != {"\n"}:
                return None
            columns = [cells[place::step] for place in self.places]
        return columns if all(map(str.strip, columns[0])) else None

    def _one_by_one(self, piece: str) -> Iterator[Row]:
        """Give every row that is not blank; where quotation marks are astray, the lines are taken one by one.

        Where the last row goes on in the next piece, the rows of that piece follow.
        """
        back, pending = deque(StringIO(piece)), list[str]()
        width, pick = self.width, self.pick
        while back:
            reader = csv.reader(_feed(back, self.pieces, pending), delimiter=self.delimiter, strict=True)
            try:
                for cells in reader:
                    if len(pending) > 1 and _is_astray(cells, pending, self.delimiter, width, pick):
                        break
                    start = self.at + 1
                    self.at += len(pending)
                    if len(cells) == width:
                        picked = pick(cells)
                        if picked[0].strip() or any(cell.strip() for cell in cells):
                            yield start, picked, ""
                    elif any(cell.strip() for cell in cells):
                        yield start, *_fitted(cells, width, pick, is_whole=pending[-1].endswith("\n"))
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
            yield self.at, *_alone(first, self.delimiter, width, pick)

    def _count_stray(self) -> None:
        """Count a line whose quotation mark is never closed; raise `RosterUnusable` where there are far too many."""
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
    """Give lines to the csv reader and keep those of the row it is at, until the row grows too long."""
    while back or (piece := next(pieces, "")):
        if not back:
            back.extend(StringIO(piece))
        if len(pending) >= ROW_LINES_MAX:
            raise _Runaway
        pending.append(back.popleft())
        yield pending[-1]


def _is_astray(cells: list[str], pending: list[str], delimiter: str, width: int, pick: Pick) -> bool:
    """Tell whether a row over several lines came from a stray quotation mark that swallowed other rows."""
    if len(cells) != width:
        return True
    own = [cell.strip(' "') for cell in pick(cells)[:2]]
    for line in pending:
        split = _split(line.rstrip("\n"), delimiter)
        if len(split) == width:
            numbers = [cell.strip(' "') for cell in pick(split)[:2]]
            if numbers != own and all(_LOOKS_LIKE_NUMBER.fullmatch(number) for number in numbers):
                return True
    return False


def _split(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line: delimiters between quotation marks count for none, and a last single mark neither."""
    if '"' not in line:
        return line.split(delimiter)
    if line.count('"') % 2:
        line = "".join(line.rsplit('"', 1))
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _alone(line: str, delimiter: str, width: int, pick: Pick) -> tuple[tuple[str, ...], str]:
    """Read a line for itself: with its quotation marks if that gives all columns, else with none of them meant."""
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
        try:
            cells = next(csv.reader([line], delimiter=delimiter, quoting=quoting))
        except (csv.Error, StopIteration):
            continue
        if len(cells) == width:
            return tuple(cell.strip('" \n') for cell in pick(cells)), ""
    reason = _("Un guillemet ouvre une case et ne la ferme pas : la ligne ne peut pas être lue.")
    return pick(line.split(delimiter)[:width] + [""] * width), reason


def _fitted(cells: list[str], width: int, pick: Pick, *, is_whole: bool) -> tuple[tuple[str, ...], str]:
    """Fit a row to the header: programs leave empty cells at the end out, or add some."""
    reason = ""
    if len(cells) < width and not is_whole:
        reason = _("La ligne est coupée : le fichier n'est sans doute pas complet. Refaites l'export.")
    elif any(cell.strip() for cell in cells[width:]):
        reason = _(
            "La ligne a %(count)s cases au lieu de %(width)s : une case contient sans doute un séparateur.",
            count=len(cells),
            width=width,
        )
    return pick(cells + [""] * width), reason
