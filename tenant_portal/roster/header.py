"""Find the header of a roster file, its delimiter and our columns."""

import csv
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..errors import RosterUnusable
from ..i18n import gettext as _
from .columns import text
from .decoding import repaired
from .words import COLUMNS, column_of

DELIMITERS = ";,\t|"
#: Lines read to find the header, and those tried: some programs write a title above it.
HEAD_LINES = 40
HEADER_TRIES = 12


class Header(NamedTuple):
    """The header's cells, and how many lines end with it."""

    delimiter: str
    cells: list[str]
    lines: int


def find_header(head: Sequence[str], delimiter: str | None) -> Header:
    """Return the header: where most columns are recognised."""
    if not any(line.strip("\ufeff\x00 \t\n") for line in head):
        raise RosterUnusable(_("Ce fichier est vide. Refaites l'export."))
    best, best_score = Header("", [], 0), 0
    starts = [at for at, line in enumerate(head) if line.strip()][:HEADER_TRIES]
    for at in starts:
        for sign in delimiter or DELIMITERS:
            cells, lines = _header_at(head, at, sign)
            known = [match.name for match in map(column_of, map(repaired, cells)) if match]
            score = len(known) + (100 if {"reference", "module"} <= set(known) else 0)
            if score > best_score:
                best, best_score = Header(sign, cells, at + lines), score
    return best


class Titles(NamedTuple):
    """The place and the title of each column, and the titles that are passed over."""

    places: Mapping[str, int]
    labels: Mapping[str, str]
    passed_over: tuple[str, ...]
    #: Of those, the titles of columns that another one gives.
    doubles: tuple[tuple[str, str], ...]


def titles(header: Sequence[str]) -> Titles:
    """Find the columns by their titles. Reference and module are required, and may not be doubtful.

    Of other columns for one thing, its very name wins, then the first.
    """
    header = [_on_one_line(title) for title in header]
    matches = [column_of(title) for title in header]
    at: dict[str, int] = {}
    doubles: list[int] = []
    for index, match in enumerate(matches):
        if not match:
            continue
        before = at.setdefault(match.name, index)
        if before == index:
            continue
        if match.name in ("reference", "module"):
            raise RosterUnusable(
                _(
                    "Deux colonnes disent la même chose : « %(first)s » et « %(second)s »."
                    " Supprimez celle qui est de trop.",
                    first=header[before],
                    second=header[index],
                )
            )
        best, worse = sorted((before, index), key=lambda place: (matches[place].doubt, place))  # type: ignore[union-attr]
        at[match.name] = best
        doubles.append(worse)
    missing = [COLUMNS[name].label for name in ("reference", "module") if name not in at]
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
                read=", ".join(title[:40] for title in header[:30] if title),
            )
        )
    places = {name: at[name] for name in COLUMNS if name in at}
    return Titles(
        places=places,
        labels={name: header[index] for name, index in places.items()},
        passed_over=tuple(title for index, title in enumerate(header) if title and index not in places.values()),
        doubles=tuple((header[at[match.name]], header[index]) for index in doubles if (match := matches[index])),
    )


def _on_one_line(title: str) -> str:
    try:
        return text(title)
    except ValueError:  # lost letters, which only matter in cells
        return " ".join("".join(c if c.isprintable() else " " for c in title).split())


def _header_at(head: Sequence[str], at: int, sign: str) -> tuple[list[str], int]:
    """Return the cells of a header and its lines. An open quotation mark must not swallow rows."""
    reader = csv.reader(head[at : at + 5], delimiter=sign, strict=True)
    try:
        return next(reader), reader.line_num
    except (csv.Error, StopIteration):
        return [cell.strip('" \n') for cell in head[at].split(sign)], 1
