"""The files of documents, each named by its SHA-256."""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from errno import ENOENT
from pathlib import Path

from ..atomic_file import sync, writing
from ..errors import NoticesUnusable
from ..i18n import gettext as _
from ..settings import instance_file

_DIGEST = re.compile(r"[0-9a-f]{64}")


def is_digest(value: object) -> bool:
    """Tell whether this is a SHA-256: nothing else may become a file name."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def path_of(digest: str) -> Path:
    """Return the full path; raise `OSError` for what is no digest."""
    return _path(digest).absolute()


def read(digest: str) -> bytes:
    """Return the content; raise `OSError` if the file is lost."""
    return _path(digest).read_bytes()


def is_there(digest: str) -> bool:
    """Tell whether there is a file of that name."""
    return path_of(digest).is_file()


def is_intact(digest: str) -> bool:
    """Tell whether the file is there, unharmed."""
    try:
        return hashlib.sha256(read(digest)).hexdigest() == digest
    except OSError:
        return False


def erase(digest: str) -> None:
    """Delete the file of a document that no row names any more; raise `NoticesUnusable` if that is refused."""
    with _told():
        _path(digest).unlink(missing_ok=True)


@contextmanager
def storing() -> Iterator[Callable[[str, bytes], None]]:
    """Yield a function that stores a file by its digest, unless it is there unharmed.

    When the block succeeds, all files are on disk: rows may name them.
    """
    home, folders = _home(), set[Path]()
    with ExitStack() as writers:
        write = writers.enter_context(writing())

        def store(digest: str, content: bytes) -> None:
            path = _path(digest, home)
            with _told():
                if path.parent not in folders:
                    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
                    folders.update(path.parents[:3])  # of a file that is there too: a crash may have come before
                if not (path.is_file() and path.read_bytes() == content):
                    write(path, content)

        yield store
        with _told():
            writers.close()
            sync(folders)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as trouble:
        raise NoticesUnusable(
            _("On ne peut pas écrire dans le dossier des documents : %(cause)s.", cause=trouble.strerror)
        ) from None


def _path(digest: str, home: Path | None = None) -> Path:
    """Return the path; raise `FileNotFoundError` for what is no digest."""
    if not is_digest(digest):
        raise FileNotFoundError(ENOENT, "no SHA-256, so no file")
    return (home or _home()) / digest[:2] / digest


def _home() -> Path:
    return instance_file("notices")
