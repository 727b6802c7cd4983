"""Find the header of a roster file, its delimiter and our columns."""

import csv
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import RosterUnusable
from ..i18n import gettext as _
from .columns import COLUMNS, column_of, text

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
            known = [name for name in map(column_of, cells) if name]
            score = len(known) + (100 if {"reference", "module"} <= set(known) else 0)
            if score > best_score:
                best, best_score = Header(sign, cells, at + lines), score
    return best


def places_and_labels(header: Sequence[str]) -> tuple[dict[str, int], dict[str, str]]:
    """Return the place and the title of each column; require reference and module, and no column twice."""
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
                read=", ".join(text(title)[:40] for title in header[:30] if text(title)),
            )
        )
    places = {name: at[name] for name in COLUMNS if name in at}
    return places, {name: text(header[index]) for name, index in places.items()}


def _header_at(head: Sequence[str], at: int, sign: str) -> tuple[list[str], int]:
    """Return the cells of a header and its lines. An open quotation mark must not swallow rows."""
    reader = csv.reader(head[at : at + 5], delimiter=sign, strict=True)
    try:
        return next(reader), reader.line_num
    except (csv.Error, StopIteration):
        return [cell.strip('" \n') for cell in head[at].split(sign)], 1
