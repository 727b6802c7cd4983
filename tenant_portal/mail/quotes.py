"""Quote typed text in mails: a mark on each line tells it from our words."""

import re
import unicodedata
from collections.abc import Iterator

#: Columns of a line: mail programs fold longer ones and leave the rest unmarked.
COLUMNS = 70
MARK = "> "
#: Accents on one letter: a pile of them would cover the lines above.
_ACCENTS_MAX = 4
#: All that some programs take for line ends.
_LINE_ENDS = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
#: Invisible characters that join letters or signs.
_JOINERS = "\u200c\u200d"
#: Spaces of French typography; others become plain spaces.
_OUR_SPACES = "\u00a0\u202f"


def typed(text: str) -> str:
    """Return the text without control characters, direction marks and piles of accents."""
    return "\n".join(_visible(line) for line in _LINE_ENDS.split(text))


def quoted(text: str) -> str:
    """Return the text with a mark before each line, long lines folded."""
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
    while _width(line) > COLUMNS:
        most = _fitting(line)
        space = line.rfind(" ", 0, most + 1)
        cut = space if space > 0 else most
        yield line[:cut].rstrip()
        line = line[cut:].lstrip(" ")
    yield line


def _fitting(line: str) -> int:
    """Return how many characters fit, at least one."""
    columns = 0
    for number, sign in enumerate(line):
        columns += _width(sign)
        if columns > COLUMNS:
            return max(number, 1)
    return len(line)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
