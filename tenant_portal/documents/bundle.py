"""Many files as one ZIP, sent while it is made: only one file is in memory at a time."""

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

#: A file that its owner alone reads and writes.
_MODE = 0o100600 << 16


class Member(NamedTuple):
    """A file of the ZIP; `load` may raise `OSError`."""

    path: str
    load: Callable[[], bytes]


class _Window(io.BytesIO):
    """A file of which only the end is kept: the writer of a ZIP goes back within one member, never further."""

    def __init__(self) -> None:
        super().__init__()
        self._gone = 0

    def tell(self) -> int:
        """Return the place in the whole file."""
        return self._gone + super().tell()

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place in the whole file."""
        return self._gone + super().seek(place - self._gone if whence == io.SEEK_SET else place, whence)

    def take(self) -> bytes:
        """Return what was written, and keep it no longer."""
        piece = self.getvalue()
        self._gone += len(piece)
        super().seek(0)
        self.truncate(0)
        return piece


def stream(
    members: Iterable[Member], at: datetime, on_missing: Callable[[Member, OSError], None], note: Member
) -> Iterator[bytes]:
    """Yield a ZIP of the members in pieces. What cannot be read is told in a file inside, whose head is `note`.

    Needs no application: it goes on when the request is over.
    """
    window, missing = _Window(), list[str]()
    with zipfile.ZipFile(window, "w", zipfile.ZIP_STORED) as archive:  # PDFs are compressed already
        for member in members:
            try:
                content = member.load()
            except OSError as trouble:
                on_missing(member, trouble)
                missing.append(member.path)
                continue
            archive.writestr(_entry(member.path, at), content)
            yield window.take()
        if missing:
            text = "\r\n".join([note.load().decode(), "", *missing, ""])
            archive.writestr(_entry(note.path, at), text.encode("utf-8-sig"))
    yield window.take()


def _entry(path: str, at: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, (at.year, at.month, at.day, at.hour, at.minute, at.second))
    entry.external_attr = _MODE
    return entry
