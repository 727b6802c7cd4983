"""Open a roster file: detect non-text files and the encoding, and yield its lines."""

import codecs
import re
from collections.abc import Iterator, Mapping
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
        if sample.startswith(mark) and encoding != "utf-8-sig":  # whose BOM does not prove it
            return encoding, "replace"
    even, odd = sample[0:4096:2].count(0), sample[1:4096:2].count(0)
    half = len(sample[:4096]) // 2
    if max(even, odd) * 10 > half * 4 and min(even, odd) * 10 < half:
        return ("utf-16-le" if odd > even else "utf-16-be"), "replace"
    return _utf8_or_windows(file)


def _utf8_or_windows(file: BinaryIO) -> tuple[str, str]:
    """Read the file: UTF-8 if nearly all of it is, else Windows-1252. Raise `RosterUnusable` if it is neither.

    Either way the lines of the other encoding are read rightly, too: wrong bytes of UTF-8 are those of Windows, and
    `repaired` undoes the other mistake.
    """
    decode = codecs.getincrementaldecoder("utf-8")("strict").decode
    file.seek(0)
    for chunk in iter(partial(file.read, 1 << 20), b""):
        try:
            decode(chunk)
        except UnicodeDecodeError:
            _require_windows(file)
            shown = chunk.decode("utf-8", "replace")
            wrong = shown.count("\ufffd")
            right = len(shown) - len(shown.encode("ascii", "ignore")) - wrong
            return ("utf-8-sig" if right > wrong else "cp1252"), _WINDOWS_BYTES
    return "utf-8-sig", "strict"


def _require_windows(file: BinaryIO) -> None:
    """Raise `RosterUnusable` if more letters are as a Mac or DOS writes them than as Windows does."""
    foreign, own, word = 0, 0, b""
    file.seek(0)
    for chunk in iter(partial(file.read, 1 << 20), b""):
        if _count(chunk, _FOREIGN):
            chunk = _UTF8.sub(b"", chunk)  # lines of another encoding
            foreign += len(_FOREIGN_LETTER.findall(chunk))
            word = word or b"".join(_FOREIGN_WORD.findall(chunk)[:1])
        own += _count(chunk, _LETTERS)
    if foreign > own:
        raise RosterUnusable(
            _(
                "Les accents de ce fichier ne sont écrits ni en UTF-8 ni en Windows-1252. S'il vient d'un Mac, ajoutez"
                " --encoding mac-roman (on y lit « %(mac)s ») ; d'un programme DOS, --encoding cp850 (on y lit"
                " « %(dos)s »).",
                mac=word.decode("mac-roman"),
                dos=word.decode("cp850"),
            )
        )


def _count(chunk: bytes, wanted: bytes) -> int:
    return len(chunk) - len(chunk.translate(None, wanted))


_LETTERS = "ÀÂÄÇÈÉÊËÎÏÔÖÙÛÜàâäçèéêëîïôöùûü".encode("cp1252")
#: Letters of a Mac and of DOS, where Windows has signs that stand in no word. « € … Œ ’ – — œ » may.
_FOREIGN = bytes(set(range(0x80, 0xA0)) - {0x80, 0x85, 0x8C, 0x92, 0x96, 0x97, 0x9C})
_FOREIGN_LETTER = re.compile(rb"[A-Za-z][%b]|[%b][a-z]" % (_FOREIGN, _FOREIGN))
_FOREIGN_WORD = re.compile(rb"[A-Za-z\x80-\xff]*(?:%b)[A-Za-z\x80-\xff]*" % _FOREIGN_LETTER.pattern)
_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")

#: Windows-1252 with its five holes as a browser reads them.
_WINDOWS = "".join(bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(256))


def _as_windows(trouble: UnicodeError) -> tuple[str, int]:
    """Decode text of a Windows program that was pasted into a UTF-8 file."""
    if not isinstance(trouble, UnicodeDecodeError):
        raise trouble
    return "".join(_WINDOWS[code] for code in trouble.object[trouble.start : trouble.end]), trouble.end


_WINDOWS_BYTES = "portal-windows-bytes"
codecs.register_error(_WINDOWS_BYTES, _as_windows)

#: How the first bytes of accents in UTF-8 look in three encodings: of sequences of two, and of three.
_FIRST_BYTES = {
    _WINDOWS: ("ÂÃÄÅÆË", "âáï"),
    bytes(range(256)).decode("mac-roman"): ("¬√ƒ≈", "‚"),
    bytes(range(256)).decode("cp850"): ("┬├─┼", "Ô"),
}
_CONTROLS = "".join(map(chr, range(0x80, 0xA0)))  # what Latin-1 has there
_MISREAD = [
    (
        re.compile(f"[{two}][{(rest := re.escape(table[0x80:0xC0] + _CONTROLS))}]|[{three}][{rest}]{{2}}"),
        {sign: code for code, sign in [*enumerate(_CONTROLS, 0x80), *enumerate(table)]},
        tuple(two + three),
    )
    for table, (two, three) in _FIRST_BYTES.items()
]


def is_misread(text: str) -> bool:
    """Tell whether a text has UTF-8 that was read in another encoding, such as « Ã© »."""
    return any(any(map(text.__contains__, first)) and pattern.search(text) for pattern, _codes, first in _MISREAD)


def repaired(text: str) -> str:
    """Return a text with its UTF-8 read as such, even if the mistake was made several times."""
    for pattern, codes, _first in _MISREAD:
        before = ""
        while text != before and pattern.search(text):
            before, text = text, pattern.sub(partial(_as_utf8, codes), text)
    return text


def _as_utf8(codes: Mapping[str, int], found: re.Match[str]) -> str:
    return bytes(codes[sign] for sign in found[0]).decode("utf-8", "ignore") or found[0]


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
            for piece in iter(lambda: text.read(PIECE) + text.readline(LINE_MAX), ""):
                yield _without_tail(piece)
    except UnicodeError:
        raise RosterUnusable(
            _("Ce fichier n'est pas écrit en « %(name)s ». Laissez le programme trouver l'encodage.", name=encoding)
        ) from None
    except OSError as trouble:
        raise RosterUnusable(_("Ce fichier ne peut pas être lu : %(cause)s.", cause=_cause(trouble))) from None


def _without_tail(piece: str) -> str:
    """Return a piece without what DOS and disks leave at the end of a file: Ctrl-Z and NUL."""
    body = piece.rstrip("\x1a\0\n")
    tail = piece[len(body) :]
    return body + "\n" * ("\n" in tail) if "\x1a" in tail or "\0" in tail else piece
