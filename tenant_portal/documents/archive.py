"""Read a folder or ZIP of rent notices within bounds. Nothing is unpacked to a path."""

import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
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
#: Bits of a ZIP's entry: of its flags, and of its attributes as DOS has them.
_ENCRYPTED, _UTF8, _FOLDER = 0x1, 0x800, 0x10
#: Other archives, by the place and the bytes of their sign.
_ARCHIVES = {
    "RAR": (0, b"Rar!\x1a\x07"),
    "7z": (0, b"7z\xbc\xaf\x27\x1c"),
    "gzip": (0, b"\x1f\x8b"),
    "bzip2": (0, b"BZh"),
    "xz": (0, b"\xfd7zXZ"),
    "zstd": (0, b"\x28\xb5\x2f\xfd"),
    "CAB": (0, b"MSCF"),
    "tar": (257, b"ustar"),
}
#: What systems, disks and archivers leave beside files: how the names begin, whole names, and how they end.
_BESIDE = (".", "~$", "~lock.", "@eadir", "@syno")
_BY_PRODUCTS = {
    *("__macosx", "icon\r", "temporary items", "network trash folder", "thevolumesettingsfolder"),  # macOS
    *("desktop.ini", "thumbs.db", "thumbs.db:encryptable", "ehthumbs.db", "ehthumbs_vista.db", "picasa.ini"),
    *("$recycle.bin", "recycler", "recycled", "system volume information", "found.000", "lost+found"),
    *("#recycle", "#snapshot", "@recycle", "@recently-snapshot", "@tmp"),  # shares
}
_STREAMS = (":zone.identifier", ".zone.identifier", ".pdfzone.identifier", "@synoeastream")
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
        except _BROKEN as trouble:
            raise NoticesUnusable(_why_unusable(path, trouble)) from None
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

    files = []
    for place, folders, names in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if not is_by_product(name)]  # some may not be entered
        paths = [Path(place, name) for name in names]
        named = [(path.relative_to(folder).as_posix().replace("\\", "/"), path) for path in paths]
        files += [File(name, partial(_from_disk, path)) for name, path in named if not is_by_product(name)]
    return files


def _from_disk(path: Path) -> bytes:
    if not path.is_file():  # reading a pipe could wait for ever
        raise Refused(_("Ce n'est pas un fichier PDF."))
    try:
        with path.open("rb") as file:
            return _bounded(file)
    except OSError:
        raise _unreadable() from None


def _in_zip(archive: zipfile.ZipFile) -> list[File]:
    named = [(_name_in_zip(info), info) for info in archive.infolist()]
    files = [(name, info) for name, info in named if not _is_folder(name, info)]
    if sum(info.file_size for _name, info in files) > ZIP_MAX:
        raise NoticesUnusable(_("Une fois ouvert, ce fichier ZIP serait trop grand."))
    return [File(name, partial(_from_zip, archive, info, name)) for name, info in files if not is_by_product(name)]


def _name_in_zip(info: zipfile.ZipInfo) -> str:
    """Return the name with slashes, as .NET writes others; without a mark of UTF-8, its encoding is guessed."""
    name = info.filename
    if not info.flag_bits & _UTF8:
        with suppress(UnicodeError):  # a newer Python may have found the name elsewhere
            raw = name.encode("cp437")
            name = raw.decode(_encoding_of(raw))
    return name.replace("\\", "/")


def _encoding_of(raw: bytes) -> str:
    """Tell UTF-8 and the two encodings of French Windows apart."""
    with suppress(UnicodeDecodeError):
        raw.decode()
        return "utf-8"
    has_letters_of_dos = any(0x80 <= byte < 0xC0 for byte in raw)
    return "cp850" if has_letters_of_dos else "latin-1"


def _is_folder(name: str, info: zipfile.ZipInfo) -> bool:
    return name.endswith("/") or not info.file_size and bool(info.external_attr & _FOLDER)


def _from_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> bytes:
    if name.startswith("/") or ".." in PurePosixPath(name).parts:
        raise Refused(_("Le nom de ce fichier désigne un endroit hors du ZIP."))
    if info.flag_bits & _ENCRYPTED:
        raise Refused(
            _("Le fichier est protégé par un mot de passe. Ouvrez le ZIP vous-même, puis publiez le dossier.")
        )
    if info.file_size > FILE_MAX:
        raise _too_large()
    if info.compress_type not in _METHODS:
        raise Refused(
            _(
                "Le fichier est comprimé d'une façon qui n'est pas lue ici. Ouvrez le ZIP vous-même, puis publiez"
                " le dossier."
            )
        )
    try:
        with archive.open(info) as file:
            return _bounded(file)
    except _BROKEN:  # a false size too: it fails the checksum
        raise _unreadable() from None


def _bounded(file: IO[bytes]) -> bytes:
    return file.read(FILE_MAX + 1)


def is_by_product(name: str) -> bool:
    """Tell whether a system, disk or archiver left the file beside those of people."""
    parts = [part.lower() for part in name.split("/")]
    return any(part.startswith(_BESIDE) and part not in {".", ".."} for part in parts) or bool(
        _BY_PRODUCTS.intersection(parts) or parts[-1].endswith(_STREAMS)
    )


def _why_unusable(path: Path, trouble: Exception) -> str:
    """Tell what the path is instead, and the way out."""
    if isinstance(trouble, FileNotFoundError):
        return _("Il n'y a ni dossier ni fichier à cet endroit.")
    if isinstance(trouble, PermissionError):
        return _("Ce compte n'a pas le droit de lire « %(name)s ».", name=trouble.filename)
    if isinstance(trouble, UnicodeError):
        return _("Les noms dans ce fichier ZIP ne peuvent pas être lus. Ouvrez-le vous-même, puis publiez le dossier.")
    head = b""
    with suppress(OSError), path.open("rb") as file:
        head = file.read(512)
    for kind, (place, sign) in _ARCHIVES.items():
        if head.startswith(sign, place):
            return _("C'est une archive %(kind)s. Ouvrez-la vous-même, puis publiez le dossier.", kind=kind)
    if head.startswith(b"PK"):
        return _(
            "Ce fichier ZIP est abîmé, incomplet ou en plusieurs parties. Copiez-le de nouveau en entier, ou ouvrez-le"
            " vous-même et publiez le dossier."
        )
    if head.startswith(_MAGIC):
        return _("C'est un fichier PDF. Mettez-le dans un dossier, puis publiez le dossier.")
    return _("Ce n'est ni un dossier ni un fichier ZIP, ou il ne peut pas être lu.")


def _too_large() -> Refused:
    return Refused(_("Le fichier dépasse %(size)s Mo.", size=FILE_MAX // 1_000_000))


def _unreadable() -> Refused:
    return Refused(_("Le fichier est abîmé ou ne peut pas être lu."))
