"""What lies in a folder or a ZIP of rent notices: contents bounded, names read, nothing ever unpacked where it says."""

import os
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from ..contracts.numbers import NUMBER_TEXT_MAX, digits_of, is_number
from ..errors import NoticesUnusable
from ..i18n import gettext as _
from ..settings import settings

#: Bytes of one notice at the most; what a program prints has a hundredth of that.
FILE_MAX = 10_000_000
#: Bytes that all files of a ZIP may say they have: more would be no month's notices, but a bomb.
ZIP_MAX = 10_000_000_000
_MAGIC = b"%PDF-"
#: Other methods unpack a block at once, however large it says to be.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1  # of the flags of a file in a ZIP
#: What reading a broken file of a ZIP may raise.
_BROKEN = (OSError, EOFError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error, struct.error)

_PERIOD = re.compile(r"(?<![0-9])(20[0-9]{2})-(0[1-9]|1[0-2])(?![0-9])")
_DAY = re.compile(r"(?<![0-9])20[0-9]{2}-[0-9]{2}-[0-9]{2}(?![0-9])")
_WORD = re.compile(r"[^\W_]+")


class Refused(Exception):
    """A file that is no notice; the message says why, to the staff."""


@dataclass(frozen=True)
class File:
    """One file, by its name within the folder or the ZIP; `load` returns its content, one byte too long at the most."""

    name: str
    load: Callable[[], bytes]


@contextmanager
def opened(path: Path) -> Iterator[list[File]]:
    """Open a folder or a ZIP and return its files in the order of their names; raise `NoticesUnusable` for others."""
    with ExitStack() as stack:
        try:
            files = _in_folder(path) if path.is_dir() else _in_zip(stack.enter_context(zipfile.ZipFile(path)))
        except _BROKEN:
            raise NoticesUnusable(_("Ce n'est ni un dossier ni un fichier ZIP, ou il ne peut pas être lu.")) from None
        if not files:
            raise NoticesUnusable(_("Il n'y a aucun fichier à publier ici."))
        yield sorted(files, key=lambda file: file.name)


def content_of(file: File) -> bytes:
    """Return the PDF in a file; raise `Refused` for anything else."""
    content = file.load()
    if not content:
        raise Refused(_("Le fichier est vide."))
    if len(content) > FILE_MAX:
        raise _too_large()
    if not may_be_notice(content):
        raise Refused(_("Ce n'est pas un fichier PDF."))
    return content


def may_be_notice(content: bytes) -> bool:
    """Tell whether a content is one that a publication takes: a PDF by its beginning, and not too large."""
    return content.startswith(_MAGIC) and len(content) <= FILE_MAX


def reading_of(name: str, period: date | None) -> tuple[str, date]:
    """Return the reference and the month that a file name says; raise `Refused` unless there is one reading only.

    Words without digits count for nothing; every digit must belong to the reference or to the month.
    """
    if not name.lower().endswith(".pdf"):
        raise Refused(_("Ce n'est pas un fichier PDF."))
    stem = PurePosixPath(name).stem
    if len(stem) > NUMBER_TEXT_MAX:
        raise Refused(_("Le nom est trop long."))
    months = {date(int(year), int(month), 1) for year, month in _PERIOD.findall(stem)} | ({period} if period else set())
    words = _WORD.findall(_PERIOD.sub(" ", stem))
    numbers = {digits_of(word) for word in words if any(c.isdecimal() for c in word)}
    if len(months) > 1 or len(numbers) > 1 or _DAY.search(stem):
        raise Refused(_("Le nom peut se lire de deux façons. Écrivez-le ainsi : 123456_2026-11.pdf"))
    low, high = settings.reference_length
    length = (1 if low == high else low, high)  # of one length only, leading zeros may lack: they are sure
    if not numbers or not is_number(reference := numbers.pop(), length):
        raise Refused(_("Le nom ne porte pas de référence contrat. Écrivez-le ainsi : 123456_2026-11.pdf"))
    if not months:
        raise Refused(_("Le nom ne dit pas le mois. Écrivez-le ainsi : 123456_2026-11.pdf, ou ajoutez --period."))
    return reference, months.pop()


def _in_folder(folder: Path) -> list[File]:
    def fail(trouble: OSError) -> None:
        raise trouble

    paths = (Path(place, name) for place, _folders, names in os.walk(folder, onerror=fail) for name in names)
    files = [(path.relative_to(folder).as_posix(), path) for path in paths]
    return [File(name, partial(_from_disk, path)) for name, path in files if not _is_by_product(name)]


def _from_disk(path: Path) -> bytes:
    if not path.is_file():  # a pipe would be waited for without end
        raise Refused(_("Ce n'est pas un fichier PDF."))
    try:
        with path.open("rb") as file:
            return _bounded(file)
    except OSError:
        raise _unreadable() from None


def _in_zip(archive: zipfile.ZipFile) -> list[File]:
    members = [info for info in archive.infolist() if not info.is_dir()]
    if sum(info.file_size for info in members) > ZIP_MAX:
        raise NoticesUnusable(_("Une fois ouvert, ce fichier ZIP serait trop grand."))
    named = [(info.filename.replace("\\", "/"), info) for info in members]
    return [File(name, partial(_from_zip, archive, info, name)) for name, info in named if not _is_by_product(name)]


def _from_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> bytes:
    if name.startswith("/") or ".." in PurePosixPath(name).parts:
        raise Refused(_("Le nom de ce fichier désigne un endroit hors du ZIP."))
    if info.flag_bits & _ENCRYPTED:
        raise Refused(_("Le fichier est protégé par un mot de passe."))
    if info.file_size > FILE_MAX:
        raise _too_large()
    if info.compress_type not in _METHODS:
        raise _unreadable()
    try:
        with archive.open(info) as file:
            return _bounded(file)
    except _BROKEN:  # a size that was not true among them: the checksum tells
        raise _unreadable() from None


def _bounded(file: IO[bytes]) -> bytes:
    return file.read(FILE_MAX + 1)


def _is_by_product(name: str) -> bool:
    """Tell whether a system laid the file there by itself: macOS's copies, hidden files."""
    return any(part == "__MACOSX" or part.startswith(".") and part != ".." for part in PurePosixPath(name).parts)


def _too_large() -> Refused:
    return Refused(_("Le fichier dépasse %(size)s Mo.", size=FILE_MAX // 1_000_000))


def _unreadable() -> Refused:
    return Refused(_("Le fichier est abîmé ou ne peut pas être lu."))
