"""What a search consists of: words, numbers and mail addresses, and whether a contract has them all."""

import re
from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

from ..contracts.numbers import digits_of
from ..text import EMAIL_MAX, WORD_MAX, beginnings_of, pasted, street_name, words_of

#: Longer texts are no search.
QUERY_MAX = 500
#: Dropped beside other words: no field that is searched has them.
CIVILITIES = {"mme", "mlle", "mr", "madame", "mademoiselle", "monsieur"}
_REFERENCE = re.compile(r"[Ll]?[/\\-]?[0-9][0-9/\\.-]*[0-9]|[0-9]")


class Terms(NamedTuple):
    """What was typed. All must be found in a contract, each at the beginning of a word, number or address."""

    words: tuple[str, ...]
    addresses: tuple[str, ...]

    def rarest(self, most: int) -> list[str]:
        """Return the longest words, and single letters only where there is nothing else."""
        longest = sorted(self.words, key=len, reverse=True)
        return [word for word in longest if len(word) > 1 or len(longest[0]) == 1][:most]

    def joined(self, at: int) -> "Terms":
        """Return them with two neighbours in one word."""
        words = self.words
        return self._replace(words=(*words[:at], words[at] + words[at + 1], *words[at + 2 :]))


def terms_of(typed: str) -> Terms | None:
    """Take a search apart; None for what no contract can have."""
    if len(typed) > QUERY_MAX:
        return None
    words: list[str] = []
    addresses: list[str] = []
    for piece in typed.split():
        if "@" in piece:
            addresses.append(pasted(piece).lower())
        elif piece[0] in "Ll" and _REFERENCE.fullmatch(piece):
            words.append(digits_of(piece))
        else:
            words += words_of(piece)
    words = [word for word in words if word not in CIVILITIES] or words
    if any(len(word) > WORD_MAX for word in words) or not all(
        len(a) <= EMAIL_MAX and a.isprintable() for a in addresses
    ):
        return None
    return Terms(tuple(dict.fromkeys(words)), tuple(dict.fromkeys(addresses)))


def is_number(word: str) -> bool:
    """Tell whether a word may begin a reference or module."""
    return word.isascii() and word.isdigit()


class Checker:
    """Tells which rows have all terms, as the indexes would."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self._beginnings = cache(lambda value: " ".join(beginnings_of(value)))

    def of(self, rows: Sequence[Any], former: Mapping[int, list[str]]) -> list[int]:
        """Return the numbers of the rows that have every word and address, with the accounts' former ones."""
        return [r.id for r in rows if self._has_words(r) and self._has_addresses(r, former.get(r.account_id, []))]

    def _has_words(self, row: Any) -> bool:
        values = (row.last_name, row.first_name, street_name(row.street), row.city)
        texts = " ".join(("", *map(self._beginnings, values), row.street.lower()))
        return all(
            f" {word}" in texts or (is_number(word) and (row.reference.startswith(word) or row.module.startswith(word)))
            for word in self.terms.words
        )

    def _has_addresses(self, row: Any, former: list[str]) -> bool:
        own = [row.email, row.account_email or "", *former]
        return all(any(map(partial(_is_address, typed), own)) for typed in self.terms.addresses)


def _is_address(typed: str, address: str) -> bool:
    address = address.lower()
    return address.startswith(typed) or (typed.startswith("@") and address[address.find("@") :].startswith(typed))
