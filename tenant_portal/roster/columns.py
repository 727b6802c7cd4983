"""What the cells of a roster mean.

Functions raise `ValueError` with a reason for staff.
"""

import re
import unicodedata
from collections.abc import Sequence, Set
from datetime import date, datetime, time, tzinfo

from ..contracts.numbers import is_number
from ..i18n import gettext as _
from ..mail_addresses import mail_address
from ..text import EMAIL_MAX, pasted
from .decoding import is_misread, repaired
from .words import nothing

_PREFIX = re.compile(r"[Ll](?:[/\\|.-])?(?=[0-9])")
_AS_TEXT = re.compile(r'="([^"]*)"')  # keeps leading zeros in a spreadsheet
_POWER = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+")
_DECIMAL = re.compile(r"[0-9]+[.,][0-9]+")
_FRENCH_DATE = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4}|[0-9]{2})")
_ISO_DATE = re.compile(r"([0-9]{4})[/.-]([0-9]{1,2})[/.-]([0-9]{1,2})")
_TIME = re.compile(
    r"[ T](?P<hours>[0-9]{1,2})[:h](?P<minutes>[0-9]{2})(?::(?P<seconds>[0-9]{2})(?:[.,][0-9]+)?)?"
    r"(?P<zone> ?(?:(?![AP]M)[A-Z]{1,5}|[+-][0-9]{2}(?::?[0-9]{2})?))?(?: ?\[[A-Za-z/_]+\])?$"
)
#: What is left of letters that were written in one encoding and read in another, or in none.
_LOST = re.compile(
    r"[\ufffd\x80-\x9f√├┬]|[^\W\d_]\?(?=[^\W\d_])|[a-zA-Z][‚ƒ„ˆ‰‹˜]|[ƒˆ‰˜][a-zA-Z]|[a-z][ŒŽ]"
    r"|[a-zA-Z][†‡“”•…™›Š€](?=[a-z])|[A-Z][†‡“”•™›šž€](?=[A-Z])"
)
#: A usual address. Others go to email_validator, a hundred times as slow.
_EVERYDAY = (
    r"[A-Za-z0-9_+-]++(?:\.[A-Za-z0-9_+-]++)*+@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:com|fr|net|org|eu|re)"
)
_PLAIN_ADDRESS = re.compile(_EVERYDAY)
_PLAIN_ADDRESSES = re.compile(rf"(?:(?:{_EVERYDAY})?\n)*+")
#: Leases begin later; spreadsheets write 1899 and 0001 for «no date».
_YEAR_MIN = 1900
#: How far ahead a year of two digits may lie; beyond that it is of the last century.
_YEARS_AHEAD = 20


def text(raw: str, nothing: Set[str] = frozenset()) -> str:
    """Return a cell on one line: single spaces, no control characters, without `="…"`; empty for a word for nothing.

    Raise `ValueError` where letters were lost on the way.
    """
    if not raw.isascii():
        raw = repaired(raw)
    if (not raw.isascii() or "?" in raw) and _LOST.search(raw):
        raise ValueError(_("Des lettres se sont perdues en route. Refaites l'export, en UTF-8 ou en Windows-1252."))
    if not raw.isprintable():
        raw = "".join(c for c in raw if c.isprintable() or c.isspace())
    if not raw.isascii():
        raw = unicodedata.normalize("NFC", raw)
    value = " ".join(raw.split())
    if value.startswith('="'):
        found = _AS_TEXT.fullmatch(value)
        value = found[1].strip() if found else value
    return "" if value in nothing else value


def are_texts(cells: Sequence[str], longest: int, nothing: Set[str]) -> bool:
    """Tell in one pass whether `text` changes or refuses no cell, and none is too long."""
    whole = f"|{'|'.join(cells)}|"
    return (
        whole.isprintable()
        and not any(sign in whole for sign in ("  ", "| ", " |", '|="', "?"))
        and (whole.isascii() or unicodedata.is_normalized("NFC", whole) and _is_read_rightly(whole))
        and max(map(len, cells)) <= longest
        and nothing.isdisjoint(cells)
    )


def _is_read_rightly(whole: str) -> bool:
    try:
        whole.encode("latin-1")  # no letter that is lost becomes such a sign, but for those that isprintable() knows
    except UnicodeEncodeError:
        return not _LOST.search(whole) and not is_misread(whole)
    return not is_misread(whole)


def are_numbers(cells: Sequence[str], length: tuple[int, int]) -> bool:
    """Tell in one pass whether `number` changes no cell."""
    whole = "".join(cells)
    low, high = max(length[0], 1), length[1]
    return whole.isascii() and whole.isdigit() and low <= min(map(len, cells)) and max(map(len, cells)) <= high


def are_addresses(cells: Sequence[str]) -> bool:
    """Tell in one pass whether `address` changes no cell. False if any is unusual."""
    whole = "\n".join(cells) + "\n"
    is_plain = _PLAIN_ADDRESSES.fullmatch(whole) is not None
    return is_plain and whole.count("\n") == len(cells) and max(map(len, cells)) <= EMAIL_MAX


