"""What an import did, and what is wrong with which line."""

import marshal
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import merge
from tempfile import SpooledTemporaryFile
from typing import NamedTuple


class Fault(NamedTuple):
    """What is wrong with one cell, or with a whole line when `column` is empty."""

    line: int
    column: str
    value: str
    reason: str


class Faults(Iterable[Fault]):
    """Faults in the order of their lines; where there are many they wait in a file, not in memory."""

    def __init__(self) -> None:
        self._early, self._late = _Spool(), _Spool()

    def add(self, faults: Iterable[Fault], *, is_late: bool = False) -> None:
        """Keep faults, given in the order of their lines; late ones are found when all lines are there."""
        spool = self._late if is_late else self._early
        for fault in faults:
            spool.append(fault)

    def __iter__(self) -> Iterator[Fault]:
        return merge(self._early, self._late)

    def __len__(self) -> int:
        return self._early.count + self._late.count


class _Spool(Iterable[Fault]):
    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=1 << 20)  # noqa: SIM115 (lives as long as its report)
        self.count = 0
        weakref.finalize(self, self._file.close)

    def append(self, fault: Fault) -> None:
        marshal.dump(tuple(fault), self._file)
        self.count += 1

    def __iter__(self) -> Iterator[Fault]:
        self._file.seek(0)
        for _n in range(self.count):
            yield Fault(*marshal.load(self._file))  # noqa: S302 (our own file)


@dataclass
class Report:
    """What an import did: each line of the roster is added, changed, unchanged, refused or repeated."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    ended: int = 0
    refused: int = 0
    #: Refused lines with neither a reference nor a module that can be read: their contracts count as lacking.
    nameless: int = 0
    #: Lines that say again, to the letter, what an earlier one said.
    repeated: int = 0
    refusals: Faults = field(default_factory=Faults)
    warnings: Faults = field(default_factory=Faults)

    @property
    def is_without_effect(self) -> bool:
        """Tell whether every contract stands as it stood before."""
        return not (self.added or self.changed or self.ended)
