"""The files of notices, each named by its SHA-256."""

import hashlib
import re
from collections.abc import Iterable
from errno import ENOENT
from pathlib import Path

from ..atomic_file import sync, written
from ..errors import NoticesUnusable
from ..i18n import gettext as _
from ..models import Notice
from ..settings import instance_file

_DIGEST = re.compile(r"[0-9a-f]{64}")


def is_digest(value: object) -> bool:
    """Tell whether this is a SHA-256: nothing else may become a file name."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def read(digest: str) -> bytes:
    """Return the content; raise `OSError` if the file is lost."""
    return _path(digest).read_bytes()


def is_intact(digest: str) -> bool:
    """Tell whether the file is there, unharmed."""
    try:
        return hashlib.sha256(read(digest)).hexdigest() == digest
    except OSError:
        return False


def store(digest: str, content: bytes) -> None:
    """Write a file, unless it is there unharmed."""
    path = _path(digest)
    try:
        if path.is_file() and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        with written(path) as file:
            file.write(content)
    except OSError as trouble:
        raise NoticesUnusable(
            _("Le dossier des documents refuse d'écrire : %(cause)s.", cause=trouble.strerror)
        ) from None


def sync_folders(digests: Iterable[str]) -> None:
    """Flush the folders to disk, before rows name their files."""
    sync({folder for digest in digests for folder in _path(digest).parents[:3]})


def path_of(notice: Notice) -> Path:
    """Return the path of a notice."""
    return _path(notice.digest)


def _path(digest: str) -> Path:
    """Return the path; raise `FileNotFoundError` for what is no digest."""
    if not is_digest(digest):
        raise FileNotFoundError(ENOENT, "no SHA-256, so no file")
    return instance_file("notices") / digest[:2] / digest
