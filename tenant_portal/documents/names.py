"""Read reference and month out of a file name, in every way that it can be read."""

import re
import unicodedata
from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import product
from pathlib import PurePosixPath
from typing import NamedTuple

from ..contracts.numbers import NUMBER_TEXT_MAX, is_number
from ..i18n import gettext as _
from ..settings import settings
from .archive import Refused

#: Stands where a month stood; in no date, number or word.
_GAP = "|"
#: A month that is not written AAAA-MM is believed from so many years ago until a year ahead.
YEARS_BACK = 10

_MONTHS = (
    "janvier janv jan january",
    "fevrier fevr fev feb february",
    "mars mar march",
    "avril avr apr april",
    "mai may",
    "juin jun june",
    "juillet juil jul july",
    "aout aou aug august",
    "septembre sept sep september",
    "octobre oct october",
    "novembre nov november",
    "decembre dec december",
)
_MONTH_OF = {word: number for number, words in enumerate(_MONTHS, 1) for word in words.split()}

_WORD = rf"(?<![^\W\d_])(?P<word>{'|'.join(sorted(_MONTH_OF, key=len, reverse=True))})(?![^\W\d_])"
_YEAR, _MONTH, _DAY = "(?P<year>20[0-9]{2})", "(?P<month>0?[1-9]|1[0-2])", "(?P<day>0?[1-9]|[12][0-9]|3[01])"
_BETWEEN = r"\s?[-\u2010-\u2015_.,/\s]\s?"
#: Written as we ask for it, and so beyond doubt.
_PLAIN = re.compile("(?<![0-9])(?P<year>20[0-9]{2})-(?P<month>0[1-9]|1[0-2])(?![0-9]|-[0-9]{2}(?![0-9]))")
_OTHERS = [
    re.compile(f"(?<![0-9])(?:{pattern})(?![0-9])")
    for pattern in (
        f"{_YEAR}{_BETWEEN}{_MONTH}(?:{_BETWEEN}{_DAY})?",
        f"(?:{_DAY}{_BETWEEN})?{_MONTH}{_BETWEEN}{_YEAR}",
        f"{_YEAR}(?P<month>[01][0-9])(?P<day>[0-3][0-9])?",
        f"(?P<day>[0-3][0-9])?(?P<month>[01][0-9]){_YEAR}",
        rf"{_YEAR}[\W_]{{0,3}}{_WORD}",
    )
]
_OTHERS.append(re.compile(rf"{_WORD}[\W_]{{0,3}}(?P<year>20[0-9]{{2}}|[0-9]{{2}})(?![0-9])"))
_LONE_WORD, _LONE_YEAR = re.compile(_WORD), re.compile(f"(?<![0-9]){_YEAR}(?![0-9])")
#: How a file is called while it is being downloaded or copied.
_HALF = (".part", ".partial", ".filepart", ".crdownload", ".opdownload", ".download")
#: What browsers and systems add to a second file of the same name.
_COPY = re.compile(r"(?:[ _-]*\([0-9]{1,2}\))+$")
#: With « L », « n » or a word before it: other letters make another number of it, such as « B417201 ».
_NUMBER = re.compile(r"(?<![^\W_])(?:l|n[oº]?|[^\W\d_]{3,})?([0-9]+)(?![^\W_])")


class Reading(NamedTuple):
    """One way to read a name."""

    number: str
    month: date


class Name(NamedTuple):
    """All ways to read a name."""

    readings: set[Reading]
    #: The numbers that are no month: one may be the module.
    numbers: set[str]


class _Month(NamedTuple):
    """A month, and the places that say it."""

    month: date
    spans: list[tuple[int, int]]


def read(name: str, period: date | None, today: date) -> Name:
    """Return each way to read a name; raise `Refused` if it lacks a number or a month.

    A month in the form AAAA-MM excludes all others. Words count for nothing else.
    """
    if name.lower().endswith(_HALF):
        raise Refused(_("Le fichier n'est pas arrivé en entier. Téléchargez-le ou copiez-le de nouveau."))
    if not name.lower().endswith(".pdf"):
        raise Refused(_("Ce n'est pas un fichier PDF."))
    stem = PurePosixPath(name).stem
    if len(stem) > NUMBER_TEXT_MAX:
        raise Refused(_("Le nom est trop long."))
    text = "".join(c for c in unicodedata.normalize("NFD", stem.casefold()) if not unicodedata.combining(c))
    text = _COPY.sub("", text)
    months = [month for found in _PLAIN.finditer(text) for month in _of(found)]
    months = months or [month for month in _others(text) if _is_plausible(month.month, today)]
    # The parts of a date are no numbers, but digits in one piece may be a date or a reference.
    text = _without(text, (span for month in months for span in month.spans if not text[slice(*span)].isdigit()))
    readings = {Reading(n, month.month) for month in months for n in _references(_without(text, month.spans))}
    if period is not None:
        readings = _with_period(readings, _references(text), period)
    if not readings and not months and _references(text):
        raise Refused(_("Le nom ne dit pas le mois. Écrivez-le ainsi : 123456_2026-11.pdf, ou ajoutez --period."))
    if not readings:
        raise Refused(_("Le nom ne porte pas de référence contrat. Écrivez-le ainsi : 123456_2026-11.pdf"))
    beside = _without(text, (span for month in months for span in month.spans))
    return Name(readings, set(_NUMBER.findall(beside)))


def _with_period(readings: set[Reading], numbers: set[str], period: date) -> set[Reading]:
    """Return the readings of the month that staff gave; another month in the name is a contradiction."""
    of_period = {reading for reading in readings if reading.month == period}
    numbers = {reading.number for reading in readings} or numbers
    return of_period or readings | {Reading(number, period) for number in numbers}


def _others(text: str) -> Iterator[_Month]:
    """Yield each month that is not written AAAA-MM; a word may stand apart from its year where no digits say it."""
    near = [month for pattern in _OTHERS for found in pattern.finditer(text) for month in _of(found)]
    yield from near
    if all(_LONE_WORD.search(text, *month.spans[0]) for month in near):
        for word, year in product(_LONE_WORD.finditer(text), _LONE_YEAR.finditer(text)):
            yield _Month(date(int(year["year"]), _MONTH_OF[word["word"]], 1), [word.span(), year.span()])


def _of(found: re.Match[str]) -> Iterator[_Month]:
    """Yield the month that was found, unless the calendar lacks it."""
    said = found.groupdict()
    month = _MONTH_OF[said["word"]] if said.get("word") else int(said["month"])
    year, day = int(said["year"]), int(said.get("day") or 1)
    year += 2000 if year < 100 else 0
    if 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]:
        yield _Month(date(year, month, 1), [found.span()])


def _is_plausible(month: date, today: date) -> bool:
    months_ahead = (month.year - today.year) * 12 + month.month - today.month
    return -12 * YEARS_BACK <= months_ahead <= 12


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return the text with a sign of the same length in the place of each span."""
    for start, end in spans:
        text = f"{text[:start]}{_GAP * (end - start)}{text[end:]}"
    return text


def _references(text: str) -> set[str]:
    low, high = settings.reference_length
    length = (1 if low == high else low, high)  # with one length for all, lost zeros are known
    return {number for number in _NUMBER.findall(text) if is_number(number, length)}
