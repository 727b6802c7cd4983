"""Open a roster file: detect non-text files and the encoding, and yield its lines."""

import codecs
from collections.abc import Iterator
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

from ..errors import RosterUnusable
from ..i18n import gettext as _

#: Longest line in characters.
LINE_MAX = 1_000_000
#: Characters read at a time, so few that they stay in the processor's cache.
PIECE = 1 << 16
#: Bytes that tell the kind of file.
SAMPLE_BYTES = 64 * 1024

_BOMS = (  # UTF-32 begins like UTF-16, so it comes first
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def open_file(path: Path) -> tuple[BinaryIO, bytes]:
    """Open a file and return it with its first bytes; raise `RosterUnusable` if it cannot be read."""
    try:
        if path.is_dir():
            raise RosterUnusable(_("C'est un dossier. Indiquez le fichier qu'il contient."))
        if not path.exists():
            raise RosterUnusable(_("Ce fichier n'existe pas. Vérifiez son nom et son dossier."))
        if not path.is_file():
            raise RosterUnusable(_("Ce n'est pas un fichier ordinaire. Copiez d'abord la liste dans un fichier."))
        file = path.open("rb")
        return file, file.read(SAMPLE_BYTES)
    except (OSError, ValueError) as trouble:
        raise RosterUnusable(_("Ce fichier ne peut pas être lu : %(cause)s.", cause=_cause(trouble))) from None


def _cause(trouble: Exception) -> str:
    return getattr(trouble, "strerror", None) or str(trouble)


def file_type(sample: bytes) -> str | None:
    """Return the kind of a non-text file, in French, or None."""
    known = (
        (b"PK\x03\x04", _("un classeur (Excel ou LibreOffice)")),
        (b"\xd0\xcf\x11\xe0", _("un classeur Excel")),
        (b"%PDF", _("un PDF")),
        (b"\x89PNG", _("une image")),
        (b"\xff\xd8\xff", _("une image")),
        (b"GIF8", _("une image")),
        (b"\x1f\x8b", _("une archive compressée")),
        (b"{\\rtf", _("un document de texte mis en forme")),
    )
    pages = (b"<!doctype", b"<html", b"<table", b"<?xml", b"<meta")
    if sample.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(pages):
        return _("une page web ou un fichier XML")
    return next((name for mark, name in known if sample.startswith(mark)), None)


def encoding_of(file: BinaryIO, sample: bytes) -> tuple[str, str]:
    """Return the encoding and the handler of wrong bytes."""
    for mark, encoding in _BOMS:
        if sample.startswith(mark):
            return encoding, "replace"
    even, odd = sample[0:4096:2].count(0), sample[1:4096:2].count(0)
    half = len(sample[:4096]) // 2
    if max(even, odd) * 10 > half * 4 and min(even, odd) * 10 < half:
        return ("utf-16-le" if odd > even else "utf-16-be"), "replace"
    return _utf8_or_windows(file)


def _utf8_or_windows(file: BinaryIO) -> tuple[str, str]:
    """Read the file: UTF-8 if nearly all of it is, else Windows-1252, which can decode any file."""
    decode = codecs.getincrementaldecoder("utf-8")("strict").decode
    file.seek(0)
    for chunk in iter(partial(file.read, 1 << 20), b""):
        try:
            decode(chunk)
        except UnicodeDecodeError:
            shown = chunk.decode("utf-8", "replace")
            wrong = shown.count("\ufffd")
            right = len(shown) - len(shown.encode("ascii", "ignore")) - wrong
            return ("utf-8-sig", _WINDOWS_BYTES) if right > wrong else ("cp1252", "replace")
    return "utf-8-sig", "strict"


def _as_windows(trouble: UnicodeError) -> tuple[str, int]:
    """Decode text of a Windows program that was pasted into a UTF-8 file."""
    if not isinstance(trouble, UnicodeDecodeError):
        raise trouble
    return trouble.object[trouble.start : trouble.end].decode("cp1252", "replace"), trouble.end


_WINDOWS_BYTES = "portal-windows-bytes"
codecs.register_error(_WINDOWS_BYTES, _as_windows)


def asked_encoding(name: str) -> tuple[str, str]:
    """Return the encoding that staff asked for, in which wrong bytes are errors."""
    try:
        "".encode(name)
        normal = codecs.lookup(name).name
    except (LookupError, ValueError, UnicodeError):
        raise RosterUnusable(
            _("L'encodage « %(name)s » n'existe pas. Essayez utf-8, utf-16 ou windows-1252.", name=name)
        ) from None
    return ("utf-8-sig" if normal == "utf-8" else normal), "strict"


def pieces(file: BinaryIO, encoding: str, errors: str) -> Iterator[str]:
    """Yield some whole lines at a time, each ended by « \\n »."""
    try:
        with TextIOWrapper(file, encoding=encoding, errors=errors, newline=None) as text:
            yield from iter(lambda: text.read(PIECE) + text.readline(LINE_MAX), "")
    except UnicodeError:
        raise RosterUnusable(
            _("Ce fichier n'est pas écrit en « %(name)s ». Laissez le programme trouver l'encodage.", name=encoding)
        ) from None
    except OSError as trouble:
        raise RosterUnusable(_("Ce fichier ne peut pas être lu : %(cause)s.", cause=_cause(trouble))) from None
