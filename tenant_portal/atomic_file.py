"""Files that appear under their name whole or not at all, and survive a power loss where the disk can promise it."""

import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from errno import EACCES, EBADF, EINVAL, EISDIR, ENOSYS, ENOTSUP, EOPNOTSUPP, EPERM
from pathlib import Path
from typing import IO

#: Answers of a share that leaves this to its server; a lost or full disk answers otherwise.
_NO_FLUSH = {EINVAL, ENOSYS, ENOTSUP, EOPNOTSUPP}
#: Further ones for folders.
_NO_FLUSH_OF_FOLDERS = {*_NO_FLUSH, EACCES, EBADF, EISDIR, EPERM}
#: Files that are flushed at once: a disk takes hardly longer for several than for one.
AT_ONCE = 8


def flush(file: IO[bytes] | IO[str]) -> None:
    """Flush a file to disk, where its file system can."""
    file.flush()
    try:
        os.fsync(file.fileno())
    except OSError as trouble:
        if trouble.errno not in _NO_FLUSH:
            raise


@contextmanager
def written(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file, readable by its owner alone, that takes its name when the block succeeds."""
    handle, half = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            flush(file)
        os.replace(half, path)
    except BaseException:
        os.unlink(half)
        raise


@contextmanager
def writing() -> Iterator[Callable[[Path, bytes], None]]:
    """Yield a function that writes a file in the background; all have their names when the block succeeds."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting: deque[Future[None]] = deque()

        def write(path: Path, content: bytes) -> None:
            waiting.append(pool.submit(_write, path, content))
            if len(waiting) > AT_ONCE:  # so many contents are in memory at the most
                waiting.popleft().result()

        yield write
        for finished in waiting:
            finished.result()


def sync(folders: Iterable[Path]) -> None:
    """Make new names in these folders survive a power loss; Windows and some shares have no such call."""
    for folder in folders if os.name == "posix" else ():
        try:
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as trouble:
            if trouble.errno not in _NO_FLUSH_OF_FOLDERS:
                raise


def _write(path: Path, content: bytes) -> None:
    with written(path) as file:
        file.write(content)
