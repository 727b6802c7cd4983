"""The files of documents in the data folder, each named by its SHA-256."""

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
    """Tell whether this is a SHA-256 as we write it: nothing else may become the name of a file."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def content(digest: str) -> bytes:
    """Return the content of a notice's file; raise `OSError` where it is lost."""
    return _path(digest).read_bytes()


def stands(digest: str) -> bool:
    """Tell whether the file of a notice lies where it belongs, unharmed."""
    try:
        return hashlib.sha256(content(digest)).hexdigest() == digest
    except OSError:
        return False


def store(digest: str, content: bytes) -> None:
    """Put the file of a notice where it belongs; one that stands there already, unharmed, is left alone."""
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
    """Have the files of notices survive a loss of power, before rows name them."""
    sync({folder for digest in digests for folder in _path(digest).parents[:3]})


def path_of(notice: Notice) -> Path:
    """Return where the file of a notice lies."""
    return _path(notice.digest)


def _path(digest: str) -> Path:
    """Return where the file of that digest belongs; anything else that a row may hold names no file at all."""
    if not is_digest(digest):
        raise FileNotFoundError(ENOENT, "no SHA-256, so no file")
    return instance_file("notices") / digest[:2] / digest
