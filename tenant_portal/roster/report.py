"""What an import did, and the faults of its lines."""

import marshal
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import merge
from tempfile import SpooledTemporaryFile
from typing import NamedTuple


class Fault(NamedTuple):
    """What is wrong with a cell, or with a line if `column` is empty."""

    line: int
    column: str
    value: str
    reason: str


class Faults(Iterable[Fault]):
    """Faults in the order of their lines; many are kept in a file."""

    def __init__(self) -> None:
        self._early, self._late = _Spool(), _Spool()

    def add(self, faults: Iterable[Fault], *, is_late: bool = False) -> None:
        """Keep faults in the order of their lines; late ones are found after all lines are read."""
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
    """What an import did with the lines, and how many contracts it ended."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    ended: int = 0
    refused: int = 0
    #: Refused lines without readable reference and module. Their contracts count as lacking.
    nameless: int = 0
    #: Lines that repeat an earlier one.
    repeated: int = 0
    refusals: Faults = field(default_factory=Faults)
    warnings: Faults = field(default_factory=Faults)

    @property
    def is_without_effect(self) -> bool:
        """Tell whether no contract changed."""
        return not (self.added or self.changed or self.ended)