def number(raw: str, length: tuple[int, int]) -> str:
    """Return a reference or module as ASCII digits, without spaces and « L/ ».

    Stricter than the form: after a dot of a spreadsheet, digits are lost.
    """
    if raw.isascii() and raw.isdigit() and is_number(raw, length):
        return raw
    found = _AS_TEXT.fullmatch(raw.strip())
    bare = pasted(found[1] if found else raw)
    digits = _PREFIX.sub("", bare, count=1) if bare[:1] in "Ll" else bare
    if is_number(digits, length):
        return digits
    raise ValueError(_number_trouble(digits, length))


def day(raw: str, this_year: int, zone: tzinfo | None = None) -> str | None:
    """Return a French or ISO date, with or without time, as an ISO date; None for an empty cell.

    Midnight in `zone`, written in another one, is the day that begins there.
    """
    value = text(raw, nothing())
    if not value.strip("0/.- :"):
        return None
    clock = _TIME.search(value)
    if clock:
        value = value[: clock.start()]
    french, iso = _FRENCH_DATE.fullmatch(value), _ISO_DATE.fullmatch(value)
    if french:
        year = int(french[3])
        if len(french[3]) == 2:
            year += 2000 if 2000 + year <= this_year + _YEARS_AHEAD else 1900
        parts = year, int(french[2]), int(french[1])
    elif iso:
        parts = int(iso[1]), int(iso[2]), int(iso[3])
    else:
        raise ValueError(_("Ce n'est pas une date. Écrivez-la ainsi : 31/12/2026."))
    try:
        found = date(*parts)
    except ValueError:
        raise ValueError(_("Ce jour n'existe pas dans le calendrier.")) from None
    if found.year < _YEAR_MIN:
        raise ValueError(_("Cette date est trop ancienne pour être vraie."))
    if clock and clock["zone"] and zone:
        found = _day_that_begins(found, clock, zone)
    return found.isoformat()


def _day_that_begins(written: date, clock: re.Match[str], zone: tzinfo) -> date:
    """Return the day whose first moment in `zone` is meant, else the one that is written."""
    offset = clock["zone"].upper().replace(":", "").strip()
    name = "+0000" if offset in ("Z", "UTC", "GMT") else offset.ljust(5, "0")
    try:
        hours = f"{int(clock['hours']):02}{clock['minutes']}{clock['seconds'] or '00'}"
        here = datetime.strptime(f"{written:%Y-%m-%d} {hours} {name}", "%Y-%m-%d %H%M%S %z").astimezone(zone)
    except (ValueError, OverflowError):
        return written
    return here.date() if here.time() == time() else written


def in_order(starts: str, ends: str, raw_starts: str, raw_ends: str) -> tuple[str, str]:
    """Return two days in order, where a year of two digits may be of the other century.

    Raise `ValueError` if no reading puts the beginning first.
    """
    for first in _centuries(starts, raw_starts):
        for last in _centuries(ends, raw_ends):
            if first <= last:
                return first, last
    raise ValueError(
        _("La fin (%(ends)s) est avant le début (%(starts)s).", starts=_in_french(starts), ends=_in_french(ends))
    )


def _centuries(iso: str, raw: str) -> tuple[str, ...]:
    written = _FRENCH_DATE.match(text(raw))
    if not written or len(written[3]) == 4:
        return (iso,)
    return iso, f"{'19' if iso.startswith('20') else '20'}{iso[2:]}"


def _in_french(iso: str) -> str:
    return f"{iso[8:]}/{iso[5:7]}/{iso[:4]}"


def address(raw: str) -> str:
    """Return a mail address in normal form; empty for an empty cell."""
    if len(raw) <= EMAIL_MAX and _PLAIN_ADDRESS.fullmatch(raw):
        return raw
    value = text(raw, nothing())
    if not value:
        return ""
    try:
        return mail_address(value)
    except ValueError:
        raise ValueError(_("Ce n'est pas une adresse mail. Le contrat est pris sans elle.")) from None


def _number_trouble(digits: str, length: tuple[int, int]) -> str:
    low, high = length
    if not digits:
        return _("La case est vide.")
    if _POWER.fullmatch(digits) or _DECIMAL.fullmatch(digits):
        return _(
            "Un tableur a réécrit ce numéro : ses chiffres sont perdus. Refaites l'export, avec cette colonne au format"
            " « Texte »."
        )
    if digits.isascii() and digits.isdigit():
        if low == high:
            return _("Ce numéro a %(count)s chiffres ; il en faut %(low)s.", count=len(digits), low=low)
        return _(
            "Ce numéro a %(count)s chiffres ; il en faut de %(low)s à %(high)s.", count=len(digits), low=low, high=high
        )
    if digits.isdecimal():
        return _("Ces chiffres ne sont pas les chiffres 0 à 9.")
    if any(c.isalpha() for c in digits):
        return _("Ce numéro contient une lettre ; il ne doit contenir que des chiffres.")
    return _("Ce numéro contient un caractère qui n'est pas un chiffre.")
