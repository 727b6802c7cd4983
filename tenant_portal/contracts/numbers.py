"""What is a valid reference or module, and how people type them."""

import re

from ..text import pasted

# « L/123456 »; word processors write longer dashes (S30).
_SEPARATORS = re.compile(r"[/\\.|\-\u2010-\u2015\u2212]")
_PREFIX = re.compile(r"^[Ll](?=[0-9])")
_DIGITS = re.compile(r"[0-9]+")

#: Longer texts are no numbers and reach no regular expression.
NUMBER_TEXT_MAX = 100


def digits_of(typed: str) -> str:
    """Return a typed or pasted number without « L/ », spaces and separators.

    Other letters stay: `is_number` refuses them (S30, T01).
    """
    if len(typed) > NUMBER_TEXT_MAX:
        return typed
    return _PREFIX.sub("", _SEPARATORS.sub("", pasted(typed)))


def is_number(text: str, length: tuple[int, int]) -> bool:
    """Tell whether `text` is ASCII digits of that length, both bounds included."""
    low, high = length
    return low <= len(text) <= high and _DIGITS.fullmatch(text) is not None


def padded_variants(number: str, length: tuple[int, int]) -> list[str]:
    """Return the number, then itself with each other count of leading zeros (T02).

    An empty number matches nothing.
    """
    if not number:
        return []
    core = number.lstrip("0") or "0"
    padded = (core.zfill(width) for width in range(len(core), length[1] + 1))
    return [number, *(variant for variant in padded if variant != number)]
