"""A row of the table of speed, and the ways to measure two things fairly on a machine that others use too."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """One line of the table: what was done, against what, what the ratio must be, and what it was, all in words."""

    work: str
    floor: str
    must: str
    reached: str


def in_turns(rounds: int, *measures: Callable[[], float]) -> list[float]:
    """Return the median of each measure; they are taken in turns, so that a busy minute strikes all alike."""
    taken: list[list[float]] = [[] for _ in measures]
    for number in range(rounds):
        order = list(enumerate(measures))
        for index, measure in order if number % 2 else reversed(order):
            taken[index].append(measure())
    return [statistics.median(values) for values in taken]


def processor_seconds(work: Callable[[], Any]) -> float:
    """Return the processor time of this process for a piece of work, the system's part of it too."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def seconds(work: Callable[[], Any]) -> float:
    """Return for how long a piece of work took by the clock."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def markdown(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| work | floor | must reach | reached |", "|---|---|---|---|"]
    lines += [f"| {row.work} | {row.floor} | {row.must} | {row.reached} |" for row in rows]
    return "\n".join(lines) + "\n"
