"""Insert the rows of an archive, each value checked against its column."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Date, Enum, Integer, String, Table, insert
from sqlalchemy.engine import Connection

from ..db import UtcDateTime
from ..errors import BackupUnusable
from ..i18n import gettext as _
from .backup_archive import YEARS, Archive, damaged
from .migrations import TABLES

#: Rows of one insert, and bytes of their lines.
BATCH = 1000
BATCH_BYTES = 1_000_000
#: PostgreSQL's integers have 32 bits.
_INTEGER_MAX = 2**31 - 1


def put_rows(table: Table, connection: Connection, archive: Archive) -> None:
    """Insert the rows of a table; raise `BackupUnusable` or `ValueError` for a wrong one."""
    lines = archive.lines(table.name)
    names = json.loads(next(lines, b""))
    if type(names) is not list or sorted(map(str, names)) != sorted(table.columns.keys()):
        raise BackupUnusable(_("Cette sauvegarde n'a pas les tables de son format."))
    readers = [(name, _reader(table.columns[name])) for name in names]
    for batch in _batches(lines):
        rows = []
        for cells in map(json.loads, batch):
            if type(cells) is not list:
                raise damaged()
            rows.append({name: read(value) for (name, read), value in zip(readers, cells, strict=True)})
        connection.execute(insert(table), rows)


def _batches(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch, size = list[bytes](), 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if len(batch) == BATCH or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _reader(column: Column[Any]) -> Callable[[Any], Any]:
    kind, of_code = column.type, TABLES.tables.get(column.table.name)
    read: Callable[[Any], Any]
    if of_code is not None and column.name in of_code.c and isinstance(known := of_code.c[column.name].type, Enum):
        read = _one_of(known.enums)
    elif isinstance(kind, UtcDateTime):
        read = _moment
    elif isinstance(kind, Date):
        read = date.fromisoformat
    elif isinstance(kind, Boolean):
        read = _just(bool)
    elif isinstance(kind, Integer):
        read = _number
    elif isinstance(kind, JSON):
        read = _just(dict, list)
    else:
        read = _just(str) if isinstance(kind, String) else _just(int, float)
    return (lambda value: None if value is None else read(value)) if column.nullable else read


def _just(*kinds: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) not in kinds:
            raise TypeError
        return value

    return read


def _one_of(known: Sequence[str]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not str or value not in known:
            raise ValueError
        return value

    return read


def _number(value: Any) -> int:
    if type(value) is not int or abs(value) > _INTEGER_MAX:
        raise ValueError
    return value


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None or not YEARS[0] <= moment.year < YEARS[1]:
        raise ValueError
    return moment.astimezone(UTC)
