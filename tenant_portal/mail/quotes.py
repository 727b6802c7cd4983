"""What somebody typed, marked line by line in a mail of ours: nothing of it can pass for our own words."""

import re
import unicodedata
from collections.abc import Iterator

#: Columns of a marked line, its mark left aside. A mail program folds a longer one, and its rest would stand unmarked.
COLUMNS = 70
#: What begins each marked line.
MARK = "> "
#: Accents on one letter; a pile of them would be drawn over the lines above.
_ACCENTS_MAX = 4
#: Everything that some program takes for the end of a line.
_LINE_ENDS = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
#: Invisible, but part of how letters and signs are joined.
_JOINERS = "\u200c\u200d"
#: The spaces of French typography; every other kind is shown as a plain one.
_OUR_SPACES = "\u00a0\u202f"


def typed(text: str) -> str:
    """Return a text without what could hide or turn it: control characters, marks of direction, piles of accents."""
    return "\n".join(_visible(line) for line in _LINE_ENDS.split(text))


def quoted(text: str) -> str:
    """Return a text with a mark before each of its lines, however they end and however long they are."""
    lines = [part for line in typed(text).split("\n") for part in _folded(line)]
    return "\n".join((MARK + line).rstrip() for line in lines)


def _visible(line: str) -> str:
    shown, accents = "", 0
    for sign in line:
        kind = unicodedata.category(sign)
        accents = accents + 1 if kind[0] == "M" else 0
        if sign == "\t" or kind == "Zs" and sign not in _OUR_SPACES:
            shown += " "
        elif (kind[0] != "C" or sign in _JOINERS) and accents <= _ACCENTS_MAX:
            shown += sign
    return shown


def _folded(line: str) -> Iterator[str]:
    """Yield the line in parts that fit, broken at a space where there is one."""
    while _width(line) > COLUMNS:
        most = _fitting(line)
        space = line.rfind(" ", 0, most + 1)
        cut = space if space > 0 else most
        yield line[:cut].rstrip()
        line = line[cut:].lstrip(" ")
    yield line


def _fitting(line: str) -> int:
    """Return how many characters fit; at least one, so that every part is shorter than the line."""
    columns = 0
    for number, sign in enumerate(line):
        columns += _width(sign)
        if columns > COLUMNS:
            return max(number, 1)
    return len(line)


def _width(text: str) -> int:
    """Return the columns of a text; a sign of the Far East takes two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
