"""Files that appear under their name whole or not at all."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def written(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file, readable by its owner alone, that takes its name when the block succeeds."""
    handle, half = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(half, path)
    except BaseException:
        os.unlink(half)
        raise


def sync(folders: Iterable[Path]) -> None:
    """Make new names in these folders survive a power loss; Windows has no such call."""
    for folder in folders if os.name == "posix" else ():
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
