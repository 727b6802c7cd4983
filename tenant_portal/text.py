"""Texts as people paste them; compared, shortened and masked."""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})

#: Characters that a search compares.
WORD_MAX = 200
#: What stands before the name of a street. An index has these signs in this order.
HOUSE_NUMBER = "0123456789, "
EMAIL_MAX = 254  # RFC 5321, 4.5.3.1.3, without angle brackets
#: Longer texts are neither numbers nor addresses, whatever decorates them.
PASTED_MAX = 1_000

#: Unicode's Default_Ignorable_Code_Point, two signs without ink, and the mark of a pasted picture.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SPACES = re.compile(r"\s+")
_OPENING, _CLOSING = "\"'`«“„‘‹<([{*", "\"'`»”’›>)]}*.,;:!"
_LINK_SCHEME = re.compile(r"(?i)^(?:mailto|tel):")


def folded(text: str) -> str:
    """Return a text in lower case, without accents, with single spaces."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(plain.split())


def pasted(typed: str) -> str:
    """Return a number or address as it was meant: without spaces, signs that nobody sees, and a mail program's signs.

    Pages and mail programs put marks of direction, zero widths, brackets, quotes and «mailto:» around what is copied.
    """
    if len(typed) > PASTED_MAX:
        return typed
    if typed.isalnum() and typed.isascii():
        return typed
    text = unicodedata.normalize("NFC", _SPACES.sub("", _UNSEEN.sub("", typed)))
    while text != (inner := _LINK_SCHEME.sub("", text.lstrip(_OPENING).rstrip(_CLOSING))):
        text = inner
    return text


def words_of(text: str) -> list[str]:
    """Return the folded words of a text without punctuation; «œ» is two letters."""
    return _WORD.findall(folded(text).translate(_LIGATURES))


def beginnings_of(text: str) -> list[str]:
    """Return a text in one piece from each of its words on: «D'Angelo» is dangelo and angelo."""
    words = words_of(text)
    return list(dict.fromkeys("".join(words[at:])[:WORD_MAX] for at in range(len(words))))


def street_name(street: str) -> str:
    """Return a street without its house number."""
    return street.lstrip(HOUSE_NUMBER)


def full_name(title: str, first_name: str, last_name: str) -> str:
    """Return a person's name; any part may be missing."""
    return " ".join(part for part in (title, first_name, last_name) if part)


def place(kind: str, street: str) -> str:
    """Return what tells a contract from others of its tenant: kind and street, as far as known."""
    return ", ".join(part for part in (kind, street) if part)


def masked_reference(reference: str) -> str:
    """Return the last three digits, all that mails and logs may show."""
    return reference[-3:]


def masked_address(address: str) -> str:
    """Return a mail address without most of its name: « e…n@orange.fr »."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…{name[-1:] if len(name) > 2 else ''}@{domain}"
