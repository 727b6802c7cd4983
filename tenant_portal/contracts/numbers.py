"""What is a valid reference or module: digits, as people type and print them."""

import re
import unicodedata

# A notice prints « L/123456 », people copy it with spaces of every kind (S30).
_SPACES = re.compile(r"\s+")
_SEPARATORS = re.compile(r"[/\\.|\-]")
_PREFIX = re.compile(r"^[Ll](?=[0-9])")
_DIGITS = re.compile(r"[0-9]+")

#: Longest text that a digits field is looked at; more is no number, and no regular expression should meet it.
NUMBER_TEXT_MAX = 100


def digits_of(typed: str) -> str:
    """Return what was typed as a number without the « L/ » of the notice, its spaces and its separators.

    Forgives only what a person adds around digits; letters elsewhere stay, for `is_number` to refuse (S30, T01).
    """
    if len(typed) > NUMBER_TEXT_MAX:
        return typed
    text = _SPACES.sub("", unicodedata.normalize("NFC", typed).replace("\u200b", "").replace("\ufeff", ""))
    return _PREFIX.sub("", _SEPARATORS.sub("", text))


def is_number(text: str, length: tuple[int, int]) -> bool:
    """Tell whether `text` is ASCII digits only, of a length within the two bounds (both included)."""
    low, high = length
    return low <= len(text) <= high and _DIGITS.fullmatch(text) is not None


def padded_variants(number: str, length: tuple[int, int]) -> list[str]:
    """Return the number with every count of leading zeros that the length allows, itself first (T02).

    An empty number has no variant, so it matches nothing.
    """
    if not number:
        return []
    core = number.lstrip("0") or "0"
    padded = (core.zfill(width) for width in range(len(core), length[1] + 1))
    return [number, *(variant for variant in padded if variant != number)]
