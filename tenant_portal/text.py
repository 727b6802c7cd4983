"""Texts compared, shortened and masked; nothing of ours is imported."""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")

#: Signs of a word that a search compares.
WORD_MAX = 200
EMAIL_MAX = 254  # RFC 5321, 4.5.3.1.3 with its angle brackets taken off


def folded(text: str) -> str:
    """Return a text for comparison: small letters without accents, single spaces."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(plain.split())


def words_of(text: str) -> list[str]:
    """Return the words of a text for a search, each once: folded, hyphens, apostrophes and all other signs aside."""
    return list(dict.fromkeys(word[:WORD_MAX] for word in _WORD.findall(folded(text))))


def full_name(title: str, first_name: str, last_name: str) -> str:
    """Return a person's name as the roster has it; any part of it may be missing."""
    return " ".join(part for part in (title, first_name, last_name) if part)


def masked_reference(reference: str) -> str:
    """Return the last three digits, all that mails and logs may show of a reference."""
    return reference[-3:]


def masked_address(address: str) -> str:
    """Return the address with all of its local part but the first letter hidden."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"
