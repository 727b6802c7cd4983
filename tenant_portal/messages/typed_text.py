"""What was typed, as it is kept."""

import re

# Control characters except line ends and tabs.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def clean(typed: str) -> str:
    """Return a text with plain line ends, without control characters and blank ends."""
    return _CONTROLS.sub("", typed.replace("\r\n", "\n").replace("\r", "\n")).strip()
