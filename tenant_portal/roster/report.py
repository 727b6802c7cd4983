"""What an import did, and the faults of its lines."""

import marshal
import weakref
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from tempfile import SpooledTemporaryFile
from typing import NamedTuple

#: Different words that are counted.
WORDS_MAX = 1_000


class Fault(NamedTuple):
    """What is wrong with a cell, or with a line if `column` is empty."""

    line: int
    column: str
    value: str
    reason: str


class Faults(Iterable[Fault]):
    """Faults in the order of their lines; many are kept in a file."""

    def __init__(self) -> None:
        self._passes = [_Spool()]

    def begin_pass(self) -> None:
        """Begin anew with the first line: what follows was found by another look at the lines."""
        self._passes.append(_Spool())

    def add(self, faults: Iterable[Fault]) -> None:
        """Keep faults in the order of their lines."""
        for fault in faults:
            self._passes[-1].append(fault)

    def __iter__(self) -> Iterator[Fault]:
        return merge(*self._passes)

    def __len__(self) -> int:
        return sum(spool.count for spool in self._passes)


class Words(Counter[str]):
    """Counts words; of very many different ones, only the first."""

    def note(self, words: Iterable[str]) -> None:
        """Count words."""
        for word in words:
            self[word if word in self or len(self) < WORDS_MAX else "…"] += 1


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
    #: Lines that repeat an earlier one, or add a tenant to it.
    repeated: int = 0
    #: Columns that were read, by their title.
    columns: Mapping[str, str] = field(default_factory=dict)
    #: Titles that were passed over; of those, each that a better one replaced.
    passed_over: Sequence[str] = ()
    doubles: Sequence[tuple[str, str]] = ()
    #: Payments that are neither known as direct debit nor as another way; each counts as none.
    unknown_payments: Words = field(default_factory=Words)
    #: Cells that were read as empty, such as « NULL ».
    emptied: Words = field(default_factory=Words)
    refusals: Faults = field(default_factory=Faults)
    warnings: Faults = field(default_factory=Faults)

    @property
    def is_without_effect(self) -> bool:
        """Tell whether no contract changed."""
        return not (self.added or self.changed or self.ended)
