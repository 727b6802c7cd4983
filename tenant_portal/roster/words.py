"""The words of rosters, all in one place: headings, payments, yes and no, nothing."""

import re
import unicodedata
from collections.abc import Iterable
from itertools import product
from typing import NamedTuple

from ..text import folded


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
    "is_direct_debit": Column(
        "Prélèvement",
        "prelevement, prelevement automatique, prelevement sepa, prelevement bancaire, prelevement auto, preleve, prlv,"
        " prlv sepa, sdd, prelevement actif, en prelevement, autorisation prelevement, direct debit",
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

#: Words of a heading that say nothing; and those that say something, but may be left out.
SMALL = "n, no, numero, nr, de, du, des, d, la, le, les, l"
EXTRA = "locataire, titulaire, occupant, preneur, obligatoire, facultatif, requis, required, jj, mm, aaaa, o, oui, non"
_SMALL = frozenset(SMALL.split(", "))
_EXTRA = _SMALL | frozenset(EXTRA.split(", "))
_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]|\{[^}]*\}")

#: What programs write where nothing stands. `text` compares whole cells with these very spellings.
NOTHING = (
    "null, (null), \\n, n/a, #n/a, néant, neant, sans objet, non renseigné, non renseigne, (vide), (aucun), (néant)"
)
#: The same, except in a name, where somebody is called so.
NOTHING_BUT_NAMES = "na, n.a., nan, nil, none, nul, vide, aucun, aucune, s/o, nc, n/c"
_SIGNS_OF_NOTHING = {sign * count for sign, count in product("-–—_./*?", range(1, 7))}

#: How direct debit is called: beginnings of words; with a dot, whole words.
DIRECT_DEBIT = "prel, prlv, plvt, autoprel, sdd., direct debit, mandat., mandats., domiciliation"
#: What takes it back, in the same cell, likewise.
NOT_NOW = (
    "non., no., not., pas., sans., hors., ex., plus., faux., false., off., 0., stop, aucun, ancien, suspen, refus,"
    " rejet, revoqu, resili, annul, arret, atten, expir, desactiv, inacti, bloqu, oppos, caduc, cess, interromp, impay,"
    " echou, echec, erreur, retourn, invalid, incomplet, manqu, absent, perim, supprim, termin, clos, contest, demand,"
    " en cours de, a signer, a recevoir, a venir, a mettre"
)
#: Other ways of paying, likewise. Some money orders begin like a mandate.
OTHER_PAYMENT = (
    "mandat cash, mandat postal, mandat compte, mandat poste, mandat facteur, cheq, chq., virement, vir., virt., vrt.,"
    " tip., tipsepa, carte, cb., tpe., espece, esp., numeraire, liquide, comptant, cash, eficash, efficash, guichet,"
    " caisse, internet, en ligne, paypal, cesu, retenue, compensation, autre"
)
#: What a column of its own says of direct debit.
YES = "o, oui, 1, -1, x, v, vrai, true, t, y, yes, on, ok, actif, active, ✓, ✔, ☑"
NO = "n, non, 0, faux, false, f, no, off, inactif, ✗, ✘, ☐"


def _spellings(words: str) -> frozenset[str]:
    """Return words as written, in capitals and with a capital."""
    return frozenset(way(word) for word in words.split(", ") for way in (str, str.upper, str.capitalize, str.title))


_NOTHING_FOR_NAMES = _spellings(NOTHING) | _SIGNS_OF_NOTHING
_NOTHING = _NOTHING_FOR_NAMES | _spellings(NOTHING_BUT_NAMES)


def nothing(*, is_name: bool = False) -> frozenset[str]:
    """Return the cells that mean nothing in a column."""
    return _NOTHING_FOR_NAMES if is_name else _NOTHING


def _pattern(words: str) -> re.Pattern[str]:
    """Return a pattern for words, or their beginnings, in a folded text of words."""
    ends = (re.escape(word.removesuffix(".")) + (r"\b" if word.endswith(".") else "") for word in words.split(", "))
    return re.compile(rf"\b(?:{'|'.join(ends)})")


_DEBIT, _NOT_NOW, _OTHER = map(_pattern, (DIRECT_DEBIT, NOT_NOW, OTHER_PAYMENT))
_TRUTH = dict.fromkeys(YES.split(", "), True) | dict.fromkeys(NO.split(", "), False)
_ENDS_IN_NO = re.compile(r"\b(?:n|ko|nok)$")


def is_direct_debit(cell: str, own: dict[str, bool]) -> bool | None:
    """Tell whether a payment is direct debit; None if its words say neither.

    `own` holds the landlord's words, which go first. An empty cell is none.
    """
    if not cell:
        return False
    plain = folded(re.sub(r"[nN][°º]", " ", cell))
    if plain in own:
        return own[plain]
    words = " ".join(re.findall(r"[^\W_]+", plain))
    other = _OTHER.search(words)
    rest = _OTHER.sub("", words) if other and other[0].startswith("mandat") else words
    is_debit = _DEBIT.search(rest) or words.replace(" ", "").startswith("prelev")
    if is_debit and other:
        return None
    if is_debit and (_NOT_NOW.search(words) or _ENDS_IN_NO.search(words)):
        return False
    return True if is_debit else False if other else None


def truth(cell: str, own: dict[str, bool]) -> bool | None:
    """Tell what a cell of a yes-or-no column says, which may be a payment too; None if neither or empty."""
    if not cell:
        return None
    said = _TRUTH.get(folded(cell).strip(" .:()[]"))
    return is_direct_debit(cell, own) if said is None else said


def own_words(debit: Iterable[str], other: Iterable[str]) -> dict[str, bool]:
    """Return the landlord's words with what they say."""
    return {folded(word): False for word in other} | {folded(word): True for word in debit}


def plain(words: str) -> str:
    """Return words in lower case without accents; superscripts are footnotes."""
    no_notes = "".join(" " if unicodedata.category(c) == "No" or c in "°º" else c for c in words)
    decomposed = unicodedata.normalize("NFKD", no_notes).lower()
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _key(header: str, dropped: frozenset[str] = frozenset()) -> str:
    return "".join(word for word in re.split(r"[^a-z0-9]+", plain(header)) if word not in dropped)


_NAMES = {header.replace(" ", ""): name for name, column in COLUMNS.items() for header in column.headers.split(", ")}
_EXACT = {_key(column.label, _SMALL): name for name, column in COLUMNS.items()}


class Match(NamedTuple):
    """The column of a heading, and how doubtful that is: 0 for its very name."""

    name: str
    doubt: int


def column_of(header: str) -> Match | None:
    """Return the column of a heading, whatever its accents, capitals, punctuation, brackets and small words."""
    bare = _BRACKETS.sub(" ", header)  # the same object where there are none
    tries = [(header, _SMALL), (header, frozenset[str]()), (bare, _SMALL), (bare, frozenset[str]()), (bare, _EXTRA)]
    for words, dropped in tries:
        key = _key(words, dropped)
        if name := _NAMES.get(key):
            return Match(name, 2 * (words is not header or dropped is _EXTRA) + (_EXACT.get(key) != name))
    return None
