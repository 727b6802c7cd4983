"""What headers and cells of a roster mean.

Functions raise `ValueError` with a reason for staff.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email

from ..contracts.numbers import is_number
from ..i18n import gettext as _
from ..text import EMAIL_MAX


class Column(NamedTuple):
    """What staff call a column, and its possible headers, without the words in `_SMALL`."""

    label: str
    headers: str


#: Columns by their attribute of `Contract`.
COLUMNS = {
    "reference": Column(
        "Référence contrat",
        "reference contrat, ref contrat, contrat, reference, ref, num contrat, code contrat, id contrat,"
        " reference bail, ref bail, bail, reference locataire, reference dossier, contract reference, contract",
    ),
    "module": Column(
        "N° module", "module, num module, reference module, ref module, code module, id module, module number"
    ),
    "title": Column("Civilité", "civilite, titre, civ, title"),
    "last_name": Column("Nom", "nom, nom famille, nom locataire, nom titulaire, last name, surname"),
    "first_name": Column("Prénom", "prenom, prenoms, prenom locataire, prenom titulaire, first name"),
    "street": Column("Adresse", "adresse, rue, voie, adresse logement, adresse postale, adresse 1, street"),
    "postcode": Column("Code postal", "code postal, cp, codepost, postcode, zip"),
    "city": Column("Ville", "ville, commune, localite, city"),
    "kind": Column("Nature", "nature, nature bien, type bien, type, type logement, nature contrat, kind"),
    "payment": Column(
        "Mode de paiement",
        "mode paiement, paiement, mode reglement, reglement, moyen paiement, mode payement, payment",
    ),
    "starts_on": Column(
        "Date d'entrée",
        "date entree, entree, date debut, debut, debut bail, date debut bail, date effet, date entree lieux, starts on,"
        " start date",
    ),
    "ends_on": Column(
        "Date de sortie",
        "date sortie, sortie, date fin, fin, fin bail, date fin bail, date depart, ends on, end date",
    ),
    "email": Column(
        "E-mail",
        "e mail, email, mail, adresse mail, adresse e mail, adresse email, courriel, adresse courriel,"
        " adresse electronique, mail locataire, email locataire",
    ),
}

_SMALL = {"n", "no", "numero", "nr", "de", "du", "des", "d", "la", "le", "les", "l"}
_NAMES = {header.replace(" ", ""): name for name, column in COLUMNS.items() for header in column.headers.split(", ")}

_SPACES = re.compile(r"\s+")
_PREFIX = re.compile(r"[Ll](?:[/\\|.-])?(?=[0-9])")
_AS_TEXT = re.compile(r'="([^"]*)"')  # keeps leading zeros in a spreadsheet
_POWER = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+")
_DECIMAL = re.compile(r"[0-9]+[.,][0-9]+")
_FRENCH_DATE = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4}|[0-9]{2})")
_ISO_DATE = re.compile(r"([0-9]{4})[/.-]([0-9]{1,2})[/.-]([0-9]{1,2})")
_TIME = re.compile(r"[ T][0-9]{1,2}[:h][0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?")
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


def column_of(header: str) -> str | None:
    """Return the column of a header, ignoring accents, capitals, punctuation and small words."""
    words = re.split(r"[^a-z0-9]+", _plain(header))
    return _NAMES.get("".join(word for word in words if word not in _SMALL)) or _NAMES.get("".join(words))


def text(raw: str) -> str:
    """Return a cell on one line: single spaces, no control characters, without `="…"`."""
    if not raw.isprintable():
        raw = "".join(c for c in raw if c.isprintable() or c.isspace())
    if not raw.isascii():
        raw = unicodedata.normalize("NFC", raw)
    value = " ".join(raw.split())
    if value.startswith('="'):
        found = _AS_TEXT.fullmatch(value)
        return found[1].strip() if found else value
    return value


def are_texts(cells: Sequence[str], longest: int) -> bool:
    """Tell in one pass whether `text` changes no cell, and none is too long."""
    whole = f"|{'|'.join(cells)}|"
    return (
        whole.isprintable()
        and not any(sign in whole for sign in ("  ", "| ", " |", '|="'))
        and (whole.isascii() or unicodedata.is_normalized("NFC", whole))
        and max(map(len, cells)) <= longest
    )


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
    bare = _SPACES.sub("", found[1] if found else raw)
    digits = _PREFIX.sub("", bare, count=1) if bare[:1] in "Ll" else bare
    if is_number(digits, length):
        return digits
    raise ValueError(_number_trouble(digits, length))


def day(raw: str, this_year: int) -> str | None:
    """Return a French or ISO date, with or without time, as an ISO date; None for an empty cell."""
    value = text(raw)
    if not value.strip("0/.- :"):
        return None
    found = _TIME.search(value)
    if found and found.end() == len(value):
        value = value[: found.start()]
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
        found_day = date(*parts)
    except ValueError:
        raise ValueError(_("Ce jour n'existe pas dans le calendrier.")) from None
    if found_day.year < _YEAR_MIN:
        raise ValueError(_("Cette date est trop ancienne pour être vraie."))
    return found_day.isoformat()


def is_direct_debit(payment: str) -> bool:
    """Tell whether a payment begins with « prélèvement », ignoring case, accents and spaces."""
    return _SPACES.sub("", _plain(payment)).startswith("prelevement")


def address(raw: str) -> str:
    """Return a mail address in normal form; empty for an empty cell."""
    if len(raw) <= EMAIL_MAX and _PLAIN_ADDRESS.fullmatch(raw):
        return raw
    value = text(raw)
    if not value:
        return ""
    try:
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError:
        raise ValueError(_("Ce n'est pas une adresse mail. Le contrat est pris sans elle.")) from None


def _plain(words: str) -> str:
    decomposed = unicodedata.normalize("NFKD", words.replace("°", " ")).lower()
    return "".join(c for c in decomposed if not unicodedata.combining(c))


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
    return _("Ce numéro contient un signe qui n'est pas un chiffre.")
