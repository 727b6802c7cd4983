"""Read an archive without trusting it: sizes are bounded, all bytes are checked first."""

import hashlib
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple, cast

from sqlalchemy.exc import SQLAlchemyError

from ..db import is_away
from ..documents.archive import FILE_MAX, may_be_notice
from ..documents.storage import is_digest
from ..errors import BackupUnusable
from ..i18n import gettext as _
from . import migrations

#: Version of the layout.
FORMAT = 1
MANIFEST = "manifest.json"
#: Bytes of a row; real ones have a few thousand.
LINE_MAX = 1_000_000
#: The list of files stays in memory, half a kilobyte each.
DOCUMENTS_MAX = 2_000_000
TABLES_MAX = 100
#: Bytes of the ZIP's list of files, where a notice takes 118.
_DIRECTORY_MAX = 128 * (DOCUMENTS_MAX + TABLES_MAX)
_ENTRY = b"PK\x01\x02"
#: Bytes of the manifest per notice, which takes 71, and for the rest.
_MANIFEST_BYTES = (80, 100_000)
#: Years that every time zone can show.
YEARS = (1970, 9000)
#: Growth by unpacking, as a factor and in free bytes: rows shrink to a fiftieth at most.
_GROWTH_MAX, _GROWTH_FREE = 200, 100_000_000
#: Other methods unpack a whole block at once.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1  # a flag bit
_TABLE = re.compile(r"portal_[a-z_]{1,50}")
#: Errors of reading a broken archive.
_BROKEN = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
)


class Missing(NamedTuple):
    """A notice whose file is lost or damaged."""

    reference: str
    period: date


@dataclass
class Saved:
    """What an archive holds."""

    revision: str
    at: datetime
    #: Rows and SHA-256 by table.
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: SHA-256 of the notices, which are their names.
    documents: list[str] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Return the number of rows in all tables."""
        return sum(table["rows"] for table in self.tables.values())


class Archive:
    """The files of an archive, read with bounds."""

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self._zip = archive
        self._members = {info.filename: info for info in archive.infolist()}
        total = sum(info.file_size for info in archive.infolist())
        is_doubled = len(self._members) != len(archive.infolist())
        if is_doubled or total > _GROWTH_MAX * size + _GROWTH_FREE:
            raise damaged()

    def manifest(self) -> Any:
        """Return the manifest, its values bounded by the number of files."""
        each, others = _MANIFEST_BYTES
        raw = self._read(MANIFEST, each * len(self._members) + others)
        if (
            raw.count(b",") > len(self._members) + 10 * TABLES_MAX
            or raw.count(b"[") + raw.count(b"{") > 10 * TABLES_MAX
        ):
            raise damaged()
        return json.loads(raw)

    def lines(self, table: str) -> Iterator[bytes]:
        """Yield the lines of a table."""
        with self._open(f"tables/{table}.jsonl") as file:
            while line := file.readline(LINE_MAX + 1):
                if len(line) > LINE_MAX:
                    raise damaged()
                yield line

    def document(self, digest: str) -> bytes:
        """Return a notice, checked against its digest."""
        content = self._read(f"notices/{digest}", FILE_MAX)
        if hashlib.sha256(content).hexdigest() != digest or not may_be_notice(content):
            raise damaged()
        return content

    def document_size(self, digest: str) -> int:
        """Return the size of a notice in bytes."""
        return self._members[f"notices/{digest}"].file_size

    def _read(self, name: str, most: int) -> bytes:
        if self._members[name].file_size > most:
            raise damaged()
        with self._open(name) as file:
            content = file.read(most + 1)
        if len(content) != self._members[name].file_size:
            raise damaged()
        return content

    def _open(self, name: str) -> IO[bytes]:
        info = self._members[name]
        if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
            raise damaged()
        return self._zip.open(info)


def damaged() -> BackupUnusable:
    """Return the refusal of a changed archive."""
    return BackupUnusable(_("Cette sauvegarde est abîmée : son contenu n'est plus celui qui a été écrit."))


@contextmanager
def refuse_damage() -> Iterator[None]:
    """Refuse the archive for errors of its content, but not for a database that is away."""
    try:
        yield
    except SQLAlchemyError as trouble:
        if is_away(trouble):
            raise
        raise damaged() from trouble
    except _BROKEN as trouble:
        raise damaged() from trouble


@contextmanager
def opened(path: Path) -> Iterator[tuple[Archive, Saved]]:
    """Open an archive after checking all of its bytes."""
    if not path.exists():
        raise BackupUnusable(_("Ce fichier n'existe pas."))
    if not path.is_file():  # reading a pipe would wait for ever
        raise _no_backup()
    try:
        raw = path.open("rb")
    except OSError:
        raise _no_backup() from None
    with ExitStack() as stack:
        stack.enter_context(raw)
        size = path.stat().st_size
        try:
            found = stack.enter_context(zipfile.ZipFile(cast(IO[bytes], _Bounded(raw, size))))
        except _BROKEN:
            raise _no_backup() from None
        with refuse_damage():
            archive = Archive(found, size)
            saved = _described(archive.manifest())
            for name, table in saved.tables.items():
                _check_table(archive, name, table)
            for digest in saved.documents:
                archive.document(digest)
        yield archive, saved


class _Bounded:
    """A file that refuses reads longer than a list of files."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes, or the rest."""
        left = max(0, self._size - self._file.tell())
        wanted = left if size < 0 else min(size, left)
        content = self._file.read(wanted) if wanted <= _DIRECTORY_MAX else b""
        if wanted > _DIRECTORY_MAX or content.count(_ENTRY) > DOCUMENTS_MAX + TABLES_MAX:
            raise zipfile.BadZipFile
        return content


def _no_backup() -> BackupUnusable:
    return BackupUnusable(_("Ce n'est pas une sauvegarde du portail, ou elle n'est pas entière."))


def _described(manifest: Any) -> Saved:
    layout, revision, tables, documents = (manifest[key] for key in ("format", "revision", "tables", "documents"))
    _require(type(layout) is int and type(revision) is str and type(tables) is dict and type(documents) is list)
    if layout != FORMAT or revision not in migrations.known():
        raise BackupUnusable(_("Cette sauvegarde vient d'une version plus récente du portail."))
    at = datetime.fromisoformat(manifest["at"])
    _require(at.tzinfo is not None and YEARS[0] <= at.year < YEARS[1])
    _require(len(tables) <= TABLES_MAX)
    for name, table in tables.items():
        _require(_TABLE.fullmatch(name) is not None and type(table["rows"]) is int and table["rows"] >= 0)
        _require(is_digest(table["sha256"]))
    _require(all(map(is_digest, documents)) and len(set(documents)) == len(documents))
    return Saved(revision, at, tables, documents)


def _check_table(archive: Archive, name: str, table: dict[str, Any]) -> None:
    digest, rows = hashlib.sha256(), -1
    for line in archive.lines(name):
        digest.update(line)
        rows += 1
        _require(rows <= table["rows"])
    _require(rows == table["rows"] and digest.hexdigest() == table["sha256"])


def _require(is_right: bool) -> None:
    if not is_right:
        raise damaged()
