"""Reading a roster file row by row: encoding, delimiter and columns are found out, and no line is ever lost."""

import codecs
import csv
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import TextIOWrapper
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

from .errors import RosterUnusable
from .i18n import gettext as _
from .roster_cells import COLUMNS, column_of, text

#: One row: its line in the file, its cells in the order of the roster's columns, and why it cannot be read, if so.
Row = tuple[int, tuple[str, ...], str]
#: Takes the cells of our columns out of a row, reference and module first.
Pick = Callable[[Sequence[str]], tuple[Any, ...]]

DELIMITERS = ";,\t|"
#: Lines read to find the header, and how many of them may be it: some programs write a title and the day above it.
HEAD_LINES = 40
HEADER_TRIES = 12
#: Physical lines that one quoted row may span; beyond that its quotation mark was never meant to open a field.
ROW_LINES_MAX = 60
#: Longest piece of a file that is held at once, in characters: no line of a roster comes near it.
LINE_MAX = 1_000_000
SAMPLE_BYTES = 64 * 1024

_LOOKS_LIKE_NUMBER = re.compile(r"(?:=\"?|[Ll] ?[/-]? ?)?[0-9]{1,20}")
_BOMS = (  # the longer ones first: UTF-32 begins like UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Roster:
    """Rows to take, one after the other: what a file or a host's table holds."""

    columns: tuple[str, ...]
    #: What each column is called where the rows come from.
    labels: Mapping[str, str]
    rows: Iterator[Row]
    #: Bytes of the file, and how many of them were read.
    size: int = 0
    position: Callable[[], int] = lambda: 0

    def __iter__(self) -> Iterator[Row]:
        return self.rows


class _Runaway(Exception):
    """A quoted field that goes on and on: its quotation mark was no opening one."""


def read(path: str | Path, encoding: str | None = None, delimiter: str | None = None) -> Roster:
    """Return the rows of a roster file, read as they are asked for; raise `RosterUnusable` if it is no roster."""
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise RosterUnusable(_("Le séparateur doit être un seul signe, par exemple ; ou une virgule."))
    file = _open(Path(path))
    try:
        sample = file.read(SAMPLE_BYTES)
        kind = _file_type(sample)
        if kind:
            raise RosterUnusable(
                _("Ce fichier est %(kind)s. Enregistrez la liste en CSV, puis importez-la.", kind=kind)
            )
        found, errors = _asked_encoding(encoding) if encoding else _encoding_of(file, sample)
        size = file.seek(0, 2)
        file.seek(0)
        lines = _lines(file, found, errors)
        head = list(islice(lines, HEAD_LINES))
        sign, header, at = _find_header(head, delimiter)
        columns, labels = _columns(header)
    except BaseException:
        file.close()
        raise
    return Roster(
        columns=tuple(columns),
        labels=labels,
        rows=_rows(chain(head[at:], lines), at=at, delimiter=sign, width=len(header), columns=columns),
        size=size,
        position=lambda: size if file.closed else file.tell(),
    )


def from_tables(rows: Iterable[Mapping[str, object]]) -> Roster:
    """Return rows that a host hands in, each a mapping of our column names; all have the keys of the first."""
    remaining = iter(rows)
    first = next(remaining, None)
    columns = tuple(name for name in COLUMNS if name in (first or ()))
    if not {"reference", "module"} <= set(columns):
        raise RosterUnusable(_("Chaque ligne doit donner au moins « reference » et « module »."))
    every = chain([first or {}], remaining)
    cells = ((n, tuple(_as_text(row.get(name)) for name in columns), "") for n, row in enumerate(every, 1))
    return Roster(columns=columns, labels={name: COLUMNS[name][0] for name in columns}, rows=cells)


def _as_text(value: object) -> str:
    return "" if value is None else str(value)


def _open(path: Path) -> BinaryIO:
    if path.is_dir():
        raise RosterUnusable(_("C'est un dossier. Indiquez le fichier qu'il contient."))
    try:
        if not path.is_file():
            raise RosterUnusable(_("Ce fichier n'existe pas. Vérifiez son nom et son dossier."))
        file = path.open("rb")
    except OSError as trouble:
        raise RosterUnusable(_("Ce fichier ne peut pas être lu : %(cause)s", cause=trouble.strerror)) from None
    return file


def _file_type(sample: bytes) -> str | None:
    """Return what a file is that is no text, in the words of staff."""
    known = (
        (b"PK\x03\x04", _("un classeur (Excel ou LibreOffice)")),
        (b"\xd0\xcf\x11\xe0", _("un classeur Excel")),
        (b"%PDF", _("un PDF")),
        (b"\x89PNG", _("une image")),
        (b"\xff\xd8\xff", _("une image")),
        (b"GIF8", _("une image")),
        (b"\x1f\x8b", _("une archive compressée")),
        (b"{\\rtf", _("un document de texte mis en forme")),
    )
    pages = (b"<!doctype", b"<html", b"<table", b"<?xml", b"<meta")
    if sample.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(pages):
        return _("une page web ou un fichier XML")
    return next((name for mark, name in known if sample.startswith(mark)), None)


def _encoding_of(file: BinaryIO, sample: bytes) -> tuple[str, str]:
    """Return the encoding and what to do with bytes that it does not know."""
    for mark, encoding in _BOMS:
        if sample.startswith(mark):
            return encoding, "replace"
    even, odd = sample[0:4096:2].count(0), sample[1:4096:2].count(0)
    half = len(sample[:4096]) // 2
    if max(even, odd) * 10 > half * 4 and min(even, odd) * 10 < half:
        return ("utf-16-le" if odd > even else "utf-16-be"), "replace"
    return _utf8_or_windows(file)


def _utf8_or_windows(file: BinaryIO) -> tuple[str, str]:
    """Read the file once: UTF-8 where all of it is, or nearly all; else Windows-1252, which has no wrong files."""
    decode = codecs.getincrementaldecoder("utf-8")("strict").decode
    file.seek(0)
    for chunk in iter(partial(file.read, 1 << 20), b""):
        try:
            decode(chunk)
        except UnicodeDecodeError:
            shown = chunk.decode("utf-8", "replace")
            wrong = shown.count("\ufffd")
            right = sum(not c.isascii() for c in shown) - wrong
            return ("utf-8-sig", _WINDOWS_BYTES) if right > wrong else ("cp1252", "replace")
    return "utf-8-sig", "strict"


def _as_windows(trouble: UnicodeError) -> tuple[str, int]:
    """Decode what is not UTF-8 in a file of UTF-8: somebody pasted it from a Windows program."""
    if not isinstance(trouble, UnicodeDecodeError):
        raise trouble
    return trouble.object[trouble.start : trouble.end].decode("cp1252", "replace"), trouble.end


_WINDOWS_BYTES = "portal-windows-bytes"
codecs.register_error(_WINDOWS_BYTES, _as_windows)


def _asked_encoding(name: str) -> tuple[str, str]:
    try:
        "".encode(name)
        normal = codecs.lookup(name).name
    except (LookupError, ValueError, UnicodeError):
        raise RosterUnusable(
            _("L'encodage « %(name)s » n'existe pas. Essayez utf-8, utf-16 ou windows-1252.", name=name)
        ) from None
    return ("utf-8-sig" if normal == "utf-8" else normal), "strict"


def _lines(file: BinaryIO, encoding: str, errors: str) -> Iterator[str]:
    """Give the file line by line, each ended by « \\n » whatever the file ends its lines with."""
    try:
        with TextIOWrapper(file, encoding=encoding, errors=errors, newline=None) as text:
            yield from iter(partial(text.readline, LINE_MAX), "")
    except UnicodeError:
        raise RosterUnusable(
            _("Ce fichier n'est pas écrit en « %(name)s ». Laissez le programme trouver l'encodage.", name=encoding)
        ) from None
    except OSError as trouble:
        raise RosterUnusable(_("Ce fichier ne peut pas être lu : %(cause)s", cause=trouble.strerror)) from None


def _find_header(head: Sequence[str], delimiter: str | None) -> tuple[str, list[str], int]:
    """Return the delimiter, the header and the line after it: where most columns are known by their names."""
    if not any(line.strip("\ufeff\x00 \t\n") for line in head):
        raise RosterUnusable(_("Ce fichier est vide. Refaites l'export."))
    best: tuple[int, str, list[str], int] = (0, "", [], 0)
    starts = [at for at, line in enumerate(head) if line.strip()][:HEADER_TRIES]
    for at in starts:
        for sign in delimiter or DELIMITERS:
            reader = csv.reader(head[at : at + 5], delimiter=sign)
            try:
                cells = next(reader)
            except (csv.Error, StopIteration):
                continue
            known = [name for name in map(column_of, cells) if name]
            score = len(known) + (100 if {"reference", "module"} <= set(known) else 0)
            if score > best[0]:
                best = (score, sign, cells, at + reader.line_num)
    return best[1:]


def _columns(header: Sequence[str]) -> tuple[dict[str, int], dict[str, str]]:
    """Return where each column stands and what the file calls it; both numbers must be there, and nothing twice."""
    at: dict[str, int] = {}
    for index, title in enumerate(header):
        name = column_of(title)
        if name in at:
            raise RosterUnusable(
                _(
                    "Deux colonnes disent la même chose : « %(first)s » et « %(second)s ». Supprimez celle qui est de trop.",
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


def _rows(lines: Iterator[str], *, at: int, delimiter: str, width: int, columns: Mapping[str, int]) -> Iterator[Row]:
    """Give every row that is not blank; where quotation marks are astray, the lines are taken one by one."""
    pick = itemgetter(*columns.values())
    back: deque[str] = deque()
    pending: list[str] = []
    while True:
        reader = csv.reader(_feed(back, lines, pending), delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                if len(pending) > 1 and _is_astray(cells, pending, delimiter, width, pick):
                    break
                start = at + 1
                at += len(pending)
                if len(cells) == width:
                    picked = pick(cells)
                    if picked[0].strip() or any(cell.strip() for cell in cells):
                        yield start, picked, ""
                elif any(cell.strip() for cell in cells):
                    yield start, *_fitted(cells, width, pick, is_whole=pending[-1].endswith("\n"))
                pending.clear()
            else:
                return
        except (csv.Error, _Runaway):
            pass
        at += 1
        back.extendleft(reversed(pending[1:]))
        first = pending[0]
        pending.clear()
        yield at, *_alone(first, delimiter, width, pick)


def _feed(back: "deque[str]", lines: Iterator[str], pending: list[str]) -> Iterator[str]:
    """Give lines to the csv reader and keep those of the row it is at, until the row grows too long."""
    while back:
        if len(pending) >= ROW_LINES_MAX:
            raise _Runaway
        pending.append(back.popleft())
        yield pending[-1]
    for line in lines:
        pending.append(line)
        yield line
        if len(pending) >= ROW_LINES_MAX:
            raise _Runaway


def _is_astray(cells: list[str], pending: list[str], delimiter: str, width: int, pick: Pick) -> bool:
    """Tell whether a row over several lines came from a stray quotation mark that swallowed other rows."""
    if len(cells) != width:
        return True
    own = [cell.strip(' "') for cell in pick(cells)[:2]]
    for line in pending:
        split = line.rstrip("\n").split(delimiter)
        if len(split) == width:
            numbers = [cell.strip(' "') for cell in pick(split)[:2]]
            if numbers != own and all(_LOOKS_LIKE_NUMBER.fullmatch(number) for number in numbers):
                return True
    return False


def _alone(line: str, delimiter: str, width: int, pick: Pick) -> tuple[tuple[str, ...], str]:
    """Read a line for itself: with its quotation marks if that gives all columns, else with none of them meant."""
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
        try:
            cells = next(csv.reader([line], delimiter=delimiter, quoting=quoting))  # type: ignore[arg-type]
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
