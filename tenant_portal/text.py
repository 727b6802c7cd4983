"""Texts compared, shortened and masked."""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")

#: Characters that a search compares.
WORD_MAX = 200
EMAIL_MAX = 254  # RFC 5321, 4.5.3.1.3, without angle brackets


def folded(text: str) -> str:
    """Return a text in lower case, without accents, with single spaces."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(plain.split())


def words_of(text: str) -> list[str]:
    """Return the folded words of a text, each once, without punctuation."""
    return list(dict.fromkeys(word[:WORD_MAX] for word in _WORD.findall(folded(text))))


def full_name(title: str, first_name: str, last_name: str) -> str:
    """Return a person's name; any part may be missing."""
    return " ".join(part for part in (title, first_name, last_name) if part)


def masked_reference(reference: str) -> str:
    """Return the last three digits, all that mails and logs may show."""
    return reference[-3:]


def masked_address(address: str) -> str:
    """Return the address with only the first letter of its local part."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"
