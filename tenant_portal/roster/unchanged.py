"""Contracts that stand already as a roster says, recognised while it is read: only the others are staged and compared.

A roster lists its contracts in nearly the same order each time. So the contracts after the last one that was recognised
are read as one text each, and the rows of the roster are looked up among them.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count, groupby, repeat
from typing import Any

from sqlalchemy.engine import Connection

from ..db import SQLITE_BUSY_SECONDS

#: What stands between the values of a text; no cell that was cleaned holds it.
SIGN = "\x1f"
#: How PostgreSQL writes what is no text.
_AS_TEXT = {
    "starts_on": "to_char(starts_on, 'YYYY-MM-DD')",
    "ends_on": "to_char(ends_on, 'YYYY-MM-DD')",
    "is_direct_debit": "is_direct_debit::int",
}


class Known:
    """Recognises rows that stand in the database to the letter."""

    def __init__(self, execute: Callable[..., Any], columns: Sequence[str], *, is_sqlite: bool) -> None:
        self.execute = execute
        mark, write, place = ("?", "printf", "%s") if is_sqlite else ("%s", "format", "%%s")
        values = columns if is_sqlite else [_AS_TEXT.get(name, name) for name in columns]
        text = f"{write}('{SIGN.join([place] * len(columns))}', {', '.join(values)})"
        running = f"portal_contracts WHERE id >= {mark} AND ended_at IS NULL ORDER BY id LIMIT {mark}"
        self.texts_from = f"SELECT {text}, id FROM {running}"  # noqa: S608 (our names)
        self.number_of = f"SELECT id FROM portal_contracts WHERE reference = {mark}"  # noqa: S608 (the driver's mark)
        self.after = self.misses = self.skipped = 0

    def newest_import(self) -> int | None:
        """Return the number of the newest import, whose change tells that what was recognised may stand no more."""
        number: int | None = self.execute("SELECT max(id) FROM portal_imports").fetchone()[0]
        return number

    def numbers(self, reference: str, texts: Callable[[], list[str]], size: int) -> list[int | None]:
        """Return the numbers of the contracts that these rows repeat, each contract once.

        Where nothing is recognised, as in the first roster of all, it is tried more and more seldom.
        """
        if self.skipped < self.misses:
            self.skipped += 1
            return [None] * size
        self.skipped, rows = 0, texts()
        found = self._among(rows, self.after + 1)
        if not any(found):
            number = self.execute(self.number_of, (reference,)).fetchone()
            found = self._among(rows, number[0]) if number else found
        self.after = next(filter(None, reversed(found)), self.after)
        self.misses = 0 if any(found) else 2 * self.misses + 1
        return found

    def _among(self, rows: list[str], first: int) -> list[int | None]:
        found = self.execute(self.texts_from, (first, len(rows))).fetchall()
        if [text for text, _number in found] == rows:  # as most often: then nothing need be looked up
            return [number for _text, number in found]
        stand: dict[str, int | None] = dict(found)
        return list(map(stand.pop, rows, repeat(None)))


@contextmanager
def known_to(connection: Connection, columns: Sequence[str]) -> Iterator[Known | None]:
    """Give what recognises rows, or nothing where the contracts cannot be read meanwhile.

    On SQLite it reads by a connection of its own: a transaction that has read can no longer get the write lock once
    somebody else has written.
    """
    driver: Any = connection.connection.driver_connection
    if connection.dialect.driver == "psycopg":
        driver.execute("SET LOCAL enable_sort = off")  # without statistics yet, it would sort the table for each batch
        yield Known(driver.execute, columns, is_sqlite=False)
        driver.execute("SET LOCAL enable_sort TO DEFAULT")
        return
    file = ""  # stays so where the database lives in memory
    if connection.dialect.driver == "pysqlite":
        file = next(row[2] for row in connection.exec_driver_sql("PRAGMA database_list") if row[1] == "main")
    if not file:
        yield None
        return
    with closing(sqlite3.connect(file, timeout=SQLITE_BUSY_SECONDS, isolation_level=None)) as beside:
        yield Known(beside.execute, columns, is_sqlite=True)


def runs(lines: Sequence[int], numbers: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return the recognised contracts as runs: the numbers of the first and the last, and the line of the first."""
    if list(numbers) == list(range(numbers[0], numbers[0] + len(numbers))) and lines[-1] - lines[0] == len(lines) - 1:
        return [(numbers[0], numbers[-1], lines[0])]
    rows = zip(numbers, lines, count(), strict=False)
    found = [list(group) for _key, group in groupby(rows, key=lambda row: (row[0] - row[2], row[1] - row[2]))]
    return [(group[0][0], group[-1][0], group[0][1]) for group in found]
