"""Read a folder or ZIP of rent notices within bounds. Nothing is unpacked to a path."""

import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from ..errors import NoticesUnusable
from ..i18n import gettext as _

#: Largest notice in bytes, a hundred times a usual one.
FILE_MAX = 10_000_000
#: Largest declared total of a ZIP; a larger one is a bomb.
ZIP_MAX = 10_000_000_000
_MAGIC = b"%PDF-"
#: Other methods unpack a block of any size at once.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1
#: What a broken ZIP may raise.
_BROKEN = (OSError, EOFError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error, struct.error)


class Refused(Exception):
    """Raised for a file that is no notice; tells staff why."""


@dataclass(frozen=True)
class File:
    """A file of a folder or ZIP. `load` reads at most `FILE_MAX + 1` bytes."""

    name: str
    load: Callable[[], bytes]


@contextmanager
def open_files(path: Path) -> Iterator[list[File]]:
    """Give the files of a folder or ZIP by name; raise `NoticesUnusable` if it is neither."""
    with ExitStack() as stack:
        try:
            files = _in_folder(path) if path.is_dir() else _in_zip(stack.enter_context(zipfile.ZipFile(path)))
        except _BROKEN:
            raise NoticesUnusable(_("Ce n'est ni un dossier ni un fichier ZIP, ou il ne peut pas être lu.")) from None
        if not files:
            raise NoticesUnusable(_("Il n'y a aucun fichier à publier ici."))
        yield sorted(files, key=lambda file: file.name)


def read_pdf(file: File) -> bytes:
    """Return the content; raise `Refused` if it is no PDF."""
    content = file.load()
    if not content:
        raise Refused(_("Le fichier est vide."))
    if len(content) > FILE_MAX:
        raise _too_large()
    if not may_be_notice(content):
        raise Refused(_("Ce n'est pas un fichier PDF."))
    return content


def may_be_notice(content: bytes) -> bool:
    """Tell whether the content begins like a PDF and is not too large."""
    return content.startswith(_MAGIC) and len(content) <= FILE_MAX


def _in_folder(folder: Path) -> list[File]:
    def fail(trouble: OSError) -> None:
        raise trouble

    paths = (Path(place, name) for place, _folders, names in os.walk(folder, onerror=fail) for name in names)
    files = [(path.relative_to(folder).as_posix(), path) for path in paths]
    return [File(name, partial(_from_disk, path)) for name, path in files if not _is_by_product(name)]


def _from_disk(path: Path) -> bytes:
    if not path.is_file():  # reading a pipe could wait for ever
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
    except _BROKEN:  # a false size too: it fails the checksum
        raise _unreadable() from None


def _bounded(file: IO[bytes]) -> bytes:
    return file.read(FILE_MAX + 1)


def _is_by_product(name: str) -> bool:
    """Tell whether an operating system made the file."""
    return any(part == "__MACOSX" or part.startswith(".") and part != ".." for part in PurePosixPath(name).parts)


def _too_large() -> Refused:
    return Refused(_("Le fichier dépasse %(size)s Mo.", size=FILE_MAX // 1_000_000))


def _unreadable() -> Refused:
    return Refused(_("Le fichier est abîmé ou ne peut pas être lu."))
